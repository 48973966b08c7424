"""Networks for spectra: sizes, by hand, what comes back has the input's shape."""

import math

import pytest
import torch
from torch import nn

from jetpulse.models import build_network, count_parameters
from jetpulse.training.steps import initialise


def build(name: str, shape: tuple[int, ...] = (500,), **arguments) -> nn.Module:
    torch.manual_seed(1)
    return build_network(name, shape, 0, arguments).eval()


def fill(network: nn.Module, **values: list) -> nn.Module:
    """Set the weights; names have underscores for dots."""
    network.load_state_dict({name.replace("_", "."): torch.tensor(value) for name, value in values.items()})
    return network


def test_the_reference_autoencoder_has_4526_parameters():
    # 500 - 4 - 2 - 4 - 500 with biases.
    assert (500 * 4 + 4) + (4 * 2 + 2) + (2 * 4 + 4) + (4 * 500 + 500) == 4526
    network = build("autoencoder")
    assert count_parameters(network) == 4526
    kinds = [type(layer).__name__ for part in (network.encoder, network.decoder) for layer in part]
    assert kinds == ["Linear", "Softsign", "Linear"] * 2


@pytest.mark.parametrize(
    ("activation", "value"),
    [
        ("softsign", 3 / 4),
        ("tanh", math.tanh(3)),
        ("sigmoid", 1 / (1 + math.exp(-3))),
        ("relu", 3.0),
        ("gelu", 3 * 0.5 * (1 + math.erf(3 / math.sqrt(2)))),
    ],
)
def test_the_autoencoder_by_hand(activation, value):
    network = fill(
        build("autoencoder", (2,), hidden=[1], latent=1, activation=activation),
        encoder_0_weight=[[1.0, 2.0]],
        encoder_0_bias=[-2.0],
        encoder_2_weight=[[2.0]],
        encoder_2_bias=[0.5],
        decoder_0_weight=[[0.0]],
        decoder_0_bias=[3.0],
        decoder_2_weight=[[1.0], [-1.0]],
        decoder_2_bias=[10.0, 20.0],
    )
    latent = network.encode(torch.tensor([[1.0, 2.0]]))  # 1 + 4 - 2 = 3 before the activation
    assert latent.tolist() == [[pytest.approx(2 * value + 0.5)]]
    assert network.decode(latent).tolist() == [[pytest.approx(10 + value), pytest.approx(20 - value)]]


@pytest.mark.parametrize("batch", [0, 1, 2])
@pytest.mark.parametrize("shape", [(7,), (2, 5)])
def test_what_comes_back_has_the_shape_of_the_input(batch, shape):
    inputs = torch.rand(batch, *shape)
    auto = build("autoencoder", shape, hidden=[4, 3], latent=2)
    assert auto.encode(inputs).shape == (batch, 2)
    assert auto.decode(auto.encode(inputs)).shape == inputs.shape
    vae = build("vae", shape, hidden=[4], latent=3)
    mean, log_sigma = vae.encode(inputs)
    assert mean.shape == log_sigma.shape == (batch, 3)
    assert vae.decode(mean).shape == inputs.shape
    gan = build("gan", shape, latent=3)
    assert gan.generate(torch.rand(batch, 3)).shape == inputs.shape
    assert gan.judge(inputs).shape == (batch,)


def test_the_variational_autoencoder_is_linear_unless_it_is_given_hidden_layers():
    assert count_parameters(build("vae")) == (500 * 4 + 4) + (2 * 500 + 500)
    assert count_parameters(build("vae", hidden=[8])) == (500 * 8 + 8) + (8 * 4 + 4) + (2 * 8 + 8) + (8 * 500 + 500)
    network = build("vae", (6,))
    x, y = torch.rand(2, 1, 6)
    mean, both = network.encode(x)[0], network.encode((x + y) / 2)[0]
    torch.testing.assert_close(both, (mean + network.encode(y)[0]) / 2)


def test_the_first_half_of_the_encoders_output_is_the_mean():
    network = build("vae", (1,), latent=2)
    network = fill(
        network,
        encoder_0_weight=[[0.0]] * 4,
        encoder_0_bias=[1.0, 2.0, 3.0, 4.0],
        decoder_0_weight=[[0.0, 0.0]],
        decoder_0_bias=[0.0],
    )
    mean, log_sigma = network.encode(torch.zeros(1, 1))
    assert (mean.tolist(), log_sigma.tolist()) == ([[1, 2]], [[3, 4]])


