"""Regression: loss and predictions by hand, the target's normalisation, and the chain from samples to predictions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from jetpulse.errors import UserError
from jetpulse.evaluation.networks import predict_split
from jetpulse.samples import load_json, read_block
from jetpulse.training.files import write_model
from jetpulse.training.inputs import make_inputs, read_split
from jetpulse.training.normalisation import (
    Normalisation,
    fit_normalisation,
    restore,
    stored_normalisation,
    with_target,
)
from jetpulse.training.objectives import Batch, load_objective
from jetpulse.training.trained import load_model, write_predictions
from toy_jets import assert_one_line, edited
from toy_problems import problem_experiment, write_problem
from toys import CPU, reseal

REGRESSION = load_objective("regression")
FEW = {"train": 60, "val": 20, "test": 9}


def test_the_loss_of_a_regression_by_hand():
    batch = Batch(torch.tensor([[1.0], [3.0], [-2.0]]), {"target": torch.tensor([2.0, 3.0, 0.0])})
    loss, watched = REGRESSION.loss(nn.Identity(), batch, "")
    assert loss.item() == pytest.approx((1 + 0 + 4) / 3)
    assert watched.tolist() == pytest.approx([5, 3])  # sums of squares and of absolute values
    predicted = REGRESSION.predict(nn.Identity(), batch)["prediction"]
    assert predicted.dtype == torch.float64
    assert predicted.tolist() == [1, 3, -2]


def test_the_targets_normalisation_by_hand():
    found = with_target(None, np.array([10.0, 14.0]), "s.h5")
    assert found.target.tolist() == [12, 2]
    assert found.standardise(torch.tensor([10.0, 18.0])).tolist() == [-1, 3]
    assert found.answer(torch.tensor([-1.0, 3.0])).tolist() == [10, 18]
    x = torch.tensor([[0.1, -3e7]])
    assert torch.equal(found.apply(x), x)  # without one of its own, an input stays as it is
    assert torch.equal(found.invert(x), x)


@given(
    st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=2, max_size=9),
    st.floats(-1e6, 1e6, allow_subnormal=False),
)
def test_a_standardised_target_is_given_back(values, offset):
    numbers = np.array(values) + offset
    numbers[0] = numbers[1] + 1 + abs(numbers[1])  # never all the same
    found = with_target(None, numbers, "s.h5")
    standardised = found.standardise(torch.from_numpy(numbers))
    assert standardised.mean().item() == pytest.approx(0, abs=1e-6)
    assert standardised.std(correction=0).item() == pytest.approx(1, rel=1e-9)
    np.testing.assert_allclose(found.answer(standardised), numbers, rtol=1e-9, atol=1e-9 * np.abs(numbers).max())


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e6 / 3])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_constant_target_is_refused(value, n):
    with pytest.raises(UserError) as error:
        with_target(None, np.full(n, value), "s.h5")
    assert_one_line(error, "s.h5", f"{value:g}", "split 'train'", "nothing to learn")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_target_that_is_no_number_is_refused(value):
    with pytest.raises(UserError) as error:
        with_target(None, np.array([1.0, 2.0, value]), "s.h5")
    assert_one_line(error, "s.h5", "entry 2", str(value))


def test_the_targets_normalisation_is_stored_beside_that_of_the_input():
    features = fit_normalisation("columns", np.array([[1.0, 5.0], [3.0, 9.0]], np.float32), 1, "s.h5")
    found = with_target(features, np.array([1.0, 4.0]), "s.h5")
    again = stored_normalisation(found.tensors() | {"weights": torch.zeros(2)})
    assert again.target.dtype == torch.float64
    for name, value in found.tensors().items():
        assert torch.equal(again.tensors()[name], value)
    assert torch.equal(again.centre, features.centre)
    assert features.target is None  # the caller's own stays as it is


def test_predictions_alone_are_restored():
    normalisation = Normalisation(torch.zeros(()), torch.ones(()), target=torch.tensor([100.0, 10.0]))
    predicted = {"prediction": torch.tensor([0.0, 2.0]), "other": torch.tensor([1.0])}
    found = restore(predicted, REGRESSION, normalisation)
    assert found["prediction"].tolist() == [100, 120]
    assert found["other"].tolist() == [1]
    assert predicted["prediction"].tolist() == [0, 2]
    assert restore(predicted, REGRESSION, None)["prediction"].tolist() == [0, 2]


def train(path, folder, task="regression", model=None, **training):
    write_model(path, folder / "model.safetensors", problem_experiment(task, training, **(model or {})), 1)
    return folder / "model.safetensors"


@pytest.mark.parametrize("normalise", ["none", "columns", "standard"])
def test_predictions_are_in_the_targets_units(tmp_path, normalise):
    path = write_problem(tmp_path / "s.h5")
    settings = {"normalise": normalise, "learning_rate": 0.05, "epochs": 60}
    model = train(path, tmp_path, model={"name": "dense", "hidden": []}, **settings)
    write_predictions(model, tmp_path / "p.h5", {"toys": path}, device="cpu")
    predicted, stored = read_block(tmp_path / "p.h5", "toys").entries, read_block(path, "test").entries
    assert predicted["prediction"].dtype == predicted["target"].dtype == np.float64
    np.testing.assert_array_equal(predicted["target"], stored["target"])
    # The number is linear in the features and varies by 200.
    assert np.sqrt(np.mean((predicted["prediction"] - predicted["target"]) ** 2)) < 10
    again = predict_split(model, path, "test", "regression", device="cpu")
    np.testing.assert_array_equal(again["prediction"], predicted["prediction"])


def test_the_target_is_fitted_on_the_training_split_alone(tmp_path):
    def shifted(block):
        if block.entries["event"][0] >= 1000:
            block.entries["target"][:] += 1e6
        return block

    paths = [write_problem(tmp_path / "a.h5"), write_problem(tmp_path / "b.h5", change=shifted)]
    stored = []
    for path in paths:
        model = train(path, tmp_path / path.stem, epochs=1, normalise="none")
        stored.append(load_model(model, CPU)[2].target)
    target = read_block(paths[0], "train").entries["target"]
    assert torch.equal(*stored)
    assert stored[0].tolist() == pytest.approx([target.mean(), target.std()], rel=1e-12)


def test_what_is_trained_on_is_standardised(tmp_path):
    path = write_problem(tmp_path / "s.h5")
    block, attributes = read_split(path, "train")
    normalisation = with_target(None, block.entries["target"], str(path))
    target = make_inputs(block, attributes, REGRESSION, CPU, normalisation).targets["target"]
    assert target.dtype == torch.float32
    assert target.mean().item() == pytest.approx(0, abs=1e-6)
    assert target.std(correction=0).item() == pytest.approx(1, rel=1e-6)


def test_classes_can_be_regressed_with_one_output(tmp_path):
    path = write_problem(tmp_path / "s.h5", classes=3)
    model = train(path, tmp_path / "r", epochs=1)
    described = load_json(model.with_name("model.json"))
    assert (described["outputs"], described["target"]) == (1, "class")
    assert "classes" not in described
    classifier = load_json(train(path, tmp_path / "c", "classification", epochs=1).with_name("model.json"))
    assert (classifier["outputs"], classifier["classes"]) == (3, ["red", "green", "blue"])
    assert "target" not in classifier


def test_a_constant_target_ends_a_training_with_one_line_and_nothing_behind(tmp_path):
    path = write_problem(tmp_path / "s.h5")
    with edited(path) as handle:
        handle["train"]["target"][:] = 5
    with pytest.raises(UserError) as error:
        train(path, tmp_path / "m")
    assert_one_line(error, path, "target is 5")
    assert not (tmp_path / "m").exists()


def test_samples_without_a_target_are_refused(tmp_path):
    path = write_problem(tmp_path / "s.h5", classes=2)
    with edited(path) as handle:
        for split in handle:
            del handle[split]["target"]
    with pytest.raises(UserError) as error:
        train(path, tmp_path / "m")
    assert_one_line(error, "'problems'", "'target'")


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_the_classes_are_refused(tmp_path, task, label):
    path = write_problem(tmp_path / "s.h5", classes=3)
    with edited(path) as handle:
        handle["val"]["label"][4] = label
    with pytest.raises(UserError) as error:
        train(path, tmp_path / "m", task)
    assert_one_line(error, path, "'val'", "entry 4", f"label is {label}", "0 to 2")
    assert not (tmp_path / "m").exists()


def test_a_model_without_its_targets_normalisation_is_refused(tmp_path):
    model = train(write_problem(tmp_path / "s.h5"), tmp_path, epochs=1, normalise="columns")
    tensors = {name: value for name, value in load_file(model).items() if name != "normalisation/target"}
    save_file(tensors, model, {"format": "pt"})
    reseal(model)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model, "target")


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        ("problems", ("x", "y"), {"kind": "problems", "columns": ["x", "y"]}),
        ("problem-columns", ("y", "x"), {"kind": "problem-columns", "columns": ["y", "x"]}),
    ],
)
def test_entries_are_known_by_the_names_of_their_columns(tmp_path, kind, names, expected):
    path = write_problem(tmp_path / "s.h5", kind=kind, names=names)
    described = load_json(train(path, tmp_path / "m", epochs=1).with_name("model.json"))
    assert described["representation"] == expected
    other = write_problem(tmp_path / "o.h5", kind=kind, names=names[::-1])
    with pytest.raises(UserError) as error:
        write_predictions(tmp_path / "m" / "model.safetensors", tmp_path / "p.h5", {"toys": other})
    assert_one_line(error, other, "made with", "trained on")
