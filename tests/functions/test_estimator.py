"""Estimators of scikit-learn by name: learned and kept in safetensors by skops."""

import hashlib
import io
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn import ensemble, linear_model, neighbors, neural_network, svm, tree
from sklearn.base import clone

from estimators import (
    COLUMNS,
    MANY,
    REGRESSORS,
    TRAINING,
    answers,
    content_of,
    entries,
    fitted,
    network_of,
)
from jetpulse import seeds
from jetpulse.config import Experiment, Training, expand_scans, parse_config
from jetpulse.config.networks import check_model
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import auc_with_error
from jetpulse.models import build_network, count_parameters
from jetpulse.models.kept_estimators import count_numbers
from jetpulse.samples import load_json, read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import load_model, write_predictions
from toy_jets import assert_one_line
from toys import CPU, read_rows, reseal, specification, write_observables


@pytest.mark.parametrize("name", MANY)
def test_an_estimator_says_what_scikit_learn_says_and_says_it_again_from_its_bytes(name):
    network, row = fitted(name)
    again = network_of(name)
    again.load_state_dict(network.state_dict())
    features = entries(3, 50)
    found = network(torch.from_numpy(features))
    assert torch.equal(again(torch.from_numpy(features)), found)
    torch.testing.assert_close(again(torch.from_numpy(features[:1])), found[:1], rtol=1e-10, atol=1e-12)
    assert again(torch.zeros(0, COLUMNS)).shape == (0, found.shape[1])
    original = clone(network.estimator)
    with warnings.catch_warnings(action="ignore"):
        original.fit(entries().astype(float), answers(name, entries()))
    if name in REGRESSORS:
        expected = original.predict(features.astype(float))
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-6)
        assert row["val_mae"] >= 0
    else:
        expected = original.predict_proba(features.astype(float))
        np.testing.assert_allclose(torch.softmax(found.double(), 1), expected, rtol=0, atol=1e-6)
        assert 0 <= row["val_accuracy"] <= 1
    metric = "mae" if name in REGRESSORS else "accuracy"
    assert list(row) == ["epoch", "train_loss", f"train_{metric}", "val_loss", f"val_{metric}"]


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    names = ("RandomForestClassifier", "HistGradientBoostingRegressor", "KNeighborsClassifier", "MLPClassifier")
    code = f"import test_estimator; print(test_estimator.digests({names}))"
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(digests(names))
    assert len(set(digests(names))) == len(names)


def digests(names: Sequence[str]) -> list[str]:
    """Return hashes of the bytes of fitted estimators."""
    return [hashlib.sha256(fitted(name)[0].content.numpy().tobytes()).hexdigest() for name in names]


def test_the_seed_decides_the_random_state_where_none_is_given():
    def content(seed: int, **parameters: Any) -> bytes:
        return (
            fitted("RandomForestRegressor", {"n_estimators": 3, **parameters}, seed=seed)[0].content.numpy().tobytes()
        )

    assert content(1) == content(1) != content(2)
    assert content(1, random_state=5) == content(2, random_state=5)
    state = fitted("RandomForestRegressor", seed=4)[0].estimator.random_state
    assert state == seeds.integer_seed(4, "estimator", bits=31)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "BaggingClassifier", "LogisticRegression"])
def test_threads_share_the_work_and_change_nothing(name):
    one = fitted(name)[0]
    two = fitted(name, training=Training(patience=None, threads=2))[0]
    assert torch.equal(one.content, two.content)
    assert two.estimator.n_jobs is None


def test_no_clock_and_no_address_is_in_the_bytes():
    with ZipFile(io.BytesIO(fitted("RandomForestClassifier")[0].content.numpy().tobytes())) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = [item.filename for item in archive.infolist()]
        schema = archive.read("schema.json").decode()
    assert names == ["schema.json", *(f"{number}.npy" for number in range(1, len(names)))]
    places = [int(number) for number in re.findall(r'"__id__": (\d+)', schema)]
    assert max(places) == len(set(places))


def test_classes_that_were_not_there_have_no_probability():
    network = network_of("DecisionTreeClassifier")
    network.fit(entries(), np.full(90, 2), None, None, TRAINING, 1, lambda row: None)
    outputs = network(torch.from_numpy(entries(2, 5)))
    assert torch.isfinite(outputs).all()
    assert torch.softmax(outputs.double(), 1).tolist() == [pytest.approx([0, 0, 1], abs=1e-15)] * 5


def test_what_has_learned_nothing_says_nothing():
    for name, outputs in (("SVC", 3), ("SVR", 1)):
        network = network_of(name)
        assert network(torch.ones(2, COLUMNS)).tolist() == [[0.0] * outputs] * 2
        assert count_parameters(network) == 0


def test_loss_and_metric_are_those_of_the_task():
    network, row = fitted("DecisionTreeRegressor")
    features = entries(2, 40)
    residual = network(torch.from_numpy(features))[:, 0].numpy() - answers("DecisionTreeRegressor", features)
    assert row["val_loss"] == pytest.approx(np.mean(residual**2))
    assert row["val_mae"] == pytest.approx(np.mean(np.abs(residual)))
    network, row = fitted("LogisticRegression")
    label = answers("LogisticRegression", features)
    probability = torch.softmax(network(torch.from_numpy(features)).double(), 1).numpy()
    assert row["val_loss"] == pytest.approx(-np.log(probability[np.arange(40), label]).mean(), rel=1e-5)
    assert row["val_accuracy"] == np.mean(probability.argmax(1) == label)


