"""Jet substructure: by hand, by FastJet, and what must hold for every jet."""

from typing import get_args

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.observables import Column
from jetpulse.jets.kinematics import COLUMNS
from jetpulse.jets.observables import observables
from jetpulse.jets.substructure import UNITS, jet_substructure
from toy_jets import Particle, jets, ragged, random_jets

RATIOS = ("tau21", "tau32", "tau43")


def of(*particles: Particle) -> dict[str, float]:
    """Return the observables of one jet."""
    return {name: float(values[0]) for name, values in jet_substructure(*ragged([particles])).items()}


def test_there_is_a_unit_and_a_config_key_for_every_observable():
    assert tuple(of((1.0, 0.0, 0.0))) == tuple(UNITS) == get_args(Column)


def test_two_prongs_by_hand():
    found = of((300.0, 0.0, 0.1), (100.0, 0.0, -0.3))
    # The one axis is the harder particle; two axes leave no distance.
    assert found["tau1"] == pytest.approx(0.25 * 0.4)
    assert [found[name] for name in ("tau2", "tau3", "tau4", *RATIOS)] == [0.0] * 6
    assert found["e2"] == pytest.approx(0.75 * 0.25 * 0.4)
    assert [found[name] for name in ("e3", "c2", "d2")] == [0.0] * 3
    assert found["ptd"] == pytest.approx(np.hypot(0.75, 0.25))
    assert found["multiplicity"] == 2


def test_three_prongs_by_hand():
    found = of((200.0, 0.0, 0.0), (120.0, 0.3, 0.0), (80.0, 0.0, 0.4))
    # kT distances: 120 * 0.3 = 36, 80 * 0.4 = 32, 80 * 0.5 = 40; the third joins the first, then the second does.
    assert found["tau1"] == pytest.approx(0.3 * 0.3 + 0.2 * 0.4)
    assert found["tau2"] == pytest.approx(0.2 * 0.4)
    assert found["tau3"] == 0.0
    assert found["tau21"] == pytest.approx(0.08 / 0.17)
    e2 = 0.5 * 0.3 * 0.3 + 0.5 * 0.2 * 0.4 + 0.3 * 0.2 * 0.5
    e3 = 0.5 * 0.3 * 0.2 * 0.3 * 0.4 * 0.5
    assert found["e2"] == pytest.approx(e2)
    assert found["e3"] == pytest.approx(e3)
    assert found["c2"] == pytest.approx(e3 / e2**2)
    assert found["d2"] == pytest.approx(e3 / e2**3)
    assert found["leading_fraction"] == pytest.approx(200 / found["pt"])


def test_three_prongs_have_a_low_tau32_and_two_prongs_do_not():
    def prongs(*axes: float) -> list[Particle]:
        return [(10.0, 0.0, axis + shift) for axis in axes for shift in (0.0, 0.01)]

    three, two = of(*prongs(-0.5, 0.0, 0.6)), of(*prongs(-0.5, 0.6), (10.0, 0.0, -0.48), (10.0, 0.0, 0.63))
    assert three["tau32"] < 0.1 < 0.3 < two["tau32"]
    assert two["tau21"] < 0.1 < three["tau21"]


def test_the_axis_of_girth_is_that_of_the_jet():
    found = of((100.0, 0.0, 0.2), (100.0, 0.0, -0.2))
    assert found["girth"] == pytest.approx(0.2)
    assert found["tau1"] == pytest.approx(0.2)  # the axis is one of the two: half of the jet is 0.4 away


def test_distances_are_taken_around_the_circle():
    across, plain = of((9.0, 0.3, np.pi - 0.1), (5.0, 0.0, 0.2 - np.pi)), of((9.0, 0.3, 0.0), (5.0, 0.0, 0.3))
    for name in ("tau1", "e2", "girth"):
        assert across[name] == pytest.approx(plain[name])


@pytest.mark.parametrize("particles", [[], [(0.0, 0.0, 0.0)]])
def test_a_jet_without_constituents_is_zero_everywhere(particles):
    assert set(of(*particles).values()) == {0.0}


def test_a_jet_of_one_constituent_has_no_extent():
    found = of((50.0, 1.0, 2.0))
    expected = dict.fromkeys(UNITS, 0.0) | {"multiplicity": 1, "pt": 50.0, "ptd": 1.0, "leading_fraction": 1.0}
    assert found == pytest.approx(expected, abs=1e-5)
    assert [found[name] for name in (*RATIOS, "c2", "d2")] == [0.0] * 5


