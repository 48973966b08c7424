"""Objectives: losses, metrics and predictions by hand."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from jetpulse.config import Training
from jetpulse.config.models import TASKS
from jetpulse.models import build_network
from jetpulse.training.loop import evaluate_network, predict_network
from jetpulse.training.objectives import Batch, Objective, load_objective
from jetpulse.training.objectives.adversarial import Adversarial, mean_logarithm
from jetpulse.training.steps import Stepper
from toys import BINS, CLASSIFICATION, builder, load_split, task_experiment, weight_bytes, write_spectra

RECONSTRUCTION, VARIATIONAL, ADVERSARIAL = map(load_objective, ("reconstruction", "variational", "adversarial"))


def filled(network: nn.Module, weight: float = 0.0, bias: float = 0.0) -> nn.Module:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(bias if name.endswith("bias") else weight)
    return network


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_config_has_an_objective(task):
    objective = load_objective(task)
    assert isinstance(objective, Objective)
    assert {*objective.restored, *objective.answers} <= set(objective.units)


def test_the_loss_of_a_classification_by_hand():
    # Logits of equal weight: ln 2; of odds 3 to 1: ln 4/3 for the right class, ln 4 for the wrong one.
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0], [math.log(3), 0.0]])
    batch = Batch(logits, {"label": torch.tensor([1, 0, 1])})
    network = nn.Identity()
    loss, watched = CLASSIFICATION.loss(network, batch, "")
    expected = math.log(2) + math.log(4 / 3) + math.log(4)
    assert loss.item() == pytest.approx(expected / 3)
    assert watched.tolist() == pytest.approx([expected, 1])
    assert CLASSIFICATION.predict(network, batch)["probability"][1].tolist() == pytest.approx([0.75, 0.25])
    assert CLASSIFICATION.check(network, batch) is None


def test_the_loss_of_a_reconstruction_by_hand():
    network = filled(build_network("autoencoder", (2,), 0, {"hidden": [], "latent": 1}), bias=1.0)
    batch = Batch(torch.tensor([[1.0, 4.0], [3.0, 1.0]]), {})  # always reconstructed as (1, 1)
    loss, watched = RECONSTRUCTION.loss(network, batch, "")
    assert loss.item() == pytest.approx((0 + 9 + 4 + 0) / 4)
    assert watched.tolist() == pytest.approx([2 * 13 / 4])
    predicted = RECONSTRUCTION.predict(network, batch)
    assert predicted["latent"].tolist() == [[1], [1]]
    assert predicted["reconstruction"].tolist() == [[1, 1], [1, 1]]


def posterior(mean: float, sigma: float, noise: float, slope: float = 0.0) -> nn.Module:
    """Return a VAE of one value with the same posterior for everything; it decodes z to slope z + 2."""
    network = filled(build_network("vae", (1,), 0, {"latent": 1, "sigma": noise}))
    with torch.no_grad():
        network.encoder[0].bias.copy_(torch.tensor([mean, math.log(sigma)]))
        network.decoder[0].weight.fill_(slope)
        network.decoder[0].bias.fill_(2.0)
    return network


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0])
def test_the_loss_of_a_variational_autoencoder_by_hand(noise):
    # Decoded is always 2, the inputs are 3 and 5; the posterior has mean 1 and sigma 2.
    batch = Batch(torch.tensor([[3.0], [5.0]]), {})
    loss, watched = VARIATIONAL.loss(posterior(1.0, 2.0, noise), batch, "")
    squares = (1 + 9) / (2 * noise**2)
    divergence = 0.5 * (1 + 4 - math.log(4) - 1)
    assert loss.item() == pytest.approx(squares / 2 + divergence, rel=1e-5)
    assert watched.tolist() == pytest.approx([squares + 2 * divergence, squares, 2 * divergence], rel=1e-5)


def test_a_posterior_that_is_the_prior_diverges_by_nothing():
    batch = Batch(torch.tensor([[2.0]]), {})
    assert VARIATIONAL.loss(posterior(0.0, 1.0, 1.0), batch, "")[1].tolist() == [0, 0, 0]


def test_what_is_decoded_is_a_draw_from_the_posterior():
    batch, network = Batch(torch.tensor([[3.0], [5.0]]), {}), posterior(1.0, 2.0, 1.0, slope=1.5)
    torch.manual_seed(4)
    drawn = 1 + 2 * torch.randn(2, 1)
    torch.manual_seed(4)
    _, watched = VARIATIONAL.loss(network, batch, "")
    expected = ((1.5 * drawn + 2 - batch.features) ** 2).sum().item() / 2
    assert watched[1].item() == pytest.approx(expected, rel=1e-6)


def test_the_gaussian_divergence_agrees_with_torch():
    rng = torch.Generator().manual_seed(1)
    mean, log_sigma = torch.randn(2, 50, 3, generator=rng)

    class Encodes(nn.Module):
        sigma = 1.0

        def encode(self, inputs):
            return mean, log_sigma

        def decode(self, latent):
            return torch.zeros(50, 1)

    _, watched = VARIATIONAL.loss(Encodes(), Batch(torch.zeros(50, 1), {}), "")
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, log_sigma.exp()), normal(0.0, 1.0)).sum()
    assert watched[2].item() == pytest.approx(expected.item(), rel=1e-5)


def test_predictions_of_a_variational_autoencoder():
    torch.manual_seed(1)
    predicted = VARIATIONAL.predict(posterior(1.0, 2.0, 1.0, slope=1.5), Batch(torch.zeros(4000, 1), {}))
    assert predicted["latent"].unique().tolist() == [1]
    assert predicted["latent_sigma"].unique().tolist() == pytest.approx([2])
    assert predicted["reconstruction"].unique().tolist() == [3.5]
    # Drawn from the prior, not from the posterior: mean 2 and deviation 1.5, within four standard errors.
    assert predicted["generated"].mean().item() == pytest.approx(2, abs=4 * 1.5 / 4000**0.5)
    assert predicted["generated"].std().item() == pytest.approx(1.5, abs=4 * 1.5 / 8000**0.5)


def linear_game(**weights: float) -> nn.Module:
    """Return a GAN on two values that generates (1, 1) and judges by 3 x - 4 y + 7."""
    network = filled(build_network("gan", (2,), 0, {"latent": 1, "critic": []} | weights))
    with torch.no_grad():
        network.generator.baseline.fill_(1.0)
        network.discriminator[0].weight.copy_(torch.tensor([[3.0, -4.0]]))
        network.discriminator[0].bias.fill_(7.0)
    return network


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


REAL = torch.tensor([[1.0, 1.0], [2.0, 1.0]])  # judged 6 and 9, generated ones 6


@pytest.mark.parametrize("penalty", [0.0, 0.1, 2.0])
def test_the_discriminators_loss_by_hand(penalty):
    loss, watched = ADVERSARIAL.loss(linear_game(penalty=penalty), Batch(REAL, {}), "discriminator")
    # The gradient is (3, -4) everywhere, half of its square counts.
    expected = softplus(6) + (softplus(-6) + softplus(-9)) / 2 + penalty * 25 / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert watched.shape == (2,)


@pytest.mark.parametrize("distance", [0.0, 3.0])
def test_the_generators_loss_by_hand(distance):
    torch.manual_seed(1)
    loss, watched = ADVERSARIAL.loss(linear_game(distance=distance), Batch(REAL, {}), "generator")
    at_it, apart = math.log(1e-3), math.log(1 + 1e-3)
    # Half of the real entries are where all generated ones are, half at a distance of 1.
    attraction, repulsion = (at_it + apart) / 2, at_it
    assert loss.item() == pytest.approx(softplus(-6) + distance * (attraction - repulsion), rel=1e-5)
    # Watched are the distance, with that of the real entries from one another, and how surprising generated ones are.
    assert watched[0].item() / 2 == pytest.approx(2 * attraction - repulsion - apart, abs=1e-5)
    assert watched[1].item() == pytest.approx(2 * softplus(-6), rel=1e-5)


def test_the_distance_alone_moves_the_generator_to_the_data():
    torch.manual_seed(1)
    network = build_network("gan", (2,), 0, {"latent": 2, "distance": 100.0})
    stepper = Stepper(network, ADVERSARIAL, Training(learning_rate=0.01, patience=None), entries=64)
    real = torch.tensor([[3.0, -2.0]]) + 0.1 * torch.randn(64, 2)
    distances = [stepper.step(Batch(real, {}), number)[0].item() for number in range(200)]
    assert distances[-1] < 0.1 * distances[0]


@pytest.mark.parametrize("turn", ["generator", "discriminator"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_turn_changes_its_own_part_alone(turn, precision):
    class OneTurn(Adversarial):
        turns = (turn,)

    torch.manual_seed(1)
    network = build_network("gan", (6,), 0, {"latent": 2})
    before = weight_bytes(network.state_dict())
    stepper = Stepper(network, OneTurn(), Training(precision=precision), entries=8)
    stepper.step(Batch(torch.rand(8, 6), {}), 0)
    after = weight_bytes(network.state_dict())
    changed = {name.split(".")[0] for name in before if before[name] != after[name]}
    assert changed == {turn}


def test_every_turn_clips_the_gradient_of_its_own_part():
    torch.manual_seed(1)
    network = build_network("gan", (6,), 0, {"latent": 2})
    before = copy.deepcopy(network)
    settings = Training(optimiser="sgd", learning_rate=1.0, clip=1e-3)
    Stepper(network, ADVERSARIAL, settings, entries=8).step(Batch(torch.rand(8, 6), {}), 0)
    for part in ("generator", "discriminator"):
        pairs = zip(network.get_submodule(part).parameters(), before.get_submodule(part).parameters(), strict=True)
        change = sum((now - then).square().sum().item() for now, then in pairs) ** 0.5
        assert change == pytest.approx(1e-3, rel=0.01)


def test_both_turns_are_taken_in_every_step():
    torch.manual_seed(1)
    network = build_network("gan", (6,), 0, {"latent": 2})
    before = weight_bytes(network.state_dict())
    stepper = Stepper(network, ADVERSARIAL, Training(), entries=8)
    stepper.step(Batch(torch.rand(8, 6), {}), 0)
    after = weight_bytes(network.state_dict())
    assert list(stepper.optimisers) == ["discriminator", "generator"]
    assert {name.split(".")[0] for name in before if before[name] != after[name]} == {"generator", "discriminator"}


def energy(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return twice the mean logarithm of the distances between samples, less those within each."""
    between, *within = (mean_logarithm(*pair).mean() for pair in ((first, second), (first, first), (second, second)))
    return (2 * between - sum(within)).item()


