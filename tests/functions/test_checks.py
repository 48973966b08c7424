import numpy as np
import pytest
from hypothesis import given

from jetpulse.errors import UserError
from jetpulse.jets.checks import ROUNDING, check_jets
from jetpulse.samples import Block
from top_tagging_file import read_top_tagging, write_table
from toy_jets import assert_one_line, jets, make_block, momenta

GOOD = [[(50.0, 0.0, 0.1), (20.0, 0.3, 0.2)], [(30.0, 1.0, 3.1)], [(40.0, 0.0, 0.0), (10.0, 0.1, 0.1)]]


@given(jets(most_jets=5))
def test_physical_jets_pass_and_stay_unchanged(drawn):
    block = make_block([jet for jet in drawn if len(jet)])
    before = block.flat["constituents"].copy()
    check_jets(block, "a.h5")
    np.testing.assert_array_equal(block.flat["constituents"], before)


def test_no_jets_pass():
    check_jets(make_block([]), "a.h5")


def test_a_jet_without_constituents_is_refused_with_how_many_there_are():
    with pytest.raises(UserError) as error:
        check_jets(make_block([GOOD[0], [], GOOD[1], []]), "a.h5")
    assert_one_line(error, "a.h5: event 1:", "no constituents (2 such jets)", "remove")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("column", "name"), [(0, "E"), (1, "px"), (2, "py"), (3, "pz")])
def test_a_number_that_is_not_finite_is_refused(value, column, name):
    block = make_block(GOOD)
    block.flat["constituents"][4, column] = value
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "a.h5: event 2, constituent 1:", f"{name} is {value}", "finite", "repair")


@pytest.mark.parametrize("energy", [-3.5, 0.0])
def test_an_energy_that_is_not_positive_is_refused(energy):
    block = make_block(GOOD)
    block.flat["constituents"][2, 0] = energy
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "a.h5: event 1, constituent 0:", f"E is {energy:g} GeV", "positive", "repair")


def test_the_first_offender_is_named():
    block = make_block(GOOD)
    block.flat["constituents"][[1, 3], 2] = np.nan
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "event 0, constituent 1")


def test_the_event_is_the_row_in_the_file_whatever_the_block():
    block = make_block(GOOD, first=(2 << 32) + 500)
    block.flat["constituents"][2, 0] = -1
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "event 501,")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((np.nan, 1, 1, 1), "E is nan"),
        ((5, 1, np.inf, 1), "py is inf"),
        ((-5, 3, 0, 4), "E is -5 GeV"),
    ],
)
@pytest.mark.parametrize("rows", [1, 10])
def test_a_bad_row_of_a_file_is_named_with_file_and_event(tmp_path, row, message, rows):
    good = momenta([(50.0, 0.0, 0.1), (20.0, 0.3, 0.2)])
    table = np.stack([good, good, good])
    table[1, 1] = row
    path = write_table(tmp_path / "a.h5", table, [0, 1, 0])
    with pytest.raises(UserError) as error:
        for block in read_top_tagging(path, 4, rows):
            check_jets(block, path)
    assert_one_line(error, path, "event 1,", message, "repair the file")


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_a_bad_constituent_of_a_file_is_named_by_its_column_there(tmp_path, place, column):
    table = np.stack([momenta([(50.0, 0.0, 0.1), (20.0, 0.3, 0.2), (10.0, 0.1, 0.2)])] * 2)
    table[1, place, column] = np.inf
    path = write_table(tmp_path / "a.h5", table, [0, 1])
    with pytest.raises(UserError) as error:
        for block in read_top_tagging(path):
            check_jets(block, path)
    assert_one_line(error, f"event 1, constituent {place}:")


def test_an_empty_row_of_a_file_is_named_with_file_and_event(tmp_path):
    good = momenta([(50.0, 0.0, 0.1)])
    path = write_table(tmp_path / "a.h5", np.stack([good, good, 0 * good]), [0, 1, 0])
    with pytest.raises(UserError) as error:
        for block in read_top_tagging(path):
            check_jets(block, path)
    assert_one_line(error, path, "event 2:", "no constituents")


@pytest.mark.parametrize("part", [2.0**-21, -1.0])
def test_an_energy_that_is_rounded_or_has_a_mass_in_it_passes(part):
    block = make_block(GOOD)
    block.flat["constituents"][:, 0] *= 1 - part
    assert check_jets(block, "a.h5") is block


def test_an_energy_below_the_momentum_is_refused():
    block = make_block(GOOD)
    block.flat["constituents"][3, 0] *= 1 - 2.0**-18
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "a.h5: event 2, constituent 0: E is", "less than |p|, 40 GeV (1 such constituents)")


def test_the_tolerance_is_far_above_what_real_jets_need(real_data):
    (block,) = read_top_tagging(real_data / "top_landscape_test_first1000.h5")
    values = block.flat["constituents"].astype(np.float64)
    excess = np.linalg.norm(values[:, 1:], axis=1) / values[:, 0] - 1
    assert 2.0**-25 < excess.max() < ROUNDING / 8


@pytest.mark.parametrize(
    ("columns", "order"),
    [([1, 0, 2, 3], "px, E, py, pz"), ([1, 2, 0, 3], "px, py, E, pz"), ([1, 2, 3, 0], "px, py, pz, E")],
)
def test_columns_in_another_order_are_recognised(columns, order):
    block = make_block([[(50.0, 0.3, 2.1), (20.0, -0.3, 2.4)]] * 5)
    block.flat["constituents"][:] = block.flat["constituents"][:, columns]
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "a.h5: event 0, constituent 0:", f"in the order {order}?", "expected E, px, py, pz")


def test_momenta_that_must_be_mev_are_refused_with_the_remedy():
    block = make_block(GOOD)
    block.flat["constituents"][:] *= 5000
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5")
    assert_one_line(error, "a.h5: event 0", "median jet pT is 249,800 GeV", "unit: MeV")


@given(jets(most_jets=5))
def test_repaired_jets_hold_the_same_constituents_hardest_first(drawn):
    block = make_block([jet for jet in drawn if len(jet)])
    mixed = block.flat["constituents"][::-1].copy()
    backwards = Block(block.entries, block.offsets[-1] - block.offsets[::-1], {"constituents": mixed})
    repaired = check_jets(backwards, "a.h5", "repair")
    np.testing.assert_array_equal(backwards.flat["constituents"], mixed)  # the caller's array is untouched
    for i in range(len(block)):
        one, other = (b.take(np.array([i])).flat["constituents"] for b in (backwards, repaired))
        pt = np.hypot(other[:, 1].astype(float), other[:, 2])
        assert (np.diff(pt) <= 0).all()
        assert sorted(map(tuple, one.tolist())) == sorted(map(tuple, other.tolist()))


def test_order_is_not_looked_at_unless_asked():
    block = make_block([[(10.0, 0.0, 0.1), (20.0, 0.3, 0.2)]])
    assert check_jets(block, "a.h5") is block
    with pytest.raises(UserError) as error:
        check_jets(block, "a.h5", "refuse")
    assert_one_line(error, "a.h5: event 0, constituent 1:", "sort the constituents")
