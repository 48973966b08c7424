"""Least squares by a minimiser: parameters and their covariance as the normal equations have them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jetpulse.config import Training
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters

TRAINING = Training(patience=None)


def fitted(features: np.ndarray, target: np.ndarray, *val: np.ndarray):
    """Return a fitted network and its history."""
    network = build_network("linear", features.shape[1:], 1, {})
    history, best = network.fit(features, target, *(val or (None, None)), TRAINING, 1, lambda row: None)
    assert best == len(history) == history[-1]["epoch"]
    return network, history


def parameters(network: torch.nn.Module) -> np.ndarray:
    """Return the slopes and, last, the offset."""
    return torch.cat([network.layers[1].weight.flatten(), network.layers[1].bias]).detach().double().numpy()


def straight_line(seed: int, n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return x (n, 1) and 3 x + 1 with noise 0.1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (n, 1)).astype(np.float32)
    return x, (3 * x[:, 0] + 1 + 0.1 * rng.normal(size=n)).astype(np.float32)


def test_a_straight_line_is_that_of_polyfit_with_its_covariance():
    x, y = straight_line(1)
    network, _ = fitted(x, y)
    expected, covariance = np.polyfit(x[:, 0].astype(float), y.astype(float), 1, cov=True)
    np.testing.assert_allclose(parameters(network), expected, rtol=1e-6)
    np.testing.assert_allclose(network.covariance, covariance, rtol=1e-6)


def test_slope_and_offset_are_right_within_errors_that_are_right():
    pulls = []
    for seed in range(200):
        network, _ = fitted(*straight_line(seed))
        pulls.append((parameters(network) - [3, 1]) / np.sqrt(np.diag(network.covariance)))
    assert np.abs(np.mean(pulls, axis=0)).max() < 4 / np.sqrt(200)
    assert np.std(pulls, axis=0) == pytest.approx(1.0, abs=4 / np.sqrt(400))


def test_four_points_by_hand():
    x, y = np.array([[0], [1], [2], [3]], np.float32), np.array([0, 2, 2, 4], np.float32)
    network, history = fitted(x, y)
    # Slope 6 / 5, offset 1 / 5; residuals 0.2, -0.6, 0.6, -0.2; their squares sum up to 0.8.
    assert parameters(network) == pytest.approx([1.2, 0.2], abs=1e-6)
    assert history[-1]["train_loss"] == pytest.approx(0.8 / 4)
    assert history[-1]["train_mae"] == pytest.approx(1.6 / 4)
    # 0.8 / 2 times the inverse of [[14, 6], [6, 4]].
    assert network.covariance.flatten().tolist() == pytest.approx([0.08, -0.12, -0.12, 0.28])
    assert network(torch.from_numpy(x)).detach().flatten().tolist() == pytest.approx([0.2, 1.4, 2.6, 3.8], abs=1e-6)


def test_every_iteration_has_a_row_and_lowers_the_loss():
    reported = []
    network = build_network("linear", (1,), 1, {})
    history, _ = network.fit(*straight_line(1), *straight_line(2), TRAINING, 1, reported.append)
    assert history == reported
    assert list(history[0]) == ["epoch", "train_loss", "train_mae", "val_loss", "val_mae"]
    losses = [row["train_loss"] for row in history]
    assert len(losses) > 2
    assert losses == sorted(losses, reverse=True)
    x, y = straight_line(2)
    found = network(torch.from_numpy(x)).detach().numpy()[:, 0]
    assert history[-1]["val_loss"] == pytest.approx(np.mean((found - y) ** 2), rel=1e-4)
    assert history[-1]["val_mae"] == pytest.approx(np.mean(np.abs(found - y)), rel=1e-4)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 1000), st.sampled_from([1e-3, 1.0, 1e4]))
def test_features_of_any_size_lead_to_the_normal_equations(d, seed, size):
    rng = np.random.default_rng(seed)
    x = ((rng.normal(size=(30, d)) + 2) * size ** np.arange(d)).astype(np.float32)
    y = rng.normal(size=30).astype(np.float32)
    network, _ = fitted(x, y)
    scale = np.append(size ** np.arange(d), 1.0)
    columns = np.column_stack([x.astype(float), np.ones(30)]) / scale
    expected, squares, *_ = np.linalg.lstsq(columns, y.astype(float), rcond=None)
    np.testing.assert_allclose(parameters(network) * scale, expected, rtol=1e-5, atol=1e-6)
    covariance = squares / (29 - d) * np.linalg.inv(columns.T @ columns)
    np.testing.assert_allclose(network.covariance.numpy() * np.outer(scale, scale), covariance, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([[1.0]], [2.0]),
        ([[0.0], [1.0]], [1.0, 4.0]),  # a line through both, but no residuals that tell an error
        ([[2.0], [2.0], [2.0]], [1.0, 2.0, 3.0]),
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [5.0, 10.0]], [1.0, 2.0, 3.0, 5.0]),
    ],
    ids=["one entry", "two entries", "equal features", "features in proportion"],
)
def test_errors_that_the_entries_do_not_tell_are_no_numbers(x, y):
    network, history = fitted(np.array(x, np.float32), np.array(y, np.float32))
    assert torch.isnan(network.covariance).all()
    mean = [np.mean(y)] * len(y) if len(set(map(tuple, x))) == 1 else y
    assert network(torch.tensor(x)).detach().flatten().tolist() == pytest.approx(mean, abs=1e-5)
    assert np.isfinite(history[-1]["train_loss"])


def test_a_target_of_zeros_is_learned_at_once():
    network, history = fitted(straight_line(1)[0], np.zeros(100, np.float32))
    assert len(history) == 1
    assert parameters(network).tolist() == [0.0, 0.0]
    assert history[0]["train_loss"] == 0.0


def test_what_is_not_finite_is_refused():
    x, y = straight_line(1)
    x[3] = np.nan
    with pytest.raises(UserError, match="linear: features or target are not finite"):
        fitted(x, y)


def test_pictures_are_flattened_and_the_file_holds_slopes_offset_and_covariance():
    network = build_network("linear", (2, 3), 1, {})
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == {
        "layers.1.weight": (1, 6),
        "layers.1.bias": (1,),
        "covariance": (7, 7),
    }
    assert count_parameters(network) == 7
    assert network(torch.rand(4, 2, 3)).tolist() == [[0.0]] * 4


def test_more_than_one_number_is_refused():
    with pytest.raises(UserError, match="linear: learns one number, here are 2 outputs"):
        build_network("linear", (2,), 2, {})


def test_the_arrays_are_left_as_they_were():
    x, y = straight_line(1)
    before = x.copy(), y.copy()
    fitted(x, y)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
