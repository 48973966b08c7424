import numpy as np
import pytest

from jetpulse import seeds


def test_the_numbers_of_the_streams_never_change():
    known = {"pythia/qcd": 1, "pythia/top": 2, "detector/qcd": 3, "detector/top": 4}
    known |= {"weights": 10, "shuffle": 11, "dropout": 12, "bootstrap": 20}
    assert {name: seeds.STREAMS[name] for name in known} == known


def test_no_two_streams_share_a_number():
    assert len(set(seeds.STREAMS.values())) == len(seeds.STREAMS)


def test_a_seed_sequence_is_made_of_seed_stream_and_block():
    expected = np.random.SeedSequence([7, 3, 2]).generate_state(4)
    np.testing.assert_array_equal(seeds.seed_sequence(7, "detector/qcd", 2).generate_state(4), expected)


@pytest.mark.parametrize(
    ("arguments", "integer"),
    [
        ((1, "pythia/qcd", 0), 38_901_565_946_305_238),
        ((1, "pythia/qcd", 1), 608_024_111_298_957_010),
        ((1, "pythia/top", 0), 7_764_949_442_709_860_949),
        ((2, "weights"), 7_543_736_427_345_040_639),
    ],
)
def test_known_integer_seeds(arguments, integer):
    assert seeds.integer_seed(*arguments) == integer


def test_fewer_bits_are_the_upper_ones():
    full, short = (seeds.integer_seed(5, "weights", bits=bits) for bits in (64, 31))
    assert short == full >> 33
    assert 0 <= short < 2**31


def test_known_random_numbers():
    found = seeds.generator(1, "bootstrap").integers(0, 1000, 5).tolist()
    assert found == [340, 586, 782, 223, 518]


def test_every_seed_stream_and_block_draws_other_numbers():
    keys = [(s, stream, b) for s in (0, 1, 2) for stream in seeds.STREAMS for b in (0, 1, 2)]
    drawn = {tuple(seeds.generator(*key).integers(0, 2**62, 2)) for key in keys}
    assert len(drawn) == len(keys)


def test_the_same_key_draws_the_same_numbers():
    first, second = (seeds.generator(4, "shuffle", 9).random(5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_an_unknown_stream_is_refused():
    with pytest.raises(KeyError, match="pythia/bottom"):
        seeds.generator(1, "pythia/bottom")
