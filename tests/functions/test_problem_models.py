"""Networks of the small problems by hand: activations, one output for two classes, pictures of digits; Adagrad."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from jetpulse.config import Experiment, Training
from jetpulse.config.networks import check_model, fits_itself, model_input, model_tasks
from jetpulse.errors import UserError
from jetpulse.models import build_network, count_parameters
from jetpulse.training.steps import Stepper
from toys import CLASSIFICATION, specification

X = torch.tensor([[0.5, -2.0], [0.0, 3.0]])
BY_HAND = {
    "relu": lambda z: max(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "softsign": lambda z: z / (1 + abs(z)),
    "gelu": lambda z: 0.5 * z * (1 + math.erf(z / math.sqrt(2))),
}


def with_weights(network: nn.Module, *values: float) -> nn.Module:
    """Return a network with every layer's weights and biases set to one value each, layer by layer."""
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=True):
            parameter.fill_(value)
    return network.eval()


@pytest.mark.parametrize("activation", BY_HAND)
def test_dense_layers_have_the_activation_that_they_are_asked_for(activation):
    network = build_network("dense", (2,), 1, {"hidden": [3], "activation": activation})
    found = with_weights(network, 1.0, 0.25, 2.0, -1.0)(X)
    expected = [[3 * 2 * BY_HAND[activation](float(x.sum()) + 0.25) - 1] for x in X]
    assert found.tolist() == [pytest.approx(row, abs=1e-5) for row in expected]


def test_one_logit_is_that_of_class_1_and_17_parameters_of_2_4_1():
    network = build_network("dense", (2,), 2, {"hidden": [4], "activation": "sigmoid", "one_logit": True})
    assert count_parameters(network) == (2 * 4 + 4) + (4 + 1) == 17
    outputs = with_weights(network, 1.0, 0.0, 0.5, -1.0)(X)
    logits = [4 * 0.5 * BY_HAND["sigmoid"](float(x.sum())) - 1 for x in X]
    assert outputs[:, 0].tolist() == [0.0, 0.0]
    assert outputs[:, 1].tolist() == pytest.approx(logits)
    # Its cross-entropy is the binary one.
    label = torch.tensor([1, 0])
    binary = functional.binary_cross_entropy(torch.sigmoid(torch.tensor(logits)), label.float())
    assert functional.cross_entropy(outputs, label).item() == pytest.approx(binary.item(), rel=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_one_logit_of_other_classes_than_two_is_refused(outputs):
    with pytest.raises(UserError, match=f"dense: one_logit .* {outputs} outputs"):
        build_network("dense", (2,), outputs, {"one_logit": True})


def test_one_logit_is_refused_for_other_tasks_before_any_job_starts():
    text = "dense: argument 'one_logit': is for task 'classification', not for 'regression'"
    with pytest.raises(ValueError, match=text):
        Experiment.model_validate(specification(one_logit=True) | {"task": "regression"})
    assert check_model("dense", {"one_logit": True}, "classification")["one_logit"] is True
    assert check_model("dense", {}, "regression")["one_logit"] is False


def test_what_a_dense_network_was_before_it_is_by_default():
    torch.manual_seed(3)
    network = build_network("dense", (5,), 2, {"hidden": [4, 3]})
    torch.manual_seed(3)
    plain = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x = torch.randn(6, 5)
    assert torch.equal(network.eval()(x), plain(x))


def test_the_network_of_digits_has_the_published_number_of_parameters():
    # 3 x 3 kernels of 8 filters; 26 x 26 pixels remain, 13 x 13 after the pooling.
    assert (9 * 8 + 8) + (13 * 13 * 8 * 16 + 16) + (16 * 10 + 10) == 21_898
    assert count_parameters(build_network("digit-cnn", (28, 28), 10, {})) == 21_898


@pytest.mark.parametrize("shape", [(8, 8), (4, 4), (5, 9), (28, 28)])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_digits_of_many_sizes_are_read(shape, batch):
    network = build_network("digit-cnn", shape, 10, {"dropout": 0.5})
    assert network(torch.rand(batch, *shape)).shape == (batch, 10)


def test_digits_are_convolved_pooled_and_summed_by_hand():
    network = build_network("digit-cnn", (4, 4), 2, {"filters": 1, "hidden": 1})
    picture = torch.zeros(1, 4, 4)
    picture[0, 1, 1] = picture[0, 2, 3] = 1.0  # all four windows see the first, those on the right both
    assert with_weights(network, 1.0, -0.5, 2.0, 0.25, 1.0, 0.0)(picture).tolist() == [[3.25, 3.25]]


@pytest.mark.parametrize("shape", [(3, 8), (10,), (2, 5, 5)])
def test_what_is_no_picture_of_enough_pixels_is_refused(shape):
    with pytest.raises(
        UserError, match=r"digit-cnn: reads pictures of 4 x 4 pixels at least, found .* " + str(shape[-1])
    ):
        build_network("digit-cnn", shape, 10, {})


def test_what_networks_of_problems_say_of_themselves():
    known = {name: (model_tasks(name), model_input(name), fits_itself(name)) for name in ("linear", "digit-cnn")}
    assert known["linear"] == (("regression",), "arrays", True)
    assert known["digit-cnn"] == (("classification",), "images", False)
    assert {"classification", "regression"} <= set(model_tasks("dense"))
    assert (model_tasks("estimator"), fits_itself("estimator")) == (("classification", "regression"), True)


@pytest.mark.parametrize("start", [0.0, 0.1, 9.0])
def test_adagrad_begins_with_the_accumulator_that_it_is_given(start):
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    training = Training(optimiser="adagrad", learning_rate=0.5, initial_accumulator=start)
    made = Stepper(network, CLASSIFICATION, training, entries=50)
    found, expected, squares, weight = [], [], start, 0.0
    for gradient in (4.0, 3.0):
        made.network.weight.grad = torch.tensor([[gradient]])
        made.optimisers[""][""].step()
        squares += gradient**2
        weight -= 0.5 * gradient / math.sqrt(squares)
        found.append(made.network.weight.item())
        expected.append(weight)
    assert found == pytest.approx(expected, rel=1e-5)


def test_other_optimisers_have_no_accumulator():
    for optimiser in ("sgd", "rmsprop", "adam", "adamw"):
        made = Stepper(
            nn.Linear(1, 1), CLASSIFICATION, Training(optimiser=optimiser, initial_accumulator=0.1), entries=5
        )
        assert "initial_accumulator_value" not in made.optimisers[""][""].defaults
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Training(initial_accumulator=-0.1)


def test_circles_are_learned_by_17_parameters():
    rng = np.random.default_rng(1)
    label = np.arange(400) % 2
    radius, angle = np.where(label, 0.61, 2.01) + 0.1 * rng.normal(size=400), rng.uniform(0, 2 * np.pi, 400)
    x = torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32))
    torch.manual_seed(1)
    network = build_network("dense", (2,), 2, {"hidden": [4], "activation": "sigmoid", "one_logit": True})
    training = Training(optimiser="adagrad", learning_rate=0.5, initial_accumulator=0.1, steps=300, batch=400)
    made = Stepper(network, CLASSIFICATION, training, entries=400)
    for _ in range(300):
        network.zero_grad()
        functional.cross_entropy(network(x), torch.from_numpy(label)).backward()
        made.optimisers[""][""].step()
    assert (network(x).argmax(1).numpy() == label).mean() > 0.98
