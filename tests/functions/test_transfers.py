"""Transfers between samples: changes by hand, rows in order, figure and tables on any matrix."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jetpulse.cli import main
from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.transfers import datasets_of, read_transfers
from jetpulse.figures.style import save_figure
from jetpulse.figures.transfers import transfer_matrix, write_transfers
from test_figures_files import Table
from toy_jets import assert_one_line

Values = Sequence[float | None]


def metric(values: Values, error: float | None = None) -> dict[str, Any]:
    """Return a metric as an experiment's metrics.json has it, for a few seeds; None stands for infinity."""
    median = sorted(math.inf if value is None else value for value in values)[len(values) // 2]
    known = None not in values and len(values) > 1
    mean = sum(values) / len(values) if known else 0.0
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)) if known else None
    return {
        "median": median if math.isfinite(median) else None,
        "spread": spread,
        "error": error,
        "values": list(values),
    }


def measured(auc: Values, error: float | None = 0.003, rejection: Values = (100.0, 100.0, 100.0)) -> dict[str, Any]:
    accuracy = [value and value - 0.05 for value in auc]
    found = {"auc": metric(auc, error), "accuracy": metric(accuracy, 0.005)}
    return {"entries": 1234, **found, "rejection_50": metric(rejection, 10.0), "rejection_30": metric(rejection)}


def write_result(path: Path, own: str, **tested: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"dataset": own, "tested": tested}))
    return path


def experiment(dataset: str, model: str = "jet-cnn", **arguments: Any) -> Experiment:
    network = {"name": model, **arguments}
    return Experiment.model_validate({"dataset": dataset, "representation": "images", "model": network})


OWN = measured([0.960, 0.962, 0.966], 0.003, [80.0, 100.0, 120.0])
OTHER = measured([0.950, 0.954, 0.955], 0.004, [40.0, 60.0, 60.0])


@pytest.fixture
def pair(tmp_path) -> tuple[dict[str, Path], dict[str, Experiment]]:
    """One network, tested on its own sample and on another one."""
    return {"cnn": write_result(tmp_path / "cnn.json", "sim", sim=OWN, real=OTHER)}, {"cnn": experiment("sim")}


def test_a_change_is_taken_seed_by_seed(pair):
    (row,) = read_transfers(*pair)
    assert (row.experiment, row.model, row.trained_on) == ("cnn", "jet-cnn", "sim")
    assert list(row.entries) == ["sim", "real"]
    assert (row.values["auc"]["sim"].value, row.values["auc"]["real"].value) == (0.962, 0.954)
    change = row.changes["auc"]["real"]
    # -0.010, -0.008, -0.011; the difference of the medians would be -0.008.
    assert change.value == pytest.approx(-0.010)
    assert change.spread == pytest.approx(0.0015275, rel=1e-4)
    assert change.error == pytest.approx(0.005)  # 0.003 and 0.004 in quadrature
    assert set(row.changes["auc"]) == {"real"}


def test_a_rejection_changes_by_a_factor(pair):
    (row,) = read_transfers(*pair)
    change = row.changes["rejection_50"]["real"]
    assert change.value == 0.5  # of 0.5, 0.6, 0.5
    assert change.error == pytest.approx(0.5 * math.hypot(10 / 100, 10 / 60))
    assert math.isnan(row.changes["rejection_30"]["real"].error)


def test_what_is_infinite_or_missing_has_no_change(tmp_path):
    other = measured([0.95, 0.95, 0.95], None, [None, None, None])
    del other["accuracy"]
    results = {"cnn": write_result(tmp_path / "cnn.json", "sim", sim=OWN, real=other)}
    (row,) = read_transfers(results, {"cnn": experiment("sim")})
    assert math.isnan(row.changes["rejection_50"]["real"].value)
    assert math.isnan(row.changes["accuracy"]["real"].value)
    assert math.isnan(row.values["accuracy"]["real"].value)
    assert math.isnan(row.changes["auc"]["real"].error)
    write_transfers(results, {"cnn": experiment("sim")}, tmp_path / "t.svg", tmp_path / "t.html")
    rows = Table((tmp_path / "t.html").read_text(encoding="utf-8")).rows
    assert [row[-1] for row in rows if row[0] == "cnn"][1:] == ["not defined", *["∞ no background passes"] * 2]


def test_the_error_of_a_factor_has_two_ends_if_those_of_its_parts_have(tmp_path):
    own, other = measured([0.96], None, [100.0]), measured([0.95], None, [50.0])
    own["rejection_50"] |= {"low": 80.0, "high": 140.0}
    other["rejection_50"] |= {"low": 50.0, "high": 50.0}
    results = {"cnn": write_result(tmp_path / "cnn.json", "sim", sim=own, real=other)}
    change = read_transfers(results, {"cnn": experiment("sim")})[0].changes["rejection_50"]["real"]
    # The smaller the rejection on the own test split may be, the larger may be the factor.
    assert (change.value, change.low, change.high) == pytest.approx((0.5, 50 / 140, 50 / 80))


