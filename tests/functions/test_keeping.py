"""Trainings that fail keep their last good checkpoint, say so in one line, and go on from it."""

import math

import pytest
import torch

from jetpulse.errors import UserError
from jetpulse.training import loop
from jetpulse.training.inputs import Inputs
from jetpulse.training.loop import Trained, train_network
from jetpulse.training.objectives.classification import Classification
from toy_jets import assert_one_line
from toys import CLASSIFICATION, builder, experiment, load_both, weight_bytes, write_images


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> tuple[Inputs, Inputs]:
    return load_both(write_images(tmp_path_factory.mktemp("toys") / "images.h5"))


@pytest.fixture(params=[0.0, 1e-9], ids=["every step", "every epoch"], autouse=True)
def often(request, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", request.param)
    monkeypatch.setattr("jetpulse.training.keeping._LONG", math.inf if request.param else 1)


class Failing(Classification):
    """Does something in one step of the training."""

    def __init__(self, step: int, action) -> None:
        self.left, self.action = step, action

    def loss(self, network, batch, turn):
        self.left -= network.training
        loss, sums = super().loss(network, batch, turn)
        return self.action(loss, sums) if self.left == 0 and network.training else (loss, sums)


def exhaust(loss, sums):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nAnd more lines.")


def spoil_loss(loss, sums):
    return loss * math.nan, sums * math.nan


def spoil_gradient(loss, sums):
    return loss * math.inf, sums


def train(inputs, spec, objective=CLASSIFICATION, checkpoint=None) -> Trained:
    return train_network(builder(spec), objective, spec.training, 1, *inputs, checkpoint)


@pytest.mark.parametrize("settings", [{}, {"average": 0.9, "optimiser": "rmsprop", "momentum": 0.5}], ids=str)
@pytest.mark.parametrize(
    ("action", "said"),
    [
        (exhaust, ["epoch 3: the GPU's memory (", "is exhausted; lower training.batch"]),
        (spoil_loss, ["epoch 3: ", "learning_rate", "check the inputs"]),
        (spoil_gradient, ["epoch 3: ", "learning_rate", "check the inputs"]),
    ],
    ids=["memory", "loss", "gradient"],
)
@pytest.mark.parametrize("validated", [True, False])
def test_a_failed_training_keeps_its_checkpoint_and_goes_on_from_it(
    inputs, tmp_path, action, said, settings, validated
):
    spec, checkpoint = experiment(settings, dropout=0.4), tmp_path / "c.safetensors"
    splits = inputs if validated else (inputs[0], None)
    with pytest.raises(UserError) as error:
        train(splits, spec, Failing(10, action), checkpoint)
    assert_one_line(error, *said, f"the last checkpoint is kept: {checkpoint}")
    resumed, whole = train(splits, spec, checkpoint=checkpoint), train(splits, spec)
    assert weight_bytes(resumed.weights) == weight_bytes(whole.weights)
    assert resumed.history == whole.history


def test_a_training_that_fails_in_its_first_step_says_that_there_is_no_checkpoint(inputs, tmp_path):
    with pytest.raises(UserError) as error:
        train(inputs, experiment(), Failing(1, exhaust), tmp_path / "c.safetensors")
    assert_one_line(error, "epoch 1: the GPU's memory", "there is no checkpoint yet")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_are_not_taken_for_mistakes_of_the_user(inputs):
    def fail(loss, sums):
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        train(inputs, experiment(), Failing(2, fail))
