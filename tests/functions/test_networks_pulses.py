"""Networks that find pulses: sizes, by hand, symmetries."""

import numpy as np
import pytest
import torch
from torch import nn

from jetpulse.config.networks import model_tasks
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters
from jetpulse.training.objectives.localisation import probabilities

NETWORKS = {
    "dense": {},
    "pulse-reference": {},
    "pulse-cnn": {},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm"},
}


def build(name: str, shape: tuple[int, int] = (3, 100), **arguments) -> nn.Module:
    torch.manual_seed(1)
    name, extra = ("pulse-rnn", NETWORKS[name]) if name in ("gru", "lstm") else (name, {})
    return build_network(name, shape, shape[1], extra | arguments).eval()


def waves(batch: int, shape: tuple[int, int] = (3, 100)) -> torch.Tensor:
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("batch", [0, 1, 2])
@pytest.mark.parametrize("shape", [(3, 100), (1, 9), (4, 30)])
def test_every_network_answers_for_every_bin(name, batch, shape):
    network = build(name, shape)
    for mode in (True, False):
        outputs = network.train(mode)(waves(batch, shape))
        mixture = name not in ("dense", "pulse-reference")
        assert outputs.shape == (batch, shape[1], 3) if mixture else (batch, shape[1])
        assert not outputs.isnan().any()
        np.testing.assert_allclose(probabilities(outputs).detach().sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_entry_does_not_depend_on_its_neighbours_in_the_batch(name):
    network, inputs = build(name), waves(3)
    torch.testing.assert_close(network(inputs)[1:2], network(inputs[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_is_learned(name):
    network = build(name)
    # The square has a slope everywhere; bins out of reach have none.
    outputs = network(waves(4))
    outputs[outputs.isfinite()].square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize("name", ["pulse-reference", "pulse-cnn", "pulse-rnn", "dense"])
def test_they_say_that_they_localise(name):
    assert "localisation" in model_tasks(name)


def test_the_reference_network_has_51_parameters():
    # Two filters of three samples with biases; a window of three traces, seven samples, two channels and a bias.
    assert (2 * 3 + 2) + (3 * 7 * 2 + 1) == 51
    assert count_parameters(build("pulse-reference")) == 51


def test_the_reference_network_reaches_94_bins():
    outputs = build("pulse-reference")(waves(2))
    assert torch.isfinite(outputs[:, 3:97]).all()
    assert (outputs[:, :3] == -torch.inf).all()
    assert (outputs[:, 97:] == -torch.inf).all()
    assert outputs[0].isfinite().sum() == 94


@pytest.mark.parametrize(("window", "samples", "reach"), [(1, 5, 5), (3, 5, 3), (5, 5, 1)])
def test_the_reach_is_the_samples_less_the_window(window, samples, reach):
    outputs = build("pulse-reference", (2, samples), window=window)(waves(1, (2, samples)))
    assert outputs.shape == (1, samples)
    assert outputs.isfinite().sum() == reach


@pytest.mark.parametrize(("width", "window"), [(3, 7), (1, 3), (5, 5)])
def test_the_reference_network_by_hand(width, window):
    traces, samples = 3, 12
    network = build("pulse-reference", (traces, samples), width=width, window=window).double()
    x = waves(2, (traces, samples)).double()
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (width // 2, width // 2)))
    hidden = np.zeros((2, 2, traces, samples))
    for f in range(2):
        for t in range(samples):
            kernel = state["first.weight"][f, 0, 0]
            hidden[:, f, :, t] = np.tanh(padded[:, :, t : t + width] @ kernel + state["first.bias"][f])
    expected = np.full((2, samples), -np.inf)
    for t in range(window // 2, samples - window // 2):
        seen = hidden[:, :, :, t - window // 2 : t + window // 2 + 1]
        expected[:, t] = (seen * state["second.weight"][0]).sum((1, 2, 3)) + state["second.bias"][0]
    np.testing.assert_allclose(network(x).detach().numpy(), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("pulse-reference", "width", 2),
        ("pulse-reference", "window", 8),
        ("pulse-cnn", "first", 6),
        ("pulse-cnn", "width", 4),
    ],
)
def test_an_even_width_is_refused_in_one_line(name, key, value):
    with pytest.raises(ValueError) as error:
        build_network(name, (3, 100), 100, {key: value})
    message = str(error.value)
    assert "\n" not in message
    for part in (name, repr(key), f"{value} is even"):
        assert part in message


@pytest.mark.parametrize(
    ("name", "arguments", "fragment"),
    [
        ("pulse-reference", {"filters": 0}, "'filters'"),
        ("pulse-reference", {"window": -1}, "'window'"),
        ("pulse-cnn", {"blocks": -1}, "'blocks'"),
        ("pulse-cnn", {"first": "7"}, "'first'"),
        ("pulse-rnn", {"cell": "rnn"}, "'cell'"),
        ("pulse-rnn", {"layers": 0}, "'layers'"),
    ],
)
def test_unusable_arguments_are_refused_in_one_line(name, arguments, fragment):
    with pytest.raises(ValueError) as error:
        build_network(name, (3, 100), 100, arguments)
    assert fragment in str(error.value)
    assert "\n" not in str(error.value)


def test_a_window_longer_than_the_trace_is_refused():
    assert build("pulse-reference", (3, 7)) is not None
    with pytest.raises(UserError, match="window 7 exceeds the 6 samples"):
        build("pulse-reference", (3, 6))


def test_the_convolutional_network_has_the_size_that_it_says():
    # First convolution; two blocks of two on 24 channels; mixing 2 x 24 to 48; two blocks of two on 48; output.
    parts = [7 * 24 + 24, 4 * (5 * 24 * 24 + 24), 48 * 48 + 48, 4 * (5 * 48 * 48 + 48), 48 * 3 + 3]
    assert sum(parts) == 60_579
    assert count_parameters(build("pulse-cnn")) == 60_579


def test_the_size_of_the_convolutional_network_does_not_depend_on_the_traces():
    assert count_parameters(build("pulse-cnn", (7, 40))) == 60_579


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0], [1, 2, 0]])
def test_the_convolutional_network_does_not_depend_on_the_order_of_the_traces(order):
    network, inputs = build("pulse-cnn"), waves(2)
    torch.testing.assert_close(network(inputs[:, order]), network(inputs), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(inputs.flip(2)), network(inputs), atol=1e-3)


def test_the_convolutional_network_can_tell_a_coincidence_from_pulses_apart():
    network = build("pulse-cnn")
    apart = torch.zeros(1, 3, 100)
    for trace, place in enumerate((30, 50, 70)):
        apart[0, trace, place] = 1
    together = torch.zeros(1, 3, 100)
    together[0, :, 50] = 1
    assert not torch.allclose(network(apart)[0, 50], network(together)[0, 50], atol=1e-4)


def test_far_from_the_ends_the_convolutional_network_moves_with_the_pulse():
    network, inputs = build("pulse-cnn", (2, 200)), torch.zeros(1, 2, 200)
    inputs[0, :, 95] = 1
    outputs, moved = network(inputs), network(inputs.roll(6, 2))
    torch.testing.assert_close(moved[:, 86:116], outputs[:, 80:110], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("cell", "gates"), [("gru", 3), ("lstm", 4)])
def test_a_recurrent_network_has_the_size_of_its_cells(cell, gates):
    # In each direction: gates x (inputs + hidden + two biases) per unit; the second layer sees both directions.
    first, second = (2 * gates * 48 * (inputs + 48 + 2) for inputs in (3, 96))
    assert count_parameters(build(cell)) == first + second + 96 * 3 + 3


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_recurrent_network_looks_both_ways(cell):
    network, inputs = build(cell, (2, 20)), waves(1, (2, 20))
    for place in (0, 19):
        other = inputs.clone()
        other[:, :, place] += 3
        assert not torch.allclose(network(other)[:, 10], network(inputs)[:, 10], atol=1e-6)