def test_networks_stay_together_and_the_own_samples_form_a_diagonal(tmp_path):
    order = [("a", "sim", "jet-cnn"), ("b", "sim", "dense"), ("c", "real", "jet-cnn"), ("d", "real", "dense")]
    experiments = {name: experiment(dataset, model) for name, dataset, model in order}
    experiments["e"] = experiment("sim", filters=3)
    results = {
        name: write_result(tmp_path / f"{name}.json", value.dataset, last=OTHER, **{value.dataset: OWN})
        for name, value in experiments.items()
    }
    rows = read_transfers(results, experiments)
    assert [row.experiment for row in rows] == ["a", "c", "b", "d", "e"]
    assert datasets_of(rows) == ["sim", "real", "last"]
    assert list(rows[1].entries) == ["real", "last"]  # own first


def test_the_tables_by_hand(pair, tmp_path):
    write_transfers(*pair, tmp_path / "t.svg", tmp_path / "t.html")
    text = (tmp_path / "t.html").read_text(encoding="utf-8").replace("&nbsp;", " ")
    assert text.count("<table>") == 4
    rows = Table(text).rows
    assert rows[0] == ["experiment", "network", "trained on", "sim1,234 entries", "real1,234 entries"]
    own, other = "0.9620 ± 0.0031 (0.0030)", "0.9540 ± 0.0026 (0.0040)"
    assert rows[1] == ["cnn", "jet-cnn", "sim", own, f"{other}−0.0100 ± 0.0015 (0.0050)"]
    assert rows[5][-1] == "60 ± 12 (10)× 0.500 ± 0.058 (0.097)"


def test_the_figure_shows_values_and_changes_where_they_belong(pair):
    matrix, changes = transfer_matrix(read_transfers(*pair)).axes
    assert [text.get_text().split("\n")[0] for text in matrix.texts] == ["0.9620", "0.9540"]
    assert [text.get_position() for text in matrix.texts] == [(0, 0), (1, 0)]
    assert matrix.get_xticklabels()[1].get_text() == "real"
    assert matrix.get_yticklabels()[0].get_text() == "cnn\njet-cnn trained on sim"
    (dot,) = [line for line in changes.lines if line.get_marker() == "o"]
    assert dot.get_xdata() == pytest.approx([-0.010])
    assert changes.get_legend_handles_labels()[1] == ["real"]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_matrix_is_drawn(n, tmp_path):
    names = [f"a-sample-with-a-rather-long-name-{i}" for i in range(n)]
    results, experiments = {}, {}
    for model in ("jet-cnn", "dense"):
        for i, name in enumerate(names):
            tested = {other: OTHER for j, other in enumerate(names) if j not in (i, i + 2)}
            key = f"an-experiment-of-{model}-{i}"
            results[key] = write_result(tmp_path / f"{key}.json", name, **{name: OWN}, **tested)
            experiments[key] = experiment(name, model)
    rows = write_transfers(results, experiments, tmp_path / "a.svg", tmp_path / "a.html")
    assert len(rows) == 2 * n
    save_figure(transfer_matrix(rows), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_one_seed_has_no_spread(tmp_path):
    own, other = (measured([value], 0.003, [50.0]) for value in (0.96, 0.95))
    results = {"cnn": write_result(tmp_path / "cnn.json", "sim", sim=own, real=other)}
    (row,) = write_transfers(results, {"cnn": experiment("sim")}, tmp_path / "t.svg", tmp_path / "t.html")
    assert math.isnan(row.changes["auc"]["real"].spread)
    text = (tmp_path / "t.html").read_text(encoding="utf-8").replace("&nbsp;", " ")
    assert Table(text).rows[1][-1] == "0.9500 (0.0030)−0.0100 (0.0042)"


def test_results_that_are_no_transfers_are_refused(pair, tmp_path):
    results, experiments = pair
    finder = Experiment.model_validate({"task": "localisation", "dataset": "sim", "model": {"name": "dense"}})
    for wrong, words in (({"net": experiment("sim")}, "no such experiment"), ({"cnn": finder}, "classify")):
        with pytest.raises(UserError) as error:
            read_transfers(results, wrong)
        assert_one_line(error, "--results cnn", words)
    for name, words in (("tested", "'sim'"), ("other", "tested")):
        (tmp_path / "cnn.json").write_text(json.dumps({name: {"real": OTHER}}))
        with pytest.raises(UserError) as error:
            read_transfers(results, experiments)
        assert_one_line(error, tmp_path / "cnn.json", words)


def test_the_command_reports_every_change(pair, tmp_path, capsys):
    results, experiments = pair
    spec = json.dumps({name: value.model_dump(include={"dataset", "model"}) for name, value in experiments.items()})
    files = [f"{name}={path}" for name, path in results.items()]
    outputs = ["--figure", f"{tmp_path}/t.svg", "--table", f"{tmp_path}/t.html"]
    assert main(["plot-transfers", "--spec", spec, "--results", *files, *outputs]) == 0
    assert "cnn, trained on sim: AUC on real -0.0100" in capsys.readouterr().err
    (tmp_path / "t.svg").unlink()
    assert main(["plot-transfers", "--spec", "{}", "--results", *files, *outputs]) == 1
    assert not (tmp_path / "t.svg").exists()
