"""What is gathered from samples of jets: distributions, oddities, the agreement of two; numbers known by hand."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.jets.agreement import Comparison, compare_surveys
from jetpulse.jets.distributions import Distribution, common_edges
from jetpulse.jets.observables import UNITS, lies_across_phi, observables, space_like
from jetpulse.jets.validation import RUN, Survey, describe_survey, survey_jets
from jetpulse.samples import Block, Writer
from toy_jets import assert_one_line, make_block, momenta, ragged

# Two massless particles at right angles: pT 5 GeV, E 7 GeV, mass sqrt(49 - 25) GeV.
CORNER = [(4.0, 0.0, 0.0), (3.0, 0.0, np.pi / 2)]
ALONE = [(10.0, 1.0, 0.5)]
ACROSS = [(2.0, 0.0, 3.1), (1.0, 0.0, -3.1)]


def filled(*chunks: list[float]) -> Distribution:
    distribution = Distribution()
    for chunk in chunks:
        distribution.add(np.array(chunk, float))
    return distribution


def surveyed(*parts: tuple[str, Block]) -> Survey:
    survey = Survey()
    for split, block in parts:
        survey.add(split, block)
    return survey


def test_a_distribution_by_hand():
    found = filled([4.0, 1.0], [], [2.0, 100.0, math.nan, -math.inf])
    assert (found.entries, found.undefined, found.low, found.high) == (4, 2, 1.0, 100.0)
    assert found.mean == pytest.approx(26.75)
    assert found.mean_error == pytest.approx(np.std([1, 2, 4, 100], ddof=1) / 2)
    assert [found.quantile(q) for q in (0, 0.25, 0.26, 0.5, 0.75, 1)] == [1, 1, 2, 2, 4, 100]
    # Half a standard deviation in rank, sqrt(4) / 2 = 1 of 4, up and down.
    assert found.median_error == (4 - 1) / 2
    assert found.binned(np.array([1.0, 2.0, 50.0])).tolist() == [1, 2]


def test_distributions_of_nothing_and_of_one_number():
    none, one = Distribution(), filled([3.0])
    assert none.entries == 0
    assert all(map(math.isnan, (none.mean, none.low, none.quantile(0.5), none.mean_error, none.median_error)))
    assert (one.mean, one.low, one.high, one.quantile(0.5)) == (3.0, 3.0, 3.0, 3.0)
    assert math.isnan(one.mean_error)
    assert math.isnan(one.median_error)
    assert none.binned(np.array([0.0, 1.0])).tolist() == [0]


# Whole numbers of GeV or eighths of them have fine bins of their own below 1024.
EXACT = st.lists(st.integers(-8000, 8000).map(lambda i: i / 8), min_size=1, max_size=60)


@given(EXACT, st.integers(0, 60), st.floats(0, 1))
def test_a_distribution_is_that_of_all_numbers_however_they_come(values, cut, q):
    found = filled(values[:cut], values[cut:])
    assert found.entries == len(values)
    assert (found.low, found.high) == (min(values), max(values))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    if len(values) > 1:
        assert found.mean_error == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)), abs=1e-9)
    rank = min(max(math.ceil(q * len(values) - 1e-9), 1), len(values))
    assert found.quantile(q) == sorted(values)[rank - 1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_quantiles_are_exact_to_a_part_in_eight_thousand(values, q):
    exact = np.quantile(values, q, method="inverted_cdf")
    assert filled(values).quantile(q) == pytest.approx(exact, rel=1 / 8000, abs=1e-37)


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=60), st.integers(1, 12))
def test_histograms_lose_and_move_no_entry(values, bins):
    values = np.array(values, np.float32).astype(float)
    found = filled(values)
    edges = common_edges([found], bins)
    assert (np.diff(edges) > 0).all()
    counts = found.binned(edges)
    assert counts.sum() == len(values)  # so few lie all inside
    expected = [int(np.sum((values >= low) & (values < high))) for low, high in pairwise(edges)]
    assert counts.tolist() == expected


def test_bins_of_whole_numbers_hold_equally_many():
    found = filled([3.0, 4.0, 12.0])
    edges = common_edges([found, Distribution()], 5, whole=True)
    assert edges.tolist() == [2.5, 4.5, 6.5, 8.5, 10.5, 12.5]
    assert found.binned(edges).tolist() == [2, 0, 0, 0, 1]


def test_edges_of_nothing_and_of_equal_numbers_have_a_width():
    assert common_edges([Distribution()], 10).tolist() == [0, 1]
    edges = common_edges([filled([600.0] * 5)], 10)
    assert edges[-1] - edges[0] > 5
    assert filled([600.0] * 5).binned(edges).sum() == 5
    assert filled([0.0]).binned(common_edges([filled([0.0])], 3)).sum() == 1


def test_observables_by_hand():
    found = observables(*ragged([CORNER, ALONE]))
    assert list(found) == list(UNITS)
    np.testing.assert_allclose(found["mass"], [np.sqrt(24), 0], atol=1e-6)
    assert found["multiplicity"].tolist() == [2, 1]
    np.testing.assert_allclose(found["pt"], [5, 10])
    np.testing.assert_allclose(found["eta"], [0, 1], atol=1e-12)
    np.testing.assert_allclose(found["leading_fraction"], [0.8, 1])


@pytest.mark.parametrize("function", [observables, lies_across_phi])
def test_no_jets_give_nothing(function):
    found = function(*ragged([]))
    assert all(len(values) == 0 for values in (found.values() if isinstance(found, dict) else [found]))


def test_jets_across_the_end_of_phi_by_hand():
    beyond = [(1.0, 0.0, 0.1), (1.0, 0.0, -0.1)]
    assert lies_across_phi(*ragged([ACROSS, beyond, [], ALONE])).tolist() == [True, False, False, False]


def test_constituents_lighter_than_massless_by_hand():
    constituents = np.array([[5.0, 3.0, 4.0, 0.0], [4.0, 3.0, 4.0, 0.0], [6.0, 3.0, 4.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert space_like(constituents).tolist() == [0, 0.25, 0, np.inf]
    assert space_like(np.zeros((0, 4))).tolist() == []


def test_a_survey_by_hand():
    train = make_block([CORNER, ALONE, CORNER, ACROSS], [1, 0, 0, 1])
    test = make_block([ALONE, ALONE], [0, 0])
    described = describe_survey(surveyed(("train", train), ("test", test)))
    assert described["jets"] == {
        "train": {"top": 2, "QCD": 2},
        "val": {"top": 0, "QCD": 0},
        "test": {"top": 0, "QCD": 2},
    }
    assert described["top_share"] == {"train": 0.5, "val": None, "test": 0.0}
    top, qcd = described["classes"]["top"], described["classes"]["QCD"]
    assert (top["jets"], top["one_constituent"], top["across_phi"]) == (2, 0.0, 0.5)
    assert (qcd["jets"], qcd["one_constituent"], qcd["across_phi"]) == (4, 0.75, 0.0)
    assert qcd["pt"]["mean"] == pytest.approx((10 + 5 + 10 + 10) / 4, rel=1e-6)
    assert (qcd["multiplicity"]["min"], qcd["multiplicity"]["median"], qcd["multiplicity"]["max"]) == (1, 1, 2)
    assert top["leading_fraction"]["max"] == pytest.approx(0.8, rel=1e-6)
    assert (top["constituent_pt"]["entries"], qcd["constituent_pt"]["entries"]) == (4, 5)
    # One top and one QCD jet are the same, and ALONE is in both splits, twice in the second.
    assert described["duplicates"] == {"within_splits": 2, "between_splits": 1}
    assert described["constituents"]["number"] == 9
    assert described["constituents"]["space_like"] == 0
    json.dumps(described, allow_nan=False)


@pytest.mark.parametrize("labels", [[], [1], [0, 1]], ids=["no jets", "one jet", "one jet of each class"])
def test_few_jets_are_described(labels):
    block = make_block([CORNER] * len(labels), labels) if labels else make_block([])
    described = describe_survey(surveyed(("test", block)))
    json.dumps(described, allow_nan=False)
    for label, kind in ((1, "top"), (0, "QCD")):
        found = described["classes"][kind]
        assert found["jets"] == labels.count(label)
        mass = found["mass"]["mean"]
        assert mass is None if label not in labels else mass == pytest.approx(np.sqrt(24), rel=1e-6)
        assert found["mass"]["mean_error"] is None


def test_an_imbalance_along_the_file_is_found():
    n = 2 * RUN + 10
    label = np.where(np.arange(n) < RUN, np.arange(n) % 2, 1)
    survey = surveyed(("train", make_block([ALONE] * n, label)))
    assert survey.shares == (0.5, 1.0)
    assert math.isnan(surveyed(("train", make_block([ALONE] * (RUN - 1)))).shares[0])


def test_light_constituents_and_undefined_directions_are_counted():
    block = make_block([CORNER, ALONE])
    constituents = block.flat["constituents"].copy()
    constituents[0, 0] *= 0.9
    constituents[2] = (5.0, 0.0, 0.0, 5.0)
    described = describe_survey(surveyed(("test", Block(block.entries, block.offsets, {"constituents": constituents}))))
    assert described["constituents"]["space_like"] == 1
    assert described["constituents"]["largest_space_like"] == pytest.approx(1 / 9, rel=1e-5)
    assert described["classes"]["top"]["eta"]["undefined"] == 1


def test_a_file_gives_the_survey_of_its_blocks(tmp_path):
    made = make_block([CORNER, ALONE, ACROSS, ALONE])
    with Writer.create(tmp_path / "s.h5", "jets", spec={}, units={}) as writer:
        writer.append("val", made)
        writer.append("test", make_block([]))
    read = []
    found = describe_survey(survey_jets(tmp_path / "s.h5", read.append))
    assert found == describe_survey(surveyed(("val", made)))
    assert sum(read) == 4


def test_other_files_are_refused(tmp_path):
    with Writer.create(tmp_path / "s.h5", "pulses", spec={}, units={}) as writer:
        entries = {"event": np.arange(2), "label": np.arange(2), "waveform": np.ones((2, 1, 3))}
        writer.append("val", Block(entries))
    with pytest.raises(UserError) as error:
        survey_jets(tmp_path / "s.h5")
    assert_one_line(error, tmp_path / "s.h5", "pulses")


def compared(first: float, first_error: float, second: float, second_error: float) -> Comparison:
    return Comparison(1, "mass", "median", first, first_error, second, second_error, 0.05)


def test_a_ratio_and_its_error_by_hand():
    row = compared(100.0, 3.0, 110.0, 4.4)
    assert row.ratio == pytest.approx(1.1)
    assert row.ratio_error == pytest.approx(1.1 * 0.05)  # 3 % and 4 % in quadrature
    assert row.agrees
    assert compared(100.0, 0.0, 105.1, 0.0).agrees is False
    assert compared(100.0, 0.0, 94.9, 0.0).agrees is False
    assert compared(100.0, 0.0, 95.1, 0.0).agrees is True


@pytest.mark.parametrize(
    "numbers", [(0.0, 1.0, 5.0, 1.0), (math.nan,) * 4, (5.0, 1.0, math.nan, math.nan), (5.0, math.nan, 5.0, 1.0)]
)
def test_what_is_not_defined_does_not_agree_or_disagree(numbers):
    assert compared(*numbers).agrees is None


def test_the_agreement_of_two_samples_by_hand():
    first = surveyed(("test", make_block([CORNER, CORNER, ALONE, CORNER], [1, 1, 1, 0])))
    turned = [[(pt, eta, phi + 0.5) for pt, eta, phi in jet] for jet in (CORNER, ALONE)]
    second = surveyed(("test", make_block(turned, [1, 1])))
    rows = compare_surveys(first, second)
    assert [(row.label, row.quantity) for row in rows] == [
        (label, name) for label in (1, 0) for name in ("multiplicity", "mass", "leading_fraction")
    ]
    number, mass, fraction = rows[:3]
    assert (number.first, number.second) == (pytest.approx(5 / 3), 1.5)
    assert number.first_error == pytest.approx(1 / 3)
    assert number.agrees  # 10 % less, with an error of 39 %
    assert mass.first == pytest.approx(np.sqrt(24), rel=1e-3)
    assert (fraction.first, fraction.second) == (pytest.approx(2.6 / 3), pytest.approx(0.9))
    assert [row.agrees for row in rows[3:]] == [None] * 3
    shared = surveyed(("train", make_block([turned[0], CORNER], [1, 1])))
    assert [(row.shared, row.agrees) for row in compare_surveys(first, shared)] == [(1, None)] * 6


def test_momenta_of_the_toys_are_massless():
    assert space_like(momenta(CORNER + ALONE)).max() < 1e-12
