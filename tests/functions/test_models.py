from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional

from jetpulse import models
from jetpulse.config.models import TASKS
from jetpulse.config.networks import model_names, model_tasks
from jetpulse.config.types import Task
from jetpulse.models import build_network, count_parameters
from jetpulse.models.layers import SameConvolution

SHARED = {"__init__", "constituents", "kept_estimators", "layers"}
FILES = sorted(path.stem for path in Path(models.__file__).parent.glob("*.py") if path.stem not in SHARED)
CLASSIFIERS = [name for name in model_names() if "classification" in model_tasks(name)]


def convolutions(network):
    return [layer for layer in network.layers if isinstance(layer, SameConvolution)]


def test_the_reference_network_has_the_published_number_of_parameters():
    # 4x4x8+8, then three times 4x4x8x8+8; 20x20x8 inputs to 64, 64, 64, 2.
    assert 136 + 3 * 1032 + (3200 * 64 + 64) + 2 * (64 * 64 + 64) + (64 * 2 + 2) == 216_546
    assert count_parameters(build_network("jet-cnn", (40, 40), 2, {})) == 216_546


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("pixels", [6, 37, 41])
def test_same_padding_keeps_the_image_for_odd_and_even_kernels_and_sizes(kernel, pixels):
    network = build_network("jet-cnn", (pixels, pixels), 2, {"kernel": kernel, "filters": 2, "hidden": [3]})
    images = torch.rand(2, 1, pixels, pixels)
    first, *others = convolutions(network)
    assert len(others) == 3
    assert first(images).shape == (2, 2, pixels, pixels)
    assert others[0](first(images)).shape == (2, 2, pixels, pixels)
    assert network(images[:, 0]).shape == (2, 2)


def test_an_even_kernel_pads_one_more_row_behind_than_before():
    convolution = SameConvolution(1, 1, 4)
    with torch.no_grad():
        convolution.weight.zero_()[0, 0, 1, 1] = 1.0
        convolution.bias.zero_()
        image = torch.rand(1, 1, 6, 6)
        torch.testing.assert_close(convolution(image), image, rtol=0, atol=0)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("inputs", "filters", "columns", "paired"), [(8, 8, 6, True), (2, 3, 2, True), (8, 8, 5, False), (9, 8, 6, False)]
)
def test_pairs_of_columns_give_the_sums_and_gradients_of_a_plain_convolution(kernel, inputs, filters, columns, paired):
    torch.manual_seed(1)
    convolution = SameConvolution(inputs, filters, kernel).double()
    images = torch.randn(3, inputs, 7, columns, dtype=torch.float64, requires_grad=True)
    padding = (kernel - 1) // 2, kernel // 2, (kernel - 1) // 2, kernel // 2
    plain = functional.conv2d(functional.pad(images, padding), convolution.weight, convolution.bias)
    found = convolution(images)
    assert ("Paired" in found.grad_fn.name()) == paired
    parameters = [images, *convolution.parameters()]
    gradient = torch.randn_like(plain)
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(
        torch.autograd.grad(found, parameters, gradient), torch.autograd.grad(plain, parameters, gradient)
    )
    with torch.no_grad():
        torch.testing.assert_close(convolution(images), plain)


def test_images_that_are_not_square_are_convolved_too():
    network = build_network("jet-cnn", (10, 7), 3, {"filters": 2, "hidden": [4]})
    assert network(torch.rand(2, 10, 7)).shape == (2, 3)
    assert network.layers[-3].in_features == 2 * 5 * 3


def test_the_reference_network_without_hidden_layers_is_convolutions_and_one_dense_layer():
    network = build_network("jet-cnn", (8, 8), 2, {"filters": 2, "kernel": 3, "hidden": []})
    assert count_parameters(network) == (9 * 2 + 2) + 3 * (9 * 2 * 2 + 2) + (2 * 4 * 4 * 2 + 2)