def test_logarithms_of_distances_by_hand():
    found = mean_logarithm(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [0.0, 4.0]]))
    expected = [[1e-3, 4.001], [5.001, 3.001]]
    assert found.tolist() == pytest.approx([sum(map(math.log, row)) / 2 for row in expected], rel=1e-5)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 5))
def test_the_energy_distance_is_zero_for_equal_samples_and_positive_for_others(seed, n, size):
    rng = torch.Generator().manual_seed(seed)
    sample, other = torch.randn(2, n, size, generator=rng)
    assert energy(sample, sample[torch.randperm(n, generator=rng)]) == pytest.approx(0, abs=1e-5)
    assert energy(sample, other) > 0


@pytest.mark.parametrize("beside", [0.2, 0.02, 0.005])
def test_what_lies_beside_a_line_is_drawn_to_it_as_strongly_from_near_as_from_far(beside):
    line = torch.stack([torch.linspace(-5, 5, 100_001), torch.zeros(100_001)], 1)
    place = torch.tensor([[0.0, beside]], requires_grad=True)
    mean_logarithm(place, line).sum().backward()
    assert place.grad[0, 1].item() == pytest.approx(math.pi / 10, rel=0.25)  # 2 pi times the density, by Gauss' law


@pytest.mark.parametrize("task", ["variational", "adversarial"])
def test_what_is_drawn_depends_on_the_seed_and_not_on_numbers_drawn_before(tmp_path, task):
    inputs = load_split(write_spectra(tmp_path / "s.h5"), "test", objective=load_objective(task))
    torch.manual_seed(1)
    network, objective = builder(task_experiment(task), (BINS,))(), load_objective(task)
    for parameter in network.parameters():
        parameter.data.mul_(1e-3)  # counts are large numbers for a network that expects normalised ones
    first = predict_network(network, objective, inputs, 1)["generated"]
    measured = evaluate_network(network, objective, inputs, 1)
    torch.rand(9)
    assert torch.equal(predict_network(network, objective, inputs, 1)["generated"], first)
    assert evaluate_network(network, objective, inputs, 1) == measured
    assert not torch.equal(predict_network(network, objective, inputs, 2)["generated"], first)
    assert evaluate_network(network, objective, inputs, 2) != measured
    assert first.shape == (20, BINS)
    assert np.isfinite(list(measured.values())).all()
