"""Numbers that no metric can be are refused when metrics are read back, by their place."""

import math

import pytest

from jetpulse.errors import UserError
from jetpulse.samples import dump_json
from jetpulse.samples.metrics import read_combined, read_metrics
from toy_jets import assert_one_line

METRICS = {"entries": 9, "auc": 0.9, "auc_error": 0.1, "auc_low": 0.7, "rejection_30": None, "r2": -3.0, "bias": -0.5}
COMBINED = {"median": 0.9, "spread": 0.1, "error": 0.2, "low": 0.7, "high": 1.0, "values": [0.9, None]}


def test_what_can_be_measured_is_read(tmp_path):
    dump_json(tmp_path / "m.json", {"jets": METRICS})
    assert read_metrics(tmp_path / "m.json") == {"jets": METRICS}
    combined = {"tested": {"jets": {"entries": 9, "auc": COMBINED}}, "ensemble": {"jets": METRICS}}
    dump_json(tmp_path / "c.json", combined)
    assert read_combined(tmp_path / "c.json") == combined


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auc_error", -1),
        ("auc", 1.1),
        ("auc", "high"),
        ("auc", True),
        ("auc_low", -0.2),
        ("rejection_30", -5.0),
        ("rejection_30_error", -0.1),
        ("entries", 8.5),
        ("entries", None),
        ("entries", -1),
        ("bias", [1]),
        ("r2", math.inf),
    ],
)
def test_what_no_metric_can_be_is_refused(tmp_path, name, value):
    path = tmp_path / "m.json"
    dump_json(path, {"jets": METRICS | {name: value if value != math.inf else "1e999"}})
    path.write_text(path.read_text().replace('"1e999"', "1e999"))
    with pytest.raises(UserError) as error:
        read_metrics(path)
    assert_one_line(error, f"{path}: jets: {name} is ", "expected", "evaluate again")
    dump_json(path, {"tested": {"jets": {"entries": 9}}, "ensemble": {"jets": METRICS | {name: str(value)}}})
    with pytest.raises(UserError) as error:
        read_combined(path)
    assert_one_line(error, f"{path}: ensemble: jets: {name} is ", "combine again")


@pytest.mark.parametrize("change", [{"error": -1}, {"spread": -0.1}, {"median": 2}, {"values": [0.9, 7]}, {"low": "x"}])
def test_what_trainings_cannot_have_together_is_refused(tmp_path, change):
    dump_json(tmp_path / "c.json", {"tested": {"jets": {"auc": COMBINED | change}}})
    with pytest.raises(UserError) as error:
        read_combined(tmp_path / "c.json")
    assert_one_line(error, tmp_path / "c.json", f"jets: auc: {next(iter(change))} is", "combine again")


@pytest.mark.parametrize("value", [[], 1, {}, {"jets": 1}, {"tested": []}, {"tested": {"jets": [1]}}])
def test_other_json_is_no_file_of_metrics(tmp_path, value):
    dump_json(tmp_path / "x.json", value)
    for read in (read_metrics, read_combined):
        with pytest.raises(UserError) as error:
            read(tmp_path / "x.json")
        assert_one_line(error, tmp_path / "x.json", "again")


@pytest.mark.parametrize("ensemble", [None, 5, [], {"jets": 5}, {"jets": {"auc": 2}}])
def test_what_no_ensemble_can_have_is_refused(tmp_path, ensemble):
    dump_json(tmp_path / "c.json", {"tested": {"jets": {"auc": COMBINED}}, "ensemble": ensemble})
    with pytest.raises(UserError) as error:
        read_combined(tmp_path / "c.json")
    assert_one_line(error, tmp_path / "c.json", "ensemble", "again")
