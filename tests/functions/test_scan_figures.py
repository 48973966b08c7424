"""Scans drawn and tabulated: every number where it belongs, curves, lists and maps."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from jetpulse.cli import main
from jetpulse.config import ScanPlan
from jetpulse.errors import UserError
from jetpulse.evaluation.scans import OWN, SHOWN, read_scan
from jetpulse.figures.scan_files import plot_scan_files
from jetpulse.figures.scans import metric_title, scan_figure
from jetpulse.figures.style import save_figure
from test_figures_files import Table
from test_transfers import metric
from toy_jets import assert_one_line
from toys import read_rows


def plan_of(
    *axes: tuple[str, list[Any], str], names: dict[tuple[int, ...], str] | None = None, task: str = "classification"
) -> ScanPlan:
    """Return a scan of some keys; points are called p0, p01, ... after their place, or as ``names`` says."""
    places: list[list[int]] = [[]]
    for _, values, _ in axes:
        places = [[*place, i] for place in places for i in range(len(values))]
    called = {tuple(place): "p" + "".join(map(str, place)) for place in places} | (names or {})
    points = [{"experiment": called[tuple(p)], "dataset": "jets", "place": p} for p in places]
    spec = [{"key": key, "values": v, "labels": [f"{x}" for x in v], "scale": scale} for key, v, scale in axes]
    return ScanPlan.model_validate({"base": "cnn", "task": task, "axes": spec, "points": points})


def measured(auc: list[float | None], rejection: list[float | None] = (100.0, 120.0, 90.0)) -> dict[str, Any]:
    accuracy = [value and value - 0.05 for value in auc]
    found = {"auc": metric(auc, 0.002), "accuracy": metric(accuracy, 0.005), "rejection_30": metric(rejection, 9.0)}
    return {"entries": 5000, "signal": 2500, **found}


def write_results(folder: Path, plan: ScanPlan, **further: dict[str, Any]) -> dict[str, Path]:
    """Write metrics.json of every point; the AUC rises by 0.01 from one to the next."""
    files = {}
    for number, name in enumerate(plan.experiments()):
        auc = [0.90 + 0.01 * number + shift for shift in (0.0, 0.004, -0.002)]
        tested = {"jets": measured(auc), **further}
        files[name] = folder / f"{name}.json"
        files[name].write_text(json.dumps({"parameters": 1234, "seeds": [1, 2, 3], "tested": tested}))
    return files


REAL = {"real": measured([0.85, 0.86, 0.84])}
RATES = ("training.learning_rate", [0.0001, 0.001, 0.01], "log")
STEPS = ("representation.steps", [[], ["centre"], ["centre", "rotate"]], "category")
BATCH = ("training.batch", [10, 20], "linear")


def medians(panel: Axes) -> list[tuple[float, float]]:
    """Return the points that are drawn as symbols of full size."""
    lines = [line for line in panel.lines if line.get_marker() in "oDsv^P" and line.get_markersize() == 5]
    return [point for line in lines for point in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def test_results_are_read_by_dataset_in_the_order_of_the_points(tmp_path):
    plan = plan_of(RATES)
    found = read_scan(plan, write_results(tmp_path, plan, **REAL))
    assert list(found) == [OWN, "real"]
    assert [row.values["auc"].value for row in found[OWN]] == pytest.approx([0.90, 0.91, 0.92])
    first = found[OWN][0]
    assert (first.tested_on, first.parameters, first.trainings, first.entries) == ("jets", 1234, 3, 5000)
    assert first.values["auc"].error == 0.002
    assert first.values["auc"].spread == pytest.approx(0.0030551, rel=1e-4)  # of 0, 0.004, -0.002
    assert first.seeds["auc"] == pytest.approx([0.90, 0.904, 0.898])
    assert set(first.values) == {"auc", "accuracy", "rejection_30"}  # entries are no metric


def test_results_of_something_else_are_refused(tmp_path):
    plan = plan_of(RATES)
    results = write_results(tmp_path, plan)
    for wrong, words in (
        ({k: v for k, v in results.items() if k != "p1"}, "lacks 'p1', a point of the scan"),
        (results | {"other": results["p1"]}, "other: is no point of the scan; it has p0, p1, p2"),
    ):
        with pytest.raises(UserError) as error:
            read_scan(plan, wrong)
        assert_one_line(error, "--results", words)
    results["p1"].write_text(json.dumps({"tested": {"pulses": {}}}))
    with pytest.raises(UserError) as error:
        read_scan(plan, results)
    assert_one_line(error, results["p1"], "'jets'")


def test_numbers_are_drawn_as_curves_with_errors(tmp_path):
    plan = plan_of(RATES, names={(1,): "cnn"})
    figure = scan_figure(plan, read_scan(plan, write_results(tmp_path, plan, **REAL)))
    auc, accuracy, rejection = figure.axes
    assert [auc.get_ylabel(), accuracy.get_ylabel()] == ["AUC", "accuracy"]
    assert rejection.get_ylabel() == r"1/ε$_{\mathrm{B}}$ at ε$_{\mathrm{S}}$ = 30 %"
    assert auc.get_xscale() == "log"
    assert auc.get_xlabel() == "learning rate"
    assert [tick.get_text() for tick in auc.get_xticklabels()] == ["0.0001", "0.001", "0.01"]
    own = [(0.0001, 0.90), (0.001, 0.91), (0.01, 0.92)]
    assert medians(auc) == [pytest.approx(p) for p in [*own, *((x, 0.85) for x, _ in own)]]
    assert auc.get_legend_handles_labels()[1] == ["jets", "real"]
    (base,) = [line for line in auc.lines if line.get_linestyle() == ":"]
    assert base.get_xdata() == [0.001, 0.001]
    # For both datasets three values, each with the spread and the statistical error.
    assert len(auc.collections) == 2 * 3 * 2


def test_values_out_of_order_are_joined_in_order(tmp_path):
    plan = plan_of(("training.batch", [50, 10, 20], "linear"))
    (panel, *_) = scan_figure(plan, read_scan(plan, write_results(tmp_path, plan))).axes
    joined = next(line for line in panel.lines if line.get_linestyle() == "-")
    assert list(joined.get_xdata()) == [10, 20, 50]
    assert list(joined.get_ydata()) == pytest.approx([0.91, 0.92, 0.90])


def test_texts_are_drawn_as_a_list(tmp_path):
    plan = plan_of(STEPS, names={(2,): "cnn"})
    figure = scan_figure(plan, read_scan(plan, write_results(tmp_path, plan)))
    panel = figure.axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["[]", "['centre']", "['centre', 'rotate']"]
    assert medians(panel) == [pytest.approx((0.90 + 0.01 * i, i)) for i in range(3)]
    assert panel.get_ylabel() == "steps"
    assert panel.get_xlabel() == "AUC"


def test_two_keys_are_drawn_as_maps(tmp_path):
    plan = plan_of(BATCH, RATES, names={(0, 1): "cnn"})
    figure = scan_figure(plan, read_scan(plan, write_results(tmp_path, plan, **REAL)))
    assert len(figure.axes) == 2 * 3  # datasets and metrics
    panel = figure.axes[0]
    assert (panel.get_xlabel(), panel.get_ylabel(), panel.get_title()) == ("learning rate", "batch", "AUC, jets")
    values = {text.get_position(): text.get_text().split("\n")[0] for text in panel.texts}
    assert values == {(j, i): f"{0.90 + 0.01 * (3 * i + j):.4f}" for i in range(2) for j in range(3)}
    assert [text.get_position() for text in panel.texts if text.get_weight() == "bold"] == [(1, 0)]


def test_three_keys_are_drawn_as_a_list(tmp_path):
    plan = plan_of(BATCH, ("model.filters", [4], "linear"), ("model.kernel", [2, 3], "linear"))
    panel = scan_figure(plan, read_scan(plan, write_results(tmp_path, plan))).axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["10, 4, 2", "10, 4, 3", "20, 4, 2", "20, 4, 3"]


@pytest.mark.parametrize("axes", [[RATES], [STEPS], [BATCH, RATES], [("model.filters", [8], "linear")]])
def test_the_same_bytes_again(tmp_path, axes):
    plan = plan_of(*axes)
    results = write_results(tmp_path, plan, **REAL)
    files = [tmp_path / name for name in ("s.svg", "t.html", "s.csv")]
    plot_scan_files(plan, results, *files)
    before = [file.read_bytes() for file in files]
    plot_scan_files(plan, results, *files)
    assert [file.read_bytes() for file in files] == before
    save_figure(scan_figure(plan, read_scan(plan, results)), tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 1000


def test_one_seed_and_infinite_values_are_drawn_and_tabulated(tmp_path):
    plan = plan_of(BATCH)
    results = write_results(tmp_path, plan)
    one = {"entries": 10, "auc": metric([0.9], 0.1), "accuracy": metric([0.8], 0.1), "rejection_30": metric([None])}
    results["p0"].write_text(json.dumps({"parameters": 3, "seeds": [1], "tested": {"jets": one}}))
    found = plot_scan_files(plan, results, tmp_path / "s.svg", tmp_path / "t.html", tmp_path / "s.csv")
    assert math.isnan(found[OWN][0].values["auc"].spread)
    assert found[OWN][0].seeds["rejection_30"] == []
    rows = Table((tmp_path / "t.html").read_text(encoding="utf-8").replace("&nbsp;", " ")).rows
    titles = ["batch", "accuracy", "AUC"]
    assert rows[0][:3] == titles
    assert rows[1][:4] == ["10", "0.80 (0.10)", "0.90 (0.10)", "∞ no background passes"]
    assert rows[1][-1] == "p0, 1 seed, 10"
    assert rows[2][2] == "0.9100 ± 0.0031 (0.0020)"
    first = read_rows(tmp_path / "s.csv")[0]
    assert (first["rejection_30"], first["auc"], first["auc_spread"], first["auc_error"]) == ("", "0.9", "", "0.1")


def test_the_table_for_other_programs_by_hand(tmp_path):
    plan = plan_of(STEPS, names={(1,): "cnn"})
    plot_scan_files(
        plan, write_results(tmp_path, plan, **REAL), tmp_path / "s.svg", tmp_path / "t.html", tmp_path / "s"
    )
    rows = read_rows(tmp_path / "s")
    assert [(row["experiment"], row["tested_on"]) for row in rows] == [
        (name, dataset) for name in ("p0", "cnn", "p2") for dataset in ("jets", "real")
    ]
    assert [row["representation.steps"] for row in rows[::2]] == ["[]", '["centre"]', '["centre", "rotate"]']
    assert (rows[0]["label"], rows[0]["seeds"], rows[0]["entries"], rows[0]["parameters"]) == (
        "[]",
        "3",
        "5000",
        "1234",
    )
    assert (rows[2]["auc"], rows[2]["auc_spread"], rows[2]["auc_error"]) == ("0.91", "0.00305505", "0.002")
    assert rows[3]["auc"] == "0.85"
    assert rows[0]["ece"] == ""
    header = (tmp_path / "s").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert len(set(header)) == len(header)


def test_the_summary_names_the_scans_that_an_experiment_is_a_point_of(tmp_path):
    results = write_results(tmp_path, plan_of(RATES))
    files = [f"{name}={path}" for name, path in results.items()]
    network = {"dataset": "jets", "representation": "images", "model": {"name": "dense"}}
    spec = json.dumps(dict.fromkeys(results, network))
    outputs = [str(tmp_path / "s.csv"), str(tmp_path / "t.csv")]
    call = ["compare", *outputs, "--spec", spec, "--results", *files]
    assert main([*call, "--scans", "rates=p0", "rates=p1", "other=p1"]) == 0
    assert [row["scans"] for row in read_rows(tmp_path / "s.csv")] == ["rates", "rates; other", ""]
    assert main(call) == 0
    assert "scans" not in read_rows(tmp_path / "s.csv")[0]  # an analysis without any


@pytest.mark.parametrize("task", SHOWN)
def test_every_task_has_metrics_to_show(task):
    for name in SHOWN[task]:
        assert "<" not in metric_title(task, name)


def test_the_command_reports_every_point(tmp_path, capsys):
    plan = plan_of(BATCH)
    files = [f"{name}={path}" for name, path in write_results(tmp_path, plan).items()]
    outputs = ["--figure", f"{tmp_path}/s.svg", "--table", f"{tmp_path}/t.html", "--summary", f"{tmp_path}/s.csv"]
    call = ["summarise-scan", "--spec", plan.model_dump_json(), "--results", *files, *outputs]
    assert main(call) == 0
    assert "10: accuracy 0.85, auc 0.9, rejection_30 100" in capsys.readouterr().err
    assert main([*call[:4], files[0], *outputs]) == 1
    assert "lacks 'p1'" in capsys.readouterr().err
