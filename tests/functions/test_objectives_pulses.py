"""Localisation: densities and probabilities by hand, learning from times and from bins, labels out of reach."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from jetpulse.models import build_network
from jetpulse.training.objectives import Batch, load_objective
from jetpulse.training.objectives.localisation import log_density, probabilities

LOCALISATION = load_objective("localisation")
NONE = -1e4  # a log weight that leaves a component out


class Says(nn.Module):
    """A network with a given answer for every batch."""

    def __init__(self, outputs: torch.Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        return self.outputs[: len(waveform)]


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def one_component(bins: int, component: int, offset: float, log_width: float) -> torch.Tensor:
    """Return outputs (1, bins, 3) whose mixture is a single logistic distribution."""
    outputs = torch.zeros(1, bins, 3, dtype=torch.float64)
    outputs[..., 0] = NONE
    outputs[0, component] = torch.tensor([0.0, offset, log_width], dtype=torch.float64)
    return outputs


def mixture(seed: int, batch: int, bins: int, scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(batch, bins, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def batch_of(n: int, bins: int, label, time=None) -> Batch:
    targets = {"label": torch.tensor(label)}
    return Batch(torch.zeros(n, 2, bins), targets | ({} if time is None else {"time": torch.tensor(time)}))


@pytest.mark.parametrize("log_width", [0.0, math.log(0.5), math.log(2)])
def test_a_single_logistic_by_hand(log_width):
    outputs, width = one_component(3, 1, 0.25, log_width), math.exp(log_width)
    # Centred at 1.25 bins; the edges of the middle bin are 0.5 and 1.5.
    low, high = logistic(-0.75 / width), logistic(0.25 / width)
    np.testing.assert_allclose(probabilities(outputs)[0], [low, high - low, 1 - high], rtol=1e-12)
    below = math.exp(-0.75 / width)
    expected = below / (width * (1 + below) ** 2)
    for time in (2.0, 0.5):  # as far above as below
        assert log_density(outputs, torch.tensor([time])).item() == pytest.approx(math.log(expected))


def test_two_logistics_add_up_with_their_weights():
    outputs = one_component(4, 0, 0.0, 0.0)
    outputs[0, 3] = torch.tensor([math.log(3), 0.0, 0.0])
    first, second = one_component(4, 0, 0.0, 0.0), one_component(4, 3, 0.0, 0.0)
    np.testing.assert_allclose(probabilities(outputs), 0.25 * probabilities(first) + 0.75 * probabilities(second))
    time = torch.tensor([1.2])
    density = 0.25 * log_density(first, time).exp() + 0.75 * log_density(second, time).exp()
    torch.testing.assert_close(log_density(outputs, time).exp(), density)


def test_logits_are_a_softmax():
    outputs = torch.tensor([[0.0, math.log(2), -torch.inf, 0.0]])
    np.testing.assert_allclose(probabilities(outputs)[0], [0.25, 0.5, 0, 0.25], rtol=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 20), st.sampled_from([0.1, 2.0, 30.0]))
def test_probabilities_add_up_to_one(seed, batch, bins, scale):
    outputs = mixture(seed, batch, bins, scale)
    for answer in (outputs, outputs[..., 0], outputs.float(), outputs[..., 0].float()):
        found = probabilities(answer)
        assert found.shape == (batch, bins)
        assert (found >= 0).all()
        torch.testing.assert_close(found.sum(1), torch.ones_like(found[:, 0]), rtol=0, atol=1e-5)


def test_no_entries_have_no_probabilities():
    assert probabilities(torch.zeros(0, 4, 3)).shape == (0, 4)
    assert probabilities(torch.zeros(0, 4)).shape == (0, 4)


@pytest.mark.parametrize("seed", range(5))
def test_the_density_adds_up_to_the_probabilities_of_the_bins(seed):
    bins = 5
    outputs = mixture(seed, 1, bins, scale=0.7)
    expected = probabilities(outputs)[0]
    edges = [-400.0, *(np.arange(bins - 1) + 0.5), 400.0]  # the first and last bin have the tails
    for low, high, probability in zip(edges[:-1], edges[1:], expected, strict=True):
        time = torch.linspace(low, high, 80_001, dtype=torch.float64)
        density = log_density(outputs.expand(len(time), -1, -1), time).exp()
        assert torch.trapezoid(density, time).item() == pytest.approx(probability.item(), abs=2e-6)


@pytest.mark.parametrize("time", [-1e6, -3.0, 0.0, 4.0, 1e6])
@pytest.mark.parametrize("log_width", [-1e3, -8.0, 0.0, 4.0, 1e3])
@pytest.mark.parametrize("offset", [-1e5, 0.0, 1e5])
def test_losses_and_gradients_are_finite_however_extreme(time, log_width, offset):
    outputs = torch.zeros(2, 5, 3)
    outputs[..., 1], outputs[..., 2] = offset, log_width
    for targets in ({"time": torch.full((2,), time)}, {}):
        answer = outputs.clone().requires_grad_(True)
        batch = Batch(torch.zeros(2, 1, 5), {"label": torch.tensor([0, 4])} | targets)
        loss, watched = LOCALISATION.loss(Says(answer), batch, "")
        loss.backward()
        assert loss.isfinite()
        assert watched.isfinite().all()
        assert answer.grad.isfinite().all()


def test_the_loss_of_bins_by_hand():
    outputs = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    loss, watched = LOCALISATION.loss(Says(outputs), batch_of(2, 3, [1, 2]), "")
    expected = -(math.log(0.25) + math.log(0.8)) / 2
    assert loss.item() == pytest.approx(expected)
    # The second is right; the mean bins are 0.75 and 1.7.
    assert watched.tolist() == pytest.approx([2 * expected, 1, 0.25**2 + 0.3**2])


def test_the_loss_of_a_time_is_minus_its_log_density():
    outputs = torch.cat([one_component(3, 1, 0.25, 0.0), one_component(3, 2, 0.0, math.log(0.5))])
    loss, _ = LOCALISATION.loss(Says(outputs), batch_of(2, 3, [2, 2], [2.0, 2.0]), "")
    below = math.exp(-0.75)
    # At its centre a logistic distribution has the density 1 / (4 width).
    assert loss.item() == pytest.approx((-math.log(below / (1 + below) ** 2) - math.log(0.5)) / 2, rel=1e-6)


def test_the_loss_of_a_mixture_without_time_is_minus_the_log_probability_of_the_bin():
    outputs = one_component(3, 1, 0.25, 0.0)
    loss, watched = LOCALISATION.loss(Says(outputs), batch_of(1, 3, [0]), "")
    assert loss.item() == pytest.approx(-math.log(logistic(-0.75)), rel=1e-6)
    assert watched[1] == 0


def test_times_teach_what_bins_cannot():
    # Both answers put nearly everything into bin 2; the time tells which is better.
    near, far = one_component(5, 2, 0.2, -4.0), one_component(5, 2, -0.2, -4.0)
    losses = [LOCALISATION.loss(Says(outputs), batch_of(1, 5, [2], [2.2]), "")[0] for outputs in (near, far)]
    assert losses[0] < losses[1] - 5
    without = [LOCALISATION.loss(Says(outputs), batch_of(1, 5, [2]), "")[0] for outputs in (near, far)]
    assert without[0].item() == pytest.approx(without[1].item(), abs=1e-6)


def test_logits_learn_from_the_bin_also_when_the_time_is_known():
    outputs = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    with_time, _ = LOCALISATION.loss(Says(outputs), batch_of(2, 4, [1, 3], [0.9, 3.2]), "")
    assert with_time == LOCALISATION.loss(Says(outputs), batch_of(2, 4, [1, 3]), "")[0]


def test_predictions_are_float64():
    for outputs in (torch.zeros(2, 4), torch.zeros(2, 4, 3)):
        predicted = LOCALISATION.predict(Says(outputs), batch_of(2, 4, [0, 0]))["probability"]
        assert predicted.dtype == torch.float64
        np.testing.assert_allclose(predicted.sum(1), 1, atol=1e-15)
    np.testing.assert_allclose(
        LOCALISATION.predict(Says(torch.zeros(2, 4)), batch_of(2, 4, [0, 0]))["probability"], 0.25
    )


def test_a_density_beyond_the_last_bin_counts_in_the_last_bin():
    outputs = one_component(3, 2, 1e4, 4.0)
    assert probabilities(outputs)[0].tolist() == pytest.approx([0, 0, 1])


@pytest.mark.parametrize("name", ["pulse-reference", "pulse-cnn", "dense"])
@pytest.mark.parametrize(("label", "entry"), [([5, -1, 20], 1), ([20, 5, -1], 0), ([5, 5, 100], 2)])
def test_labels_outside_the_bins_are_named(name, label, entry):
    network = build_network(name, (2, 20), 20, {})
    said = LOCALISATION.check(network, batch_of(3, 20, label))
    assert said == f"entry {entry}: label {label[entry]} lies outside the bins 0 to 19"


@pytest.mark.parametrize(("label", "entry"), [([3, 16, 17], 2), ([2, 5, 6], 0), ([5, 19, 0], 1)])
def test_labels_that_the_reference_network_cannot_name_are_named(label, entry):
    network = build_network("pulse-reference", (2, 20), 20, {})
    said = LOCALISATION.check(network, batch_of(3, 20, label))
    assert said.startswith(f"entry {entry}: label {label[entry]} lies outside the bins 3 to 16 that the network can")
    assert "\n" not in said


@pytest.mark.parametrize(("name", "label"), [("pulse-reference", [3, 16, 10]), ("pulse-cnn", [0, 19, 3])])
def test_labels_within_reach_are_fine(name, label):
    network = build_network(name, (2, 20), 20, {})
    assert LOCALISATION.check(network, batch_of(3, 20, label)) is None


@pytest.mark.parametrize("name", ["dense", "pulse-cnn", "pulse-rnn"])
@pytest.mark.parametrize("size", [1e6, float("nan")])
def test_large_inputs_do_not_take_bins_out_of_reach(name, size):
    torch.manual_seed(1)
    network = build_network(name, (2, 20), 20, {})
    inputs = size * torch.randn(1, 2, 20)
    assert LOCALISATION.check(network, Batch(inputs, {"label": torch.tensor([0, 7, 19])})) is None