@pytest.mark.parametrize(
    ("shape", "hidden", "widths"),
    [((40, 40), [128, 64, 64], [1600, 128, 64, 64, 3]), ((5, 7), [4], [35, 4, 3]), ((6,), [], [6, 3])],
)
def test_the_dense_network_has_the_layers_it_is_asked_for(shape, hidden, widths):
    network = build_network("dense", shape, 3, {"hidden": hidden})
    layers = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    assert [layers[0].in_features, *(layer.out_features for layer in layers)] == widths
    expected = sum(a * b + b for a, b in pairwise(widths))
    assert count_parameters(network) == expected
    assert network(torch.rand(4, *shape)).shape == (4, 3)


def test_the_dense_network_computes_relu_layers_by_hand():
    network = build_network("dense", (2,), 2, {"hidden": [2]}).eval()
    weights = {
        "layers.1.weight": [[1.0, 0.0], [0.0, -1.0]],
        "layers.1.bias": [0.5, 0.0],
        "layers.4.weight": [[2.0, 1.0], [0.0, 1.0]],
        "layers.4.bias": [0.0, -1.0],
    }
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    # Hidden values: relu(1 + 0.5), relu(-3) and relu(-2 + 0.5), relu(4).
    outputs = network(torch.tensor([[1.0, 3.0], [-2.0, -4.0]]))
    assert outputs.tolist() == [[3.0, -1.0], [4.0, 3.0]]


def test_dropout_acts_in_training_and_not_in_evaluation():
    network = build_network("dense", (50,), 2, {"hidden": [50], "dropout": 0.5})
    inputs = torch.rand(3, 50)
    assert torch.equal(network.eval()(inputs), network(inputs))
    network.train()
    assert not torch.equal(network(inputs), network(inputs))


def test_only_weights_that_are_trained_are_counted():
    network = nn.Linear(3, 2)
    network.bias.requires_grad = False
    assert count_parameters(network) == 6


def test_every_file_of_the_folder_is_a_network_of_the_list():
    assert model_names() == [name.replace("_", "-") for name in FILES]


@pytest.mark.parametrize("name", model_names())
def test_every_network_says_what_it_learns(name):
    assert model_tasks(name)
    assert set(model_tasks(name)) <= set(TASKS)
    assert model_tasks(name) == import_module(f"jetpulse.models.{name.replace('-', '_')}").TASKS


def test_every_task_needs_some_kind_of_dataset():
    assert set(TASKS) == set(get_args(Task))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_network(task):
    assert any(task in model_tasks(name) for name in model_names())


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_every_network_of_classes_runs_with_its_defaults(name, batch):
    torch.manual_seed(1)
    network = build_network(name, (40, 40), 2, {})
    for mode in (True, False):
        outputs = network.train(mode)(torch.rand(batch, 40, 40))
        assert outputs.shape == (batch, 2)
        assert torch.isfinite(outputs).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_an_entry_does_not_depend_on_its_neighbours_in_the_batch(name):
    torch.manual_seed(1)
    network = build_network(name, (40, 40), 2, {}).eval()
    images = torch.rand(3, 40, 40)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]))


@pytest.mark.parametrize(
    ("name", "arguments", "fragments"),
    [
        ("jet-cn", {}, ["'jet-cn'", "did you mean 'jet-cnn'?", "dense"]),
        ("__init__", {}, ["'__init__'", "there are"]),
        ("../errors", {}, ["no network"]),
        ("dense", {"depth": 3}, ["dense", "'depth'", "hidden, dropout, activation, one_logit"]),
        ("dense", {"dropout": 1.0}, ["'dropout'", "less than 1", "1.0"]),
        ("dense", {"hidden": [8, 0]}, ["'hidden.1'", "greater than or equal to 1"]),
        ("dense", {"hidden": "8"}, ["'hidden'", "'8'"]),
        ("jet-cnn", {"kernel": 4.5}, ["'kernel'", "4.5"]),
        ("jet-cnn", {"filters": 0}, ["'filters'"]),
    ],
)
def test_unknown_networks_and_arguments_are_refused(name, arguments, fragments):
    with pytest.raises(ValueError) as error:
        build_network(name, (8, 8), 2, arguments)
    for fragment in fragments:
        assert fragment in str(error.value)
    assert "\n" not in str(error.value)
