import numpy as np
import pytest
from hypothesis import given

from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.readers import read_top_tagging
from top_tagging_file import write_table
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
    block = make_block(GOOD, first=(2 << 40) + 500)
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
