"""Figures of small problems from files: every verb on many kinds of problems; warnings are errors here."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drawn_problems import (
    rings,
    write_blobs,
    write_digits,
    write_houses,
    write_line,
    write_network,
    write_predictions,
    write_problem,
    write_rings,
    write_stream,
    write_table,
)
from jetpulse.cli import main
from jetpulse.figures.problem_files import line_truth, predict_at, problem_attributes, read_entries
from jetpulse.figures.weights_files import read_layers, read_linear
from jetpulse.samples import read_block
from jetpulse.training.normalisation import Normalisation
from toys import write_spectra

WRITERS: dict[str, Callable[..., Path]] = {
    "rings": write_rings,
    "ten blobs": lambda path, **options: write_blobs(path, 10, **options),
    "table": lambda path, **options: write_table(path, 6, **options),
    "one column": lambda path, **options: write_table(path, 1, **options),
    "digits": write_digits,
    "line": write_line,
    "houses": write_houses,
    "stream": write_stream,
}
CLASSES = ("rings", "ten blobs", "table", "one column", "digits")
NUMBERS = ("line", "houses")


def twice(folder: Path, arguments: list[str], outputs: Mapping[str, str]) -> None:
    """Run a verb twice; it writes the same bytes. ``outputs``: option ("" for none) -> file."""
    found = []
    for number in (1, 2):
        paths = {option: folder / f"{number}-{name}" for option, name in outputs.items()}
        options = [word for option, path in paths.items() for word in ([option, str(path)] if option else [str(path)])]
        assert main([*arguments, *options]) == 0
        found.append({option: path.read_bytes() for option, path in paths.items()})
    assert found[0] == found[1]
    assert all(content.startswith(b"<?xml") and len(content) > 3000 for content in found[0].values())


def trainings(folder: Path, samples: Path, seeds: int, task: str = "classification", **arrays: np.ndarray) -> list[str]:
    """Write predictions and networks of some trainings; return the arguments that name them."""
    predictions, models = [], []
    for seed in range(1, seeds + 1):
        predictions.append(str(write_predictions(folder / f"seed{seed}/predictions.h5", samples, seed=seed, **arrays)))
        model = folder / f"seed{seed}/model.safetensors"
        models.append(str(write_network(model, samples, "dense", task, hidden=[3], seed=seed)))
    return [*predictions, "--models", *models, "--samples", str(samples), "--dataset", "toy"]


def refused(capsys: pytest.CaptureFixture, folder: Path, arguments: list[str], message: str) -> None:
    """Run a verb that must fail with one line and leave no figure."""
    assert main(arguments) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"jetpulse {arguments[0]}: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert not list(folder.rglob("*.svg"))


@pytest.mark.parametrize("name", WRITERS)
def test_entries_of_every_kind(tmp_path: Path, name: str):
    twice(tmp_path, ["plot-problem", str(WRITERS[name](tmp_path / "samples.h5"))], {"": "sample.svg"})


@pytest.mark.parametrize("name", CLASSES)
def test_answers_of_every_kind(tmp_path: Path, name: str):
    samples = WRITERS[name](tmp_path / "samples.h5", n=60)
    arguments = trainings(tmp_path, samples, 2)
    twice(tmp_path, ["plot-classes", *arguments], {"--answers": "answers.svg", "--confusion": "confusion.svg"})


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize("name", CLASSES)
def test_a_single_entry_of_the_test_split(tmp_path: Path, name: str, seeds: int):
    split = {"train": np.arange(20), "val": np.arange(0), "test": np.array([20])}
    samples = WRITERS[name](tmp_path / "samples.h5", n=21, splits=split)
    arguments = ["plot-classes", *trainings(tmp_path, samples, seeds)]
    assert main([*arguments, "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]) == 0


def test_a_class_that_the_test_split_lacks(tmp_path: Path):
    points, label = rings(40)
    split = {"train": np.arange(30), "test": np.flatnonzero(label == 1)[-8:]}
    samples = write_problem(tmp_path / "samples.h5", points, label, classes=("inner", "outer"), splits=split)
    arguments = ["plot-classes", *trainings(tmp_path, samples, 2)]
    assert main([*arguments, "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]) == 0


def test_four_points_are_a_problem(tmp_path: Path):
    points, label = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    split = dict.fromkeys(("train", "val", "test"), np.arange(4))
    samples = write_problem(tmp_path / "samples.h5", points, label, classes=("0", "1"), splits=split)
    assert main(["plot-problem", str(samples), str(tmp_path / "sample.svg")]) == 0
    arguments = ["plot-classes", *trainings(tmp_path, samples, 2)]
    assert main([*arguments, "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]) == 0


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_kind(tmp_path: Path, name: str):
    samples = WRITERS[name](tmp_path / "samples.h5")
    twice(tmp_path, ["plot-regression", *trainings(tmp_path, samples, 2, "regression")], {"--out": "predicted.svg"})


def test_a_number_learned_from_classes_in_a_plane(tmp_path: Path):
    samples = write_rings(tmp_path / "samples.h5", n=60)
    arrays = {"prediction": np.linspace(-1, 2, len(read_block(samples, "test")))}
    arguments = trainings(tmp_path, samples, 1, "regression", **arrays)
    twice(tmp_path, ["plot-regression", *arguments], {"--out": "predicted.svg"})


def test_huge_predictions_of_one_house(tmp_path: Path):
    samples = write_houses(tmp_path / "samples.h5", n=80)
    target = read_block(samples, "test").entries["target"]
    prediction = np.where(np.arange(len(target)) == 3, 1e15, target)
    arguments = trainings(tmp_path, samples, 1, "regression", prediction=prediction)
    assert main(["plot-regression", *arguments, "--out", f"{tmp_path}/predicted.svg"]) == 0


def linear(folder: Path, samples: Path) -> Path:
    """Write y = 3 x + 1 as a linear network sees it: x less 2, over 4; y less 5, over 2."""
    change = {
        "layers.1.weight": torch.tensor([[6.0]]),
        "layers.1.bias": torch.tensor([1.0]),
        "covariance": torch.tensor([[0.04, 0.0], [0.0, 0.01]], dtype=torch.float64),
    }
    normalisation = Normalisation(torch.tensor([2.0]), torch.tensor([4.0]), target=torch.tensor([5.0, 2.0]).double())
    return write_network(
        folder / "model.safetensors", samples, "linear", "regression", change=change, extra=normalisation.tensors()
    )


def test_slope_and_offset_are_those_of_the_data(tmp_path: Path):
    samples = write_line(tmp_path / "samples.h5")
    found = read_linear(linear(tmp_path, samples))
    # y = 5 + 2 (6 (x - 2) / 4 + 1) = 3 x + 1; an error of the normalised slope turns the line around x = 2.
    assert found.values == pytest.approx([3, 1])
    assert found.errors() == pytest.approx([2 * 0.2 / 4, np.hypot(2 * 0.1, 2 * 0.2 / 4 * 2)])
    at = np.array([2.0, 1.0])
    assert at @ found.covariance @ at == pytest.approx((2 * 0.1) ** 2)
    x = np.array([[0.0], [1.0], [2.0]])
    assert predict_at(tmp_path / "model.safetensors", x, samples)["prediction"] == pytest.approx([1, 4, 7])
    assert line_truth(problem_attributes(samples)) == (3, 1)


def test_a_line_with_its_error(tmp_path: Path, capsys: pytest.CaptureFixture):
    samples = write_line(tmp_path / "samples.h5")
    model = linear(tmp_path, samples)
    predictions = write_predictions(tmp_path / "predictions.h5", samples)
    arguments = [str(predictions), "--models", str(model), "--samples", str(samples), "--dataset", "toy"]
    twice(tmp_path, ["plot-regression", *arguments], {"--out": "predicted.svg"})
    twice(tmp_path, ["plot-weights", str(model), "--samples", str(samples)], {"--out": "weights.svg"})
    assert "training 1: slope of x 3.00 ± 0.10" in capsys.readouterr().err


def test_another_network_has_no_slope(tmp_path: Path):
    samples = write_rings(tmp_path / "samples.h5")
    assert read_linear(write_network(tmp_path / "model.safetensors", samples, hidden=[2])) is None


@pytest.mark.parametrize(
    ("problem", "name", "arguments", "sizes"),
    [
        ("rings", "dense", {"hidden": [4], "activation": "sigmoid", "one_logit": True}, [12, 5]),
        ("ten blobs", "logistic", {}, [30]),
        ("digits", "digit-cnn", {}, [80, 16 * (8 * 9 + 1), 170]),
        ("table", "dense", {"hidden": [40, 3]}, [280, 123, 8]),
    ],
)
def test_weights_of_every_kind(tmp_path: Path, problem: str, name: str, arguments: dict[str, Any], sizes: list[int]):
    samples = WRITERS[problem](tmp_path / "samples.h5")
    models = [
        write_network(tmp_path / f"seed{seed}/model.safetensors", samples, name, seed=seed, **arguments)
        for seed in (1, 2)
    ]
    layers = read_layers(models[0], read_entries(samples)[0].names)
    assert [layer.count() for layer in layers] == sizes
    twice(tmp_path, ["plot-weights", *map(str, models), "--samples", str(samples)], {"--out": "weights.svg"})


def test_layers_have_the_names_of_columns_and_classes(tmp_path: Path):
    samples = write_rings(tmp_path / "samples.h5", units={"x": "cm", "y": "1"})
    layers = read_layers(
        write_network(tmp_path / "model.safetensors", samples, hidden=[3], one_logit=True),
        read_entries(samples)[0].names,
    )
    assert layers[0].inputs == ("x [cm]", "y")
    assert layers[0].outputs == layers[1].inputs == ()
    assert layers[1].outputs == ("outer",)


def test_a_grid_of_boundaries(tmp_path: Path):
    data = {"rings": write_rings(tmp_path / "rings.h5", n=40), "blobs": write_blobs(tmp_path / "blobs.h5", n=40)}
    models, spec = [], {}
    for dataset, name, task in (
        ("rings", "logistic", "classification"),
        ("rings", "dense", "classification"),
        ("rings", "dense", "regression"),
        ("blobs", "dense", "classification"),
    ):
        experiment = f"{dataset}-{name}-{task}"
        model = write_network(tmp_path / experiment / "model.safetensors", data[dataset], name, task)
        models.append(f"{experiment}={model}")
        spec[experiment] = {"dataset": dataset, "task": task, "model": {"name": name}}
    arguments = ["plot-boundaries", "--spec", json.dumps(spec), "--models", *models]
    arguments += ["--samples", *(f"{name}={path}" for name, path in data.items())]
    twice(tmp_path, arguments, {"--out": "boundaries.svg"})


def measured(median: float | None, error: float | None = 0.01, seeds: int = 3) -> dict[str, Any]:
    """Return a metric as `combine` writes it."""
    spread = None if median is None or seeds == 1 else 0.02
    return {"median": median, "spread": spread, "error": error, "values": [median] * seeds}


def write_results(
    folder: Path, metrics: Mapping[str, dict[str, Any]], task: str = "classification", representation: str = "samples"
) -> list[str]:
    """Write metrics.json of experiments on one dataset; return arguments that name and define them."""
    spec, results = {}, []
    for name, values in metrics.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"tested": {"toy": {"entries": 10} | values}}), encoding="utf-8")
        results.append(f"{name}={path}")
        model = {"name": "policy" if task == "control" else "dense"}
        spec[name] = {"dataset": "toy", "task": task, "representation": representation, "model": model}
    return ["plot-measures", "--dataset", "toy", "--spec", json.dumps(spec), "--results", *results]


@pytest.mark.parametrize(
    ("task", "metrics", "line"),
    [
        ("classification", {"auc": measured(0.75), "accuracy": measured(0.5)}, "a: area under the ROC curve 0.75"),
        ("classification", {"accuracy": measured(0.5, seeds=1)}, "a: accuracy 0.5"),
        ("classification", {"auc": measured(None), "accuracy": measured(0.5)}, "a: accuracy 0.5"),
        ("regression", {"rmse": measured(3.2, None)}, "a: root mean square error 3.2"),
        ("regression", {"rmse": measured(None)}, "a: root mean square error nan"),
    ],
)
def test_the_main_metric(tmp_path: Path, task: str, metrics: dict, line: str, capsys: pytest.CaptureFixture):
    twice(tmp_path, write_results(tmp_path, {"a": metrics, "b": metrics}, task), {"--out": "measures.svg"})
    assert line in capsys.readouterr().err.splitlines()


BAD_PREDICTIONS = [
    (
        {"probability": np.ones((18, 1)), "label": np.zeros(18, int)},
        "has probabilities of 1 classes, the entries have 2; predict again",
    ),
    ({"prediction": np.ones(18)}, "lacks probability, found event"),
    ({"probability": np.ones((18, 2)) / 2, "event": np.arange(18)}, "entry 0 is event 0, in the test split of"),
]


@pytest.mark.parametrize(("arrays", "message"), BAD_PREDICTIONS)
def test_unusable_probabilities(tmp_path: Path, arrays: dict, message: str, capsys: pytest.CaptureFixture):
    arguments = trainings(tmp_path, write_rings(tmp_path / "samples.h5", n=60), 1, **arrays)
    arguments = ["plot-classes", *arguments, "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]
    refused(capsys, tmp_path, arguments, message)


def test_answers_that_do_not_suit_the_figure(tmp_path: Path, capsys: pytest.CaptureFixture):
    line = trainings(tmp_path / "line", write_line(tmp_path / "line.h5"), 1, "regression")
    arguments = ["plot-classes", *line, "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]
    refused(capsys, tmp_path, arguments, "the entries have no label; are they those of a classification?")
    stream = trainings(tmp_path / "stream", write_stream(tmp_path / "stream.h5"), 1, prediction=np.ones(4))
    refused(capsys, tmp_path, ["plot-regression", *stream, "--out", f"{tmp_path}/p.svg"], "the entries have no target")


def test_one_model_for_each_prediction(tmp_path: Path, capsys: pytest.CaptureFixture):
    samples = write_line(tmp_path / "samples.h5")
    arguments = trainings(tmp_path, samples, 1, "regression")
    message = "--models: 1 files but 2 predictions; give one each"
    refused(capsys, tmp_path, ["plot-regression", arguments[0], *arguments, "--out", f"{tmp_path}/p.svg"], message)


def test_a_network_of_other_entries(tmp_path: Path, capsys: pytest.CaptureFixture):
    samples, other = write_rings(tmp_path / "samples.h5", n=60), write_table(tmp_path / "other.h5", 2)
    model = write_network(tmp_path / "model.safetensors", other, hidden=[3])
    predictions = write_predictions(tmp_path / "predictions.h5", samples)
    arguments = ["plot-classes", str(predictions), "--models", str(model), "--samples", str(samples), "--dataset"]
    arguments += ["toy", "--answers", f"{tmp_path}/a.svg", "--confusion", f"{tmp_path}/c.svg"]
    refused(capsys, tmp_path, arguments, "the model was trained on")


def test_a_file_of_another_kind_or_without_entries(tmp_path: Path, capsys: pytest.CaptureFixture):
    other = write_spectra(tmp_path / "other.h5")
    message = "is of kind 'spectra', expected problems or problem-columns; check the path"
    refused(capsys, tmp_path, ["plot-problem", str(other), f"{tmp_path}/s.svg"], message)
    none = dict.fromkeys(("train", "test"), np.arange(0))
    empty = write_rings(tmp_path / "empty.h5", splits=none)
    message = "holds no entries in train or val or test; there is nothing to draw"
    refused(capsys, tmp_path, ["plot-problem", str(empty), f"{tmp_path}/s.svg"], message)


def test_networks_without_weights_are_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture):
    samples = write_rings(tmp_path / "samples.h5")
    model = write_network(tmp_path / "model.safetensors", samples, "boosted-trees", trees=2, depth=2)
    arguments = ["plot-weights", str(model), "--samples", str(samples), "--out", f"{tmp_path}/w.svg"]
    refused(capsys, tmp_path, arguments, "'boosted-trees' has no layers of weights to draw; name another network")


def test_mistakes_in_a_grid_of_boundaries(tmp_path: Path, capsys: pytest.CaptureFixture):
    samples, table = write_rings(tmp_path / "samples.h5", n=40), write_table(tmp_path / "table.h5", 3)
    model = write_network(tmp_path / "model.safetensors", samples)
    spec = json.dumps({"a": {"dataset": "rings", "model": {"name": "dense"}}})
    start = ["plot-boundaries", "--spec", spec, "--out", f"{tmp_path}/b.svg"]
    for models, data, message in (
        (f"b={model}", f"rings={samples}", "--models b: the spec has no such experiment; it has a"),
        (f"a={model}", f"other={samples}", "--samples: lacks 'rings', which 'a' learned; give rings=FILE"),
        (f"a={model}", f"rings={table}", "has entries of shape 3, a grid of boundaries shows classes of 2 features"),
    ):
        refused(capsys, tmp_path, [*start, "--models", models, "--samples", data], message)


def test_mistakes_in_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture):
    arguments = write_results(tmp_path, {"a": {"accuracy": measured(0.5)}})
    out = ["--out", f"{tmp_path}/m.svg"]
    other = ["--dataset" if word == "--dataset" else ("toys" if word == "toy" else word) for word in arguments]
    refused(capsys, tmp_path, [*other, *out], "experiment 'a' was not tested on 'toys'; name those that were")
    path = arguments[-1].partition("=")[2]
    refused(capsys, tmp_path, [*arguments[:-1], f"b={path}", *out], "--results b: the spec has no such experiment")