def test_pictures_are_flattened():
    network = build_network("estimator", (2, 2), 2, {"estimator": "LogisticRegression"})
    pictures = np.random.default_rng(1).normal(size=(60, 2, 2)).astype(np.float32)
    network.fit(pictures, (pictures[:, 1, 0] > 0).astype(int), None, None, TRAINING, 1, lambda row: None)
    outputs = network(torch.from_numpy(pictures))
    assert ((outputs.argmax(1).numpy() > 0) == (pictures[:, 1, 0] > 0)).mean() > 0.9


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (tree.DecisionTreeClassifier(max_depth=1), 3),
        (ensemble.RandomForestClassifier(4, max_depth=1, random_state=1), 12),
        (ensemble.HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=2), 6),
        (linear_model.LogisticRegression(), COLUMNS + 1),
        (linear_model.LinearRegression(), COLUMNS + 1),
        (neural_network.MLPClassifier([4], solver="lbfgs", max_iter=500), (COLUMNS * 4 + 4) + (4 + 1)),
        (neighbors.KNeighborsClassifier(), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_numbers_that_are_learned_are_counted(estimator, expected):
    features = entries()
    assert count_numbers(estimator.fit(features, features[:, 0] > 0.2)) == expected


def test_support_vectors_are_counted():
    features = entries()
    estimator = svm.SVC().fit(features, features[:, 0] > 0.2)
    assert count_numbers(estimator) == len(estimator.support_) * (COLUMNS + 1) + 1


@pytest.mark.parametrize(
    ("task", "given", "fragments"),
    [
        ("classification", {"estimator": "DecisionTree"}, ["'DecisionTree'", "did you mean 'DecisionTreeClassifier'?"]),
        ("classification", {"estimator": "RandomForrestClassifier"}, ["did you mean 'RandomForestClassifier'?"]),
        ("classification", {"estimator": "VotingClassifier"}, ["'VotingClassifier'", "can be used here"]),
        ("classification", {"estimator": "Xyz"}, ["'Xyz'", "DecisionTreeClassifier, RandomForestRegressor"]),
        ("classification", {"estimator": "SVR"}, ["'SVR' is for task 'regression'", "did you mean 'SVC'?"]),
        ("regression", {}, ["'DecisionTreeClassifier' is for task 'classification'", "'DecisionTreeRegressor'?"]),
        ("regression", {"estimator": "LogisticRegression"}, ["for task 'classification'", "choose another"]),
        ("classification", {"estimator": "SVC"}, ["SVC gives no probabilities", "set probability: true"]),
        ("classification", {"estimator": "SGDClassifier"}, ["set loss: log_loss"]),
        ("classification", {"estimator": "LinearSVC"}, ["LinearSVC gives no probabilities", "choose another"]),
        ("classification", {"parameters": {"max_dept": 3}}, ["no parameter 'max_dept'", "did you mean 'max_depth'?"]),
        ("classification", {"parameters": {"max_depth": "deep"}}, ["'max_depth'", "Got 'deep'"]),
        ("classification", {"parameters": {"max_depth": 0}}, ["'max_depth'", "Got 0"]),
        ("classification", {"parameters": [3]}, ["'parameters'", "dictionary"]),
        ("classification", {"estimator": 3}, ["'estimator'", "string"]),
        ("classification", {"max_depth": 3}, ["'max_depth'", "unknown", "it takes estimator, parameters"]),
    ],
    ids=str,
)
def test_a_mistake_in_the_config_is_one_line_before_any_job_starts(task, given, fragments):
    experiment = specification() | {"task": task, "model": {"name": "estimator"} | given}
    jets = {"kind": "jets", "source": {"simulation": {"jets_per_class": 10}}}
    with pytest.raises(UserError) as error:
        parse_config({"datasets": {"toys": jets}, "experiments": {"tree": experiment}}, "config.yaml")
    assert_one_line(error, "config.yaml: experiments.tree", "estimator: argument", *fragments)


def test_numbers_that_yaml_takes_for_text_are_numbers():
    parameters = {"alpha": "1e-3", "hidden_layer_sizes": [3, 4], "tol": "2E-4", "activation": "relu"}
    found = check_model("estimator", {"estimator": "MLPClassifier", "parameters": parameters}, "classification")
    assert found["parameters"] == parameters | {"alpha": 0.001, "tol": 0.0002}


def test_parameters_can_be_scanned():
    experiment = specification() | {"model": {"name": "estimator"}, "training": {}}
    config = {
        "datasets": {"toys": {"kind": "jets", "source": {"simulation": {"jets_per_class": 10}}}},
        "representations": {"images": {"kind": "jet-image"}},
        "experiments": {"tree": experiment},
        "scans": {"depth": {"experiment": "tree", "vary": "model.parameters.max_depth", "values": [1, 2]}},
    }
    expanded, scans = expand_scans(parse_config(config, "config.yaml"), "config.yaml")
    points = [expanded.experiments[point.experiment].model.arguments() for point in scans["depth"].points]
    assert [point["parameters"] for point in points] == [{"max_depth": 1}, {"max_depth": 2}]
    config["scans"]["depth"]["values"] = [1, "deep"]
    with pytest.raises(UserError) as error:
        expand_scans(parse_config(config, "config.yaml"), "config.yaml")
    assert_one_line(error, "config.yaml", "depth", "'max_depth'", "Got 'deep'")


def test_scikit_learn_is_imported_only_when_it_is_named():
    code = (
        "import json, sys; from jetpulse.config import Experiment; from jetpulse.config.networks import check_model; "
        "check_model('dense', {}, 'classification'); before = 'sklearn' in sys.modules; "
        "check_model('estimator', {}); print(json.dumps([before, 'sklearn' in sys.modules, 'torch' in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == [False, True, False]


@pytest.mark.parametrize(("name", "outputs"), [("DecisionTreeClassifier", 1), ("DecisionTreeRegressor", 2)])
def test_an_estimator_of_the_other_kind_is_refused(name, outputs):
    with pytest.raises(UserError, match=f"estimator: {name} does not learn"):
        build_network("estimator", (COLUMNS,), outputs, {"estimator": name})


def test_entries_that_cannot_be_learned_from_are_one_line():
    network = build_network("estimator", (COLUMNS,), 3, {"estimator": "MultinomialNB"})
    with pytest.raises(UserError) as error:
        network.fit(entries(), answers("SVC", entries()), None, None, TRAINING, 1, lambda row: None)
    assert_one_line(error, "MultinomialNB cannot learn from these entries", "Negative values")


def experiment(training: dict[str, Any], **arguments: Any) -> Experiment:
    return Experiment.model_validate(specification(training) | {"model": {"name": "estimator", **arguments}})


@pytest.mark.parametrize("normalise", ["none", "columns"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"estimator": "RandomForestClassifier", "parameters": {"n_estimators": 10, "max_depth": 4}},
        {"estimator": "GaussianNB"},
    ],
    ids=lambda value: value["estimator"],
)
def test_an_estimator_learns_through_the_files_of_the_chain(tmp_path, arguments, normalise):
    path = write_observables(tmp_path / "observables.h5", sizes={"train": 200, "val": 100, "test": 200})
    models = [tmp_path / name / "model.safetensors" for name in "ab"]
    for model in models:
        write_model(path, model, experiment({"normalise": normalise}, **arguments), 1)
        write_predictions(model, model.with_name("predictions.h5"), {"toys": path})
    for name in ("model.safetensors", "model.json", "history.csv", "predictions.h5"):
        assert models[0].with_name(name).read_bytes() == models[1].with_name(name).read_bytes()
    found = read_block(models[0].with_name("predictions.h5"), "toys").entries
    assert auc_with_error(found["label"], found["probability"][:, 1])[0] > 0.85
    network, description, normalisation = load_model(models[0], CPU)
    rows = read_rows(models[0].with_name("history.csv"))
    assert (description["epochs"], description["best_epoch"], len(rows)) == (1, 1, 1)
    assert description["parameters"] == count_parameters(network) > 0
    assert description["arguments"] == {"parameters": {}} | arguments
    assert (normalisation is not None) == (normalise == "columns")


@pytest.mark.parametrize(("there", "read"), [("{0}.{1}.99", True), ("{0}.0.2", False), ("0.{1}.{2}", False)])
def test_an_estimator_of_another_scikit_learn_is_refused_in_one_line(tmp_path, there, read):
    model = tmp_path / "model.safetensors"
    write_model(write_observables(tmp_path / "observables.h5"), model, experiment({}), 1)
    description = load_json(model.with_name("model.json"))
    here = version("scikit-learn")
    assert {"scikit-learn": here, "skops": version("skops")}.items() <= description["versions"].items()
    description["versions"]["scikit-learn"] = there.format(*here.split("."))
    reseal(model, versions=description["versions"])
    if read:
        load_model(model, CPU)
        return
    with pytest.raises(UserError, match="train it again") as caught:
        load_model(model, CPU)
    assert_one_line(caught, str(model), f"scikit-learn {there.format(*here.split('.'))}", here)


def test_a_model_file_with_another_estimator_is_one_line(tmp_path):
    path = write_observables(tmp_path / "observables.h5")
    model = tmp_path / "model.safetensors"
    write_model(path, model, experiment({}), 1)
    weights = load_file(model)
    assert list(weights) == ["content"]
    other = svm.SVC().fit(entries(), entries()[:, 0] > 0)
    save_file({"content": content_of(other)}, model)
    reseal(model)
    with pytest.raises(UserError) as error:
        write_predictions(model, tmp_path / "predictions.h5", {"toys": path})
    assert_one_line(error, model, "does not hold the weights", "SVC", "DecisionTreeClassifier")
    assert not (tmp_path / "predictions.h5").exists()
