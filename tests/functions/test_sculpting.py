"""What cuts on a score do to the mass of background jets."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.cli import main
from jetpulse.errors import UserError
from jetpulse.evaluation.sculpting import (
    Sculpting,
    expected_by_chance,
    jensen_shannon,
    measure_sculpting,
    read_sculpting,
    score_profile,
)
from jetpulse.figures.sculpting import sculpting, write_sculpting
from jetpulse.samples import Block, Writer, load_json
from toy_jets import assert_one_line, make_block

HISTOGRAM = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(np.array)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 1], [1, 1], 0.0),
        ([2, 4], [10, 20], 0.0),
        ([3, 0], [0, 7], 1.0),
        # m = (3/4, 1/4): half of log2(4/3), and half of (log2(2/3) + log2 2) / 2.
        ([1, 0], [1, 1], 0.5 * math.log2(4 / 3) + 0.25 * math.log2(2 / 3) + 0.25),
    ],
)
def test_divergence_by_hand(first, second, expected):
    assert jensen_shannon(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-12)


@given(HISTOGRAM, HISTOGRAM)
def test_the_divergence_is_symmetric_and_from_0_to_1(first, second):
    value = jensen_shannon(first, second)
    if first.sum() == 0 or second.sum() == 0:
        assert math.isnan(value)
    else:
        assert -1e-12 <= value <= 1 + 1e-12
        assert value == pytest.approx(jensen_shannon(second, first), abs=1e-12)


def test_chance_gives_the_divergence_that_is_expected():
    # To first order it is chi-square / (8 ln 2), with the number of bins less one as its mean.
    first, second = np.full(20, 500), np.full(20, 2000)
    expected = 19 / (8 * math.log(2)) * (1 / 10_000 + 1 / 40_000)
    assert expected_by_chance(first, second) == pytest.approx(expected, rel=0.1)
    assert expected_by_chance(first, second) == expected_by_chance(first, second)
    assert math.isnan(expected_by_chance(first, 0 * second))


def drawn(n: int = 20_000, sculpted: bool = True) -> Sculpting:
    """Return jets of which heavy ones look like signal, or a score that does not know the mass."""
    rng = np.random.default_rng(5)
    label = np.arange(n) % 2
    mass = np.where(label == 1, rng.normal(170, 10, n), rng.exponential(60, n))
    knows = np.exp(-0.5 * ((mass - 170) / 30) ** 2) if sculpted else 0.5 * label
    score = np.clip(0.7 * knows + 0.3 * rng.random(n), 0, 1)
    return Sculpting(mass, label, np.array([score, score**2]), True)


def test_a_score_that_knows_the_mass_sculpts_and_another_does_not():
    cuts = measure_sculpting(drawn())["cuts"]
    assert list(cuts) == ["50%", "30%"]
    for cut in cuts.values():
        assert cut["inverse_jsd"] < 3
        assert cut["inverse_jsd_chance"] > 5 * cut["inverse_jsd"]
        assert cut["jsd"][0] == pytest.approx(cut["jsd"][1])  # the square changes no order
    independent = measure_sculpting(drawn(sculpted=False))
    for cut in independent["cuts"].values():
        if cut["inverse_jsd"] is not None:
            assert cut["inverse_jsd"] > 0.3 * cut["inverse_jsd_chance"]


def test_cuts_keep_their_part_of_the_signal():
    jets = drawn()
    for efficiency in (0.5, 0.3):
        passed = jets.passing(efficiency)
        assert np.mean(passed[:, jets.label == 1], axis=1) == pytest.approx([efficiency] * 2, abs=1e-3)


def test_heavy_jets_are_in_the_last_bin():
    jets = Sculpting(np.array([1.0, 2.0, 1e5]), np.array([0, 0, 1]), np.array([[0.1, 0.2, 0.3]]), True)
    assert jets.histogram(jets.label == 1)[-1] == 1
    assert jets.histogram(np.ones(3, bool)).sum() == 3


def test_no_background_above_the_cut_is_no_number():
    jets = Sculpting(np.array([10.0, 20, 30, 40]), np.array([0, 0, 1, 1]), np.array([[0.1, 0.2, 0.8, 0.9]]), True)
    measured = measure_sculpting(jets)["cuts"]["50%"]
    assert measured == {"inverse_jsd": None, "inverse_jsd_chance": None, "jsd": [None], "background_passing": [0]}
    sculpting(jets, measure_sculpting(jets)["cuts"])


def test_the_profile_is_the_mean_score_in_bins_of_the_mass():
    jets = drawn()
    middles, means = score_profile(jets, 0)
    assert means.shape == (2, len(middles))
    peak = np.nanargmax(means[0])
    assert abs(middles[peak] - 170) < 15
    few = Sculpting(np.array([1.0, 2.0]), np.array([0, 1]), np.array([[0.2, 0.7]]), True)
    assert np.all(np.isnan(score_profile(few, 0)[1]))
    assert np.nansum(score_profile(few, 0, least=1)[1]) == pytest.approx(0.2)


def write_test_split(folder: Path, events: list[int], scores: list[float]) -> tuple[Path, Path]:
    """Write jets of two particles, whose mass grows from jet to jet, and predictions of them."""
    labels = np.arange(len(events)) % 2
    block = make_block([[(100, 0, 0), (100, 0.1 * (i + 1), 0)] for i in range(len(events))], labels)
    entries = block.entries | {"event": np.array(events)}
    with Writer.create(folder / "samples.h5", "jets", spec={}, units={}) as writer:
        writer.append("test", Block(entries, block.offsets, block.flat))
    with Writer.create(folder / "p.h5", "predictions", spec={}, units={}) as writer:
        writer.append("toys", Block(entries | {"probability": np.stack([1 - np.array(scores), scores], axis=1)}))
    return folder / "p.h5", folder / "samples.h5"


def test_jets_of_one_event_are_matched_by_their_place(tmp_path):
    predictions, samples = write_test_split(tmp_path, [4, 4, 4, 9], [0.1, 0.7, 0.3, 0.9])
    jets = read_sculpting([predictions, predictions], samples, "toys")
    expected = [100 * math.sqrt(2 * (math.cosh(0.1 * (i + 1)) - 1)) for i in range(4)]
    np.testing.assert_allclose(jets.mass, expected, rtol=1e-3)
    np.testing.assert_array_equal(jets.scores, [[0.1, 0.7, 0.3, 0.9]] * 2)


@pytest.mark.parametrize("events", [[4, 4, 5], [4, 4, 4, 4]])
def test_samples_that_were_not_predicted_are_refused(tmp_path, events):
    (tmp_path / "other").mkdir()
    predictions, _ = write_test_split(tmp_path, [4, 4, 4], [0.1, 0.7, 0.3])
    _, samples = write_test_split(tmp_path / "other", events, [0.5] * len(events))
    with pytest.raises(UserError) as error:
        read_sculpting([predictions], samples, "toys")
    assert_one_line(error, "p.h5: toys", samples, "predict again")


def test_the_command_draws_and_writes_numbers(tmp_path, capsys):
    predictions, samples = write_test_split(tmp_path, list(range(8)), [0.1, 0.7, 0.6, 0.9, 0.2, 0.3, 0.8, 0.5])
    outputs = ["--figure", str(tmp_path / "s.svg"), "--numbers", str(tmp_path / "s.json")]
    arguments = [str(predictions), "--samples", str(samples), "--dataset", "toys", *outputs]
    assert main(["plot-sculpting", *arguments]) == 0
    assert "1/JSD" in capsys.readouterr().err
    numbers = load_json(tmp_path / "s.json")
    assert numbers["background"] == 4
    first = (tmp_path / "s.svg").read_bytes()
    write_sculpting([predictions], samples, "toys", tmp_path / "s.svg", tmp_path / "s.json")
    assert (tmp_path / "s.svg").read_bytes() == first