def test_the_generator_mixes_the_parts_that_are_present():
    network = build("gan", (5,), latent=2, parts=3)
    torch.manual_seed(3)
    amplitude, probability, present = network.generator.amplitudes(torch.randn(200, 2))
    assert (amplitude > 0).all()
    assert ((probability > 0.02) & (probability < 0.98)).all()
    assert set(present.unique().tolist()) == {0.0, 1.0}
    torch.manual_seed(3)
    generated = network.generate(torch.randn(200, 2))
    generator = network.generator
    torch.testing.assert_close(generated, (amplitude * present) @ generator.shapes.T + generator.baseline)


@pytest.mark.parametrize("scheme", ["glorot", "he", "torch"])
def test_parts_start_as_additions_to_an_entry_below_the_mean(scheme):
    network = build("gan", (5,), parts=3)
    initialise(network, scheme)
    assert (network.generator.shapes >= 0).all()
    assert network.generator.baseline.tolist() == [-1] * 5


def test_parts_are_present_as_often_as_their_probability_says():
    network = build("gan", (5,), latent=2, parts=2)
    torch.manual_seed(3)
    _, probability, present = network.generator.amplitudes(torch.randn(20_000, 2))
    # Four standard errors of a fraction.
    assert present.mean(0).tolist() == pytest.approx(probability.mean(0).tolist(), abs=4 * 0.5 / 20_000**0.5)


def test_the_average_over_one_part_is_that_of_many_draws():
    network = build("gan", (2,), latent=1, parts=2)
    latent = torch.zeros(40_000, 1)
    torch.manual_seed(4)
    drawn = network.generate(latent).sin().sum(1)
    averaged = network.expected(latent, lambda entries: entries.sin().sum(1))
    error = (drawn.std() / 40_000**0.5).item()
    assert averaged.mean().item() == pytest.approx(drawn.mean().item(), abs=6 * error)
    assert averaged.std() < drawn.std()


def test_the_probabilities_learn_from_the_average():
    network = build("gan", (1,), latent=1, parts=1, hidden=[])
    network.expected(torch.ones(100, 1), lambda entries: entries[:, 0]).mean().backward()
    amplitude, logit = network.generator.describe[0].weight.grad[:, 0].tolist()
    assert amplitude != 0
    assert logit != 0


def test_the_sizes_of_generator_and_discriminator():
    network = build("gan", (10,), latent=2, hidden=[3], parts=4, critic=[6])
    assert count_parameters(network.generator) == (2 * 3 + 3) + (3 * 8 + 8) + (4 * 10 + 10)
    assert count_parameters(network.discriminator) == (10 * 6 + 6) + (6 + 1)
    assert count_parameters(network) == count_parameters(network.generator) + count_parameters(network.discriminator)


def test_without_hidden_layers_the_discriminator_is_linear():
    network = build("gan", (2,), critic=[])
    network.discriminator[0].load_state_dict({"weight": torch.tensor([[2.0, -1.0]]), "bias": torch.tensor([0.5])})
    assert network.judge(torch.tensor([[1.0, 3.0]])).tolist() == [-0.5]


@pytest.mark.parametrize(
    ("name", "arguments", "fragment"),
    [
        ("autoencoder", {"activation": "elu"}, "'activation'"),
        ("autoencoder", {"latent": 0}, "'latent'"),
        ("autoencoder", {"hidden": [4, 0]}, "'hidden.1'"),
        ("vae", {"sigma": 0.0}, "'sigma'"),
        ("vae", {"sigma": -1.0}, "'sigma'"),
        ("gan", {"penalty": -0.1}, "'penalty'"),
        ("gan", {"parts": 0}, "'parts'"),
    ],
)
def test_unusable_arguments_are_refused_in_one_line(name, arguments, fragment):
    with pytest.raises(ValueError) as error:
        build(name, **arguments)
    assert fragment in str(error.value)
    assert "\n" not in str(error.value)
