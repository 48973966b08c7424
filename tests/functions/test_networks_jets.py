"""Networks of the taggers' ladder: published sizes, symmetries, small jets, and that they learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters
from jetpulse.models.particle_net import nearest
from jetpulse.training.steps import initialise
from toy_jets import random_jets
from toys import padded

CONSTITUENTS = {
    "particle-flow": {"particle": [16, 24], "hidden": [12]},
    "energy-flow": {"particle": [16, 24], "hidden": [12], "energy_flow": True},
    "particle-net": {"neighbours": 4, "widths": [8, 12], "hidden": 10},
    "lorentz-net": {"width": 12, "blocks": 2},
    "particle-transformer": {"width": 8, "heads": 2, "blocks": 2, "pair_width": 4},
}
IMAGES = {
    "jet-resnet": {"widths": [8, 16], "blocks": [1, 2]},
    "resnext": {"widths": [8, 16], "blocks": [1, 2], "bottleneck": True, "groups": 2, "pool": True},
}
FILES = {"energy-flow": "particle-flow", "resnext": "jet-resnet"}
RESNEXT_50 = {
    "stem": 64,
    "kernel": 7,
    "pool": True,
    "widths": [64, 128, 256, 512],
    "blocks": [3, 4, 6, 3],
    "bottleneck": True,
    "groups": 32,
}


def build(name: str, **arguments) -> nn.Module:
    torch.manual_seed(1)
    small = (CONSTITUENTS | IMAGES)[name]
    shape = (20, 20) if name in IMAGES else (4,)
    return build_network(FILES.get(name, name), shape, 2, small | arguments).eval()


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    ("name", "arguments", "published", "differences"),
    [
        # Four more features of each constituent than the share, eta and phi.
        ("particle-flow", {}, 82_458, 4 * 100),
        # Two features of each constituent, not three.
        ("particle-flow", {"energy_flow": True}, 82_458, -100),
        # Biases of first layers and of shortcuts; no normalisation of the seven features.
        ("particle-net", {}, 26_416, 2 * (32 + 64) - 14),
        ("particle-net", {"neighbours": 16, "widths": [64, 128, 256], "hidden": 256}, 366_160, 2 * 448 - 14),
        # A bias in every block.
        ("lorentz-net", {"width": 72, "blocks": 6}, 224_072, 6 * 72),
        # Without beams there is one scalar, not two, for the embedding and for every block.
        ("lorentz-net", {"width": 72, "blocks": 6, "beams": False}, 224_072, 6 * 72 - 7 * 72),
        # The first stage has no convolution in its shortcut.
        ("jet-resnet", RESNEXT_50, 1_457_314, -(64 * 64 + 2 * 64)),
    ],
)
def test_networks_have_the_published_sizes(name, arguments, published, differences):
    assert count_parameters(build_network(name, (40, 40), 2, arguments)) == published + differences
    assert abs(differences) < 0.01 * published


def test_the_size_of_the_small_residual_network():
    # First convolution; blocks of 16, 32 and 64 channels, the last two with a shortcut of their own; output.
    normalised = 25 * 16 + 2 * 16, 2 * (9 * 16 * 16 + 2 * 16)
    halving = (9 * a * 2 * a + 9 * 4 * a * a + 2 * a * a + 3 * 2 * 2 * a for a in (16, 32))
    assert count_parameters(build_network("jet-resnet", (40, 40), 2, {})) == sum((*normalised, *halving)) + 64 * 2 + 2


@pytest.mark.parametrize("name", CONSTITUENTS)
@pytest.mark.parametrize("lengths", [[], [0], [1], [2], [0, 1, 2, 7], [3, 5]])
def test_small_jets_and_batches_give_finite_outputs_and_gradients(name, lengths):
    network = build(name).train()
    jets = [np.array([[9.0 - i, 0.1 * i, 0.2 - 0.1 * i * i] for i in range(n)]).reshape(-1, 3) for n in lengths]
    outputs = network(padded(jets))
    assert outputs.shape == (len(jets), 2)
    assert outputs.isfinite().all()
    outputs.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("name", [*CONSTITUENTS, *IMAGES])
def test_every_weight_is_learned(name):
    network = build(name).train()
    inputs = torch.rand(5, 20, 20) if name in IMAGES else padded(random_jets(2, 5))
    functional.cross_entropy(network(inputs), torch.tensor([0, 1, 0, 1, 1])).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("name", CONSTITUENTS)
@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_order_padding_neighbours_and_azimuth_do_not_matter(name, seed):
    network, jets = build(name), random_jets(seed, 4)
    plain = network(padded(jets))
    rng = np.random.default_rng(seed)
    close(network(padded([rng.permutation(jet) for jet in jets])), plain)
    close(network(padded(jets, 43)), plain)
    close(network(padded([jet + np.array([0, 0, rng.uniform(-3, 3)]) for jet in jets])), plain)
    close(torch.cat([network(padded([jet])) for jet in jets]), plain)


@pytest.mark.parametrize("name", ["particle-flow", "particle-net", "lorentz-net"])
def test_padding_does_not_matter_in_training(name):
    jets = random_jets(4, 4)
    gradients = []
    for longest in (30, 41):
        network = build(name, dropout=0.0).train()
        network(padded(jets, longest)).square().sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CONSTITUENTS)
def test_networks_see_the_hardest_constituents(name):
    jet = random_jets(3, 1, 30)[0]
    network = build(name, constituents=len(jet) // 2)
    swapped = np.concatenate([jet[: len(jet) // 2], jet[len(jet) // 2 :][::-1]])
    close(network(padded([swapped])), network(padded([jet])))
    changed = jet.copy()
    changed[0, 1] += 0.2
    assert not torch.allclose(network(padded([changed])), network(padded([jet])), atol=1e-6)


@pytest.mark.parametrize("name", [*CONSTITUENTS, *IMAGES])
def test_sixteen_bits_agree_with_32_bits(name):
    network = build(name)
    inputs = torch.rand(40, 20, 20) if name in IMAGES else padded(random_jets(2, 40))
    plain = network(inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(inputs).float()
    # A few units of the last of 8 bits, of outputs of order 1; a changed neighbour now and then.
    assert (rounded - plain).abs().median() < 0.01
    assert (rounded - plain).abs().max() < 0.15


@pytest.mark.parametrize("name", [*CONSTITUENTS, *IMAGES])
def test_the_same_training_gives_the_same_bytes(name):
    inputs = torch.rand(6, 20, 20) if name in IMAGES else padded(random_jets(2, 6))
    gradients = []
    for _ in range(2):
        network = build(name).train()
        torch.manual_seed(3)
        network(inputs).square().sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def prongs(n: int) -> tuple[list[np.ndarray], torch.Tensor]:
    """Return n narrow jets of the same multiplicity, every other one with two prongs."""
    rng = np.random.default_rng(7)
    label, jets = torch.arange(n) % 2, []
    for two in label.tolist():
        place = rng.normal(0, 0.03, (12, 2))
        place[::2, 1] += 0.5 * two
        axis = np.array([rng.uniform(-1, 1), rng.uniform(-3, 3)])
        jets.append(np.column_stack([np.sort(rng.exponential(20.0, 12) + 1)[::-1], place + axis]))
    return jets, label


@pytest.mark.parametrize("name", CONSTITUENTS)
def test_networks_of_constituents_learn_to_tell_two_prongs_from_one(name):
    jets, label = prongs(80)
    assert learns(build(name, dropout=0.0), padded(jets), label)


@pytest.mark.parametrize("name", IMAGES)
def test_networks_of_images_learn_to_tell_two_spots_from_one(name):
    rng = np.random.default_rng(7)
    images, label = torch.zeros(160, 20, 20), torch.arange(160) % 2
    for image, two in zip(images, label.tolist(), strict=True):
        for row in (5, 14)[: 1 + two]:
            image[row + rng.integers(-2, 3), rng.integers(3, 17)] = 1 / (1 + two)
    assert learns(build(name), images, label)


def learns(network: nn.Module, inputs: torch.Tensor, label: torch.Tensor) -> bool:
    """Return whether forty steps halve the loss on other entries twice."""
    initialise(network, "glorot")
    optimiser = torch.optim.Adam(network.train().parameters(), lr=0.01)
    train, test = slice(0, len(label) // 2), slice(len(label) // 2, None)
    for _ in range(40):
        optimiser.zero_grad()
        functional.cross_entropy(network(inputs[train]), label[train]).backward()
        optimiser.step()
    return functional.cross_entropy(network.eval()(inputs[test]), label[test]).item() < np.log(2) / 4


def split(jet: np.ndarray, place: int, share: float) -> np.ndarray:
    """Return a jet (pT, eta, phi) with one constituent in two parts of the same direction."""
    parts = np.concatenate([jet, jet[place : place + 1]])
    parts[place, 0] *= share
    parts[-1, 0] *= 1 - share
    return parts


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_soft_emissions_and_collinear_splittings_leave_the_energy_flow_network_alone(seed, share):
    network, jet = build("energy-flow"), random_jets(seed, 1)[0]
    plain = network(padded([jet]))
    close(network(padded([split(jet, seed % len(jet), share)])), plain)
    close(network(padded([np.concatenate([jet, [[1e-6, jet[0, 1] + 0.5, jet[0, 2] - 0.4]]])])), plain)


def test_the_particle_flow_network_sees_soft_emissions_and_collinear_splittings():
    network, jet = build("particle-flow"), random_jets(5, 1)[0]
    plain = network(padded([jet]))
    assert (network(padded([split(jet, 0, 0.5)])) - plain).abs().max() > 1e-3
    soft = np.concatenate([jet, [[0.1, jet[0, 1] + 0.5, jet[0, 2]]]])
    assert (network(padded([soft])) - plain).abs().max() > 1e-3


def test_the_energy_flow_network_by_hand():
    network = build("energy-flow", particle=[1], hidden=[])
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    with torch.no_grad():
        layers[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        layers[0].bias.fill_(2.0)
        layers[1].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layers[1].bias.zero_()
    axis = math.asinh((30 * math.sinh(0.1) - 10 * math.sinh(0.1)) / 40)
    expected = 0.75 * (2 + 0.1 - axis) + 0.25 * (2 - 0.1 - axis)
    outputs = network(padded([[(30.0, 0.1, 1.0), (10.0, -0.1, 1.0)]], 4))
    np.testing.assert_allclose(outputs.detach().numpy(), [[expected, -expected]], rtol=1e-5)


def test_nearest_neighbours_by_hand():
    points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [3.5, 0.0]], [[5.0, 1.0], [5.0, 2.0], [0, 0], [0, 0]]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    index, there = nearest(points, mask, 2)
    assert [sorted(row) for row in index[0].tolist()] == [[1, 2], [0, 2], [1, 3], [1, 2]]
    assert index[0, :, 0].tolist() == [1, 0, 3, 2]
    assert there[0].all()
    # In the second jet everyone has one neighbour; places count on.
    assert index[1, :2, 0].tolist() == [5, 4]
    assert there[1, :2].tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"widths": [8, 16]}, "2 widths and 3 blocks"),
        ({"widths": [8, 12, 16], "groups": 8}, "12 channels of a 3 x 3 convolution do not make 8 groups"),
        ({"widths": [8, 9, 16], "bottleneck": True}, "9 is odd"),
    ],
)
def test_stages_that_do_not_fit_are_refused_in_one_line(arguments, fragment):
    with pytest.raises(UserError, match=fragment) as error:
        build_network("jet-resnet", (40, 40), 2, arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (40, 37)])
@pytest.mark.parametrize("arguments", [{}, {"pool": True, "kernel": 7}])
def test_the_residual_network_takes_images_of_any_size(shape, arguments):
    network = build_network("jet-resnet", shape, 3, arguments)
    assert network(torch.rand(2, *shape)).shape == (2, 3)


def test_every_stage_after_the_first_halves_the_image():
    network = build_network("jet-resnet", (40, 40), 2, {})
    assert network.layers(torch.rand(1, 1, 40, 40)).shape == (1, 64, 5, 5)