def test_directions_that_differ_by_rounding_only_are_one():
    twice = of((50.0, 1.0, 2.0), (30.0, 1.0 + 1e-7, 2.0), (20.0, 1.0, 2.0 - 1e-7))
    assert [twice[name] for name in ("tau1", *RATIOS, "e2", "e3", "c2", "d2")] == [0.0] * 8


def test_no_jets_give_no_numbers():
    found = jet_substructure(*ragged([]))
    assert {values.shape for values in found.values()} == {(0,)}


def test_padding_and_the_order_of_constituents_do_not_count():
    jet = random_jets(4, 1, 20)[0]
    mixed = np.concatenate([jet[::-1], np.zeros((3, 3))])
    one, other = of(*jet), of(*mixed)
    assert other == pytest.approx(one, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(-1, 1), st.floats(-3, 3), st.floats(0.5, 2))
def test_boosts_along_the_beam_turns_and_scales_change_nothing_but_what_they_must(seed, boost, turn, scale):
    jet = random_jets(seed, 1)[0]
    moved = jet * [scale, 1, 1] + [0, boost, turn]
    one, other = of(*jet), of(*moved)
    for name in ("mass", "pt"):
        one[name] *= scale
    assert other == pytest.approx(one, rel=1e-6, abs=1e-7)


@given(jets(most_particles=20))
def test_all_numbers_are_finite_and_in_range(drawn):
    found = jet_substructure(*ragged(drawn, np.float32))
    for name, values in found.items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
    for fewer, more in ((1, 2), (2, 3), (3, 4)):  # the axes of fewer subjets are among those of more
        assert (found[f"tau{more}"] <= found[f"tau{fewer}"]).all()
        assert (found[f"tau{more}{fewer}"] <= 1).all()
    assert (found["ptd"] <= 1 + 1e-12).all()
    few = np.array([len(jet) for jet in drawn]) < 3
    assert not found["e3"][few].any()


def test_what_other_figures_show_too_is_the_same():
    constituents, offsets = ragged(random_jets(5, 20))
    ours, theirs = jet_substructure(constituents, offsets), observables(constituents, offsets)
    for name in ("mass", "multiplicity", "pt", "leading_fraction"):
        assert ours[name].tolist() == theirs[name].tolist()


def test_threads_and_neighbours_change_no_bit():
    constituents, offsets = ragged(random_jets(6, 31), np.float32)
    together = jet_substructure(constituents, offsets)
    for threads in (2, 3, 64):
        apart = jet_substructure(constituents, offsets, threads)
        assert all(np.array_equal(together[name], apart[name]) for name in UNITS)
    alone = jet_substructure(constituents[offsets[7] : offsets[8]], np.array([0, offsets[8] - offsets[7]]))
    assert all(alone[name][0] == together[name][7] for name in UNITS)


def test_the_constituents_are_not_touched():
    constituents, offsets = ragged(random_jets(7, 3))
    before = constituents.copy()
    jet_substructure(constituents, offsets)
    assert np.array_equal(constituents, before)


@pytest.fixture(scope="module")
def clustered():
    """The same jets for us and for FastJet, each of more than four constituents."""
    chosen = [jet for jet in random_jets(8, 60, 60) if len(jet) > 4]
    constituents, offsets = ragged(chosen)
    columns = dict(zip(COLUMNS, constituents.T, strict=True))
    events = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    whole = fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0)  # one jet whatever its width
    return jet_substructure(constituents, offsets), fastjet.ClusterSequence(events, whole)


def test_n_subjettiness_is_that_of_fastjet(clustered):
    ours, theirs = clustered
    taus = theirs.njettiness(
        measure_definition="NormalizedMeasure", axes_definition="WTA_KT_Axes", njets=[1, 2, 3, 4], beta=1.0, R0=1.0
    )
    np.testing.assert_allclose(np.stack([ours[f"tau{n}"] for n in range(1, 5)], 1), ak.to_numpy(taus), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("e2", {"npoint": 2}),
        ("e3", {"npoint": 3}),
        ("c2", {"func": "c2"}),
        ("d2", {"func": "d2"}),
    ],
)
def test_energy_correlators_are_those_of_fastjet(clustered, name, options):
    ours, theirs = clustered
    found = theirs.exclusive_jets_energy_correlator(njets=1, beta=1, normalized=True, **options)
    np.testing.assert_allclose(ours[name], ak.to_numpy(ak.flatten(found, axis=None)), rtol=1e-9)
