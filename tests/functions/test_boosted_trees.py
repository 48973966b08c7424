"""Boosted trees as tensors: what XGBoost says, learned and stored like any network; logistic regression beside them."""

from typing import Any

import numpy as np
import pytest
import torch
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config import Experiment, Training
from jetpulse.config.networks import fits_itself, model_input
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import auc_with_error
from jetpulse.models import boosted_trees, build_network, count_parameters
from jetpulse.samples import read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import load_model, write_predictions
from toy_jets import assert_one_line
from toys import CPU, read_rows, specification, weight_bytes, write_observables

COLUMNS = 3
TRAINING = Training(patience=None)


def entries(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, 3) with many equal values, and labels that depend on a product of two of them."""
    rng = np.random.default_rng(seed)
    features = np.round(rng.normal(size=(n, COLUMNS)), 1).astype(np.float32)
    return features, (features[:, 0] * features[:, 1] > 0.3 * rng.normal(size=n)).astype(np.int64)


def fitted(training: Training = Training(patience=None), seed: int = 1, **arguments):  # noqa: B008 - frozen
    """Return trees fitted to 400 entries, their history and best round."""
    network = build_network("boosted-trees", (COLUMNS,), 2, {"trees": 12, "depth": 3, **arguments})
    history, best = network.fit(*entries(1, 400), *entries(2, 200), training, seed, lambda row: None)
    return network, history, best


@pytest.fixture
def booster(monkeypatch) -> list[xgboost.Booster]:
    """Every model that XGBoost has trained."""
    trained = []
    original = xgboost.train

    def train(*arguments, **options):
        trained.append(original(*arguments, **options))
        return trained[-1]

    monkeypatch.setattr(xgboost, "train", train)
    return trained


def probabilities(network: torch.nn.Module, features: np.ndarray) -> np.ndarray:
    return torch.softmax(network.eval()(torch.from_numpy(features)).double(), 1)[:, 1].numpy()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"depth": 1}, {"depth": 6, "trees": 40}, {"subsample": 0.5, "column_sample": 0.4}, {"min_child_weight": 30.0}],
    ids=str,
)
def test_probabilities_are_those_of_xgboost(booster, arguments):
    network, _, best = fitted(**arguments)
    # New entries, those of the training, every threshold itself, and the next numbers below and above.
    on = network.threshold[network.threshold.isfinite()].numpy()
    near = np.concatenate([on, np.nextafter(on, np.float32(-9)), np.nextafter(on, np.float32(9))])
    edges = np.repeat(near[:, None], COLUMNS, 1).astype(np.float32)
    features = np.concatenate([entries(1, 400)[0], entries(9, 400)[0], edges, edges * [[1, 0, -1]]]).astype(np.float32)
    theirs = booster[0].predict(xgboost.DMatrix(features), iteration_range=(0, best))
    assert len(on) > 5
    np.testing.assert_allclose(probabilities(network, features), theirs, rtol=0, atol=1e-6)


def test_a_tree_by_hand():
    network = build_network("boosted-trees", (2,), 2, {"trees": 2, "depth": 2})
    # One tree: x0 < 1 ? (x1 < 0 ? 1 : 2) : 4, where the last is a leaf one level up. The other is a single leaf.
    network.feature[0] = torch.tensor([0, 1, 0])
    network.threshold[0] = torch.tensor([1.0, 0.0, torch.inf])
    network.leaf[0] = torch.tensor([1.0, 2.0, 4.0, 4.0])
    network.leaf[1] = 0.5
    outputs = network(torch.tensor([[0.0, -1.0], [0.0, 0.0], [1.0, -5.0], [0.99, 7.0]]))
    assert outputs.tolist() == [[0.0, 1.5], [0.0, 2.5], [0.0, 4.5], [0.0, 2.5]]
    assert count_parameters(network) == 2 + 3 + 1


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 1000))
def test_entries_find_the_leaf_that_the_comparisons_lead_to(depth, trees, seed):
    rng = np.random.default_rng(seed)
    network = build_network("boosted-trees", (4,), 2, {"trees": trees, "depth": depth})
    network.feature.copy_(torch.from_numpy(rng.integers(0, 4, network.feature.shape)))
    network.threshold.copy_(torch.from_numpy(rng.integers(-2, 3, network.threshold.shape)))
    network.leaf.copy_(torch.from_numpy(rng.integers(-8, 9, network.leaf.shape)))
    features = rng.integers(-3, 4, (20, 4)).astype(np.float32)
    expected = []
    for x in features:
        total = 0.0
        for feature, threshold, leaf in zip(network.feature, network.threshold, network.leaf, strict=True):
            node = 0
            while node < len(feature):
                node = 2 * node + (1 if x[feature[node]] < threshold[node] else 2)
            total += float(leaf[node - len(feature)])
        expected.append(total)
    assert network(torch.from_numpy(features))[:, 1].tolist() == expected


def test_training_stops_after_rounds_without_a_better_loss_and_keeps_the_best():
    network, history, best = fitted(Training(patience=4), trees=300, depth=6, shrinkage=0.5)
    losses = [row["val_loss"] for row in history]
    assert best == int(np.argmin(losses)) + 1
    assert len(history) == best + 4 < 300
    assert list(history[0]) == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert not network.leaf[best:].any()
    # What was watched is what the tensors give.
    features, label = entries(2, 200)
    probability = probabilities(network, features)
    loss = -np.log(np.where(label, probability, 1 - probability)).mean()
    assert history[best - 1]["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert history[best - 1]["val_accuracy"] == pytest.approx(np.mean((probability > 0.5) == label))


def test_without_patience_or_validation_all_rounds_count():
    assert fitted()[2] == len(fitted()[1]) == 12
    network = build_network("boosted-trees", (COLUMNS,), 2, {"trees": 5})
    history, best = network.fit(*entries(1, 100), None, None, Training(patience=None), 1, lambda row: None)
    assert (len(history), best) == (5, 5)
    assert list(history[0]) == ["epoch", "train_loss", "train_accuracy"]


def test_labels_of_one_class_and_a_single_entry_can_be_learned():
    features, _ = entries(1, 30)
    for n in (1, 30):
        network = build_network("boosted-trees", (COLUMNS,), 2, {"trees": 3, "min_child_weight": 0.0})
        network.fit(features[:n], np.ones(n, np.int64), None, None, Training(patience=None), 1, lambda row: None)
        assert (probabilities(network, features) > 0.5).all()


def test_a_seed_decides_the_subsamples_and_nothing_else():
    def drawn(seed: int, **arguments) -> dict[str, bytes]:
        return weight_bytes(fitted(seed=seed, **arguments)[0].state_dict())

    assert drawn(1, subsample=0.5) == drawn(1, subsample=0.5) != drawn(2, subsample=0.5)
    assert drawn(1) == drawn(2)


def test_splits_and_leaves_are_counted():
    network, _, best = fitted()
    splits = int(network.threshold.isfinite().sum())
    assert count_parameters(network) == 2 * splits + best
    assert count_parameters(build_network("boosted-trees", (3,), 2, {})) == 0


@pytest.mark.parametrize("classes", [3, 5])
def test_probabilities_of_more_than_two_classes_are_those_of_xgboost(booster, classes):
    def labelled(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        features, _ = entries(seed, n)
        return features, np.digitize(features[:, 0] * features[:, 1], np.linspace(-0.6, 0.6, classes - 1))

    network = build_network("boosted-trees", (COLUMNS,), classes, {"trees": 40, "depth": 3, "shrinkage": 0.4})
    history, best = network.fit(*labelled(1, 400), *labelled(2, 200), Training(patience=3), 1, lambda row: None)
    assert len(history) == best + 3 < 40
    features, label = labelled(2, 200)
    theirs = booster[0].predict(xgboost.DMatrix(features), iteration_range=(0, best))
    ours = torch.softmax(network(torch.from_numpy(features)).double(), 1).numpy()
    assert ours.shape == (200, classes)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    row = history[best - 1]
    assert row["val_loss"] == pytest.approx(-np.log(ours[np.arange(200), label]).mean(), rel=1e-5)
    assert row["val_accuracy"] == pytest.approx((ours.argmax(1) == label).mean())
    assert not network.leaf[best * classes :].any()


def test_numbers_are_those_of_xgboost_and_begin_at_zero(booster):
    def numbers(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        features, _ = entries(seed, n)
        return features, (features[:, 0] * features[:, 1] + 0.3).astype(np.float32)

    network = build_network("boosted-trees", (COLUMNS,), 1, {"trees": 200, "depth": 3, "shrinkage": 0.5})
    history, best = network.fit(*numbers(1, 300), *numbers(2, 200), Training(patience=4), 1, lambda row: None)
    losses = [row["val_loss"] for row in history]
    assert best == int(np.argmin(losses)) + 1
    assert len(history) == best + 4 < 200
    assert list(history[0]) == ["epoch", "train_loss", "train_mae", "val_loss", "val_mae"]
    features, number = numbers(2, 200)
    ours = network(torch.from_numpy(features))
    assert ours.shape == (200, 1)
    theirs = booster[0].predict(xgboost.DMatrix(features), iteration_range=(0, best))
    np.testing.assert_allclose(ours[:, 0], theirs, rtol=0, atol=1e-5)
    assert history[best - 1]["val_loss"] == pytest.approx(np.mean((ours[:, 0].numpy() - number) ** 2), rel=1e-4)
    assert history[best - 1]["val_mae"] == pytest.approx(np.mean(np.abs(ours[:, 0].numpy() - number)), rel=1e-4)
    # Trees without a split leave what they begin with.
    assert build_network("boosted-trees", (COLUMNS,), 1, {"trees": 3})(torch.ones(2, COLUMNS)).tolist() == [[0], [0]]


def test_a_number_of_one_entry_is_its_leaf_by_hand():
    network = build_network("boosted-trees", (1,), 1, {"trees": 2, "shrinkage": 0.5, "l2": 1.0})
    network.fit(*(np.ones((1, 1), np.float32), np.array([8.0], np.float32)), None, None, TRAINING, 1, lambda row: None)
    # Half of residual / (entries + l2): 8 / 2 / 2 = 2, then 6 / 2 / 2 = 1.5.
    assert network(torch.ones(1, 1)).item() == pytest.approx(3.5)


def test_xgboost_is_not_loaded_for_predictions():
    assert not hasattr(boosted_trees, "xgboost")


def test_logistic_regression_is_one_layer():
    network = build_network("logistic", (17,), 2, {})
    assert count_parameters(network) == 36
    assert network(torch.zeros(3, 17)).shape == (3, 2)
    assert (model_input("logistic"), fits_itself("logistic")) == ("observables", False)
    assert (model_input("boosted-trees"), fits_itself("boosted-trees")) == ("observables", True)


def experiment(name: str, training: dict[str, Any], **arguments: Any) -> Experiment:
    """Return an experiment on observables."""
    return Experiment.model_validate(specification(training) | {"model": {"name": name, **arguments}})


@pytest.mark.parametrize(
    ("name", "arguments", "settings"),
    [
        ("logistic", {}, {"learning_rate": 0.01, "epochs": 20}),
        ("dense", {"hidden": [8]}, {"learning_rate": 0.01, "epochs": 20}),
        ("boosted-trees", {"trees": 60, "depth": 3}, {}),
    ],
)
def test_a_network_learns_from_observables_through_the_files_of_the_chain(tmp_path, name, arguments, settings):
    path = write_observables(tmp_path / "observables.h5", sizes={"train": 400, "val": 200, "test": 300})
    spec = experiment(name, settings | {"normalise": "columns", "patience": 5}, **arguments)
    model = tmp_path / "seed1" / "model.safetensors"
    write_model(path, model, spec, 1)
    write_predictions(model, model.with_name("predictions.h5"), {"toys": path})
    found = read_block(model.with_name("predictions.h5"), "toys").entries
    assert auc_with_error(found["label"], found["probability"][:, 1])[0] > 0.9
    network, description, normalisation = load_model(model, CPU)
    rows = read_rows(model.with_name("history.csv"))
    assert len(rows) == description["epochs"] >= description["best_epoch"] > 0
    assert description["parameters"] == count_parameters(network) > 0
    assert description["representation"]["columns"] == ["mass", "pt", "tau32", "d2"]
    features = read_block(path, "train").entries["features"].astype(np.float64)
    np.testing.assert_allclose(normalisation.centre, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(normalisation.scale, features.std(0), rtol=1e-6)


def test_the_same_training_gives_the_same_bytes(tmp_path):
    path = write_observables(tmp_path / "observables.h5")
    spec = experiment("boosted-trees", {"patience": None}, trees=5, subsample=0.8)
    files = [tmp_path / name / "model.safetensors" for name in "ab"]
    for file in files:
        write_model(path, file, spec, 3)
    for name in ("model.safetensors", "history.csv", "model.json"):
        assert files[0].with_name(name).read_bytes() == files[1].with_name(name).read_bytes()


def test_observables_of_other_columns_are_not_predicted(tmp_path):
    trained = write_observables(tmp_path / "a.h5")
    other = write_observables(tmp_path / "b.h5", columns=("mass", "pt", "tau32", "tau21"))
    write_model(trained, tmp_path / "model.safetensors", experiment("boosted-trees", {}, trees=2), 1)
    with pytest.raises(UserError) as error:
        write_predictions(tmp_path / "model.safetensors", tmp_path / "p.h5", {"toys": other})
    assert_one_line(error, other, "tau21", "the model was trained on")
    assert not (tmp_path / "p.h5").exists()
