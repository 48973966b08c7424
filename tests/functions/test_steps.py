"""One step of training by hand: learning rate, clipping, running mean; how many steps there are."""

import math

import pytest
import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.training.inputs import Inputs
from jetpulse.training.loop import Trained, evaluate_network, train_network
from jetpulse.training.objectives import Batch, Objective
from jetpulse.training.objectives.base import sums
from jetpulse.training.objectives.classification import Classification
from jetpulse.training.steps import Stepper, learning_rate
from toys import CLASSIFICATION, builder, experiment, load_both, weight_bytes, write_images


class Plain(Objective):
    """The loss is the mean output."""

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        loss = network(batch.features).mean()
        return loss, sums(loss, len(batch))


class Counting(Classification):
    """Remembers how many entries every step of training saw."""

    def __init__(self) -> None:
        self.seen = []

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen.extend([len(batch)] * network.training)
        return super().loss(network, batch, turn)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> tuple[Inputs, Inputs]:
    return load_both(write_images(tmp_path_factory.mktemp("toys") / "images.h5"))


def train(inputs: tuple[Inputs, Inputs | None], objective: Objective = CLASSIFICATION, **training) -> Trained:
    spec = experiment(training)
    return train_network(builder(spec), objective, spec.training, 1, *inputs)


def linear(weight: list[float]) -> nn.Module:
    network = nn.Linear(len(weight), 1, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([weight]))
    return network


def stepper(weight: list[float], **settings) -> Stepper:
    training = Training(**({"optimiser": "sgd", "learning_rate": 1.0} | settings))
    return Stepper(linear(weight), Plain(), training, entries=50)


def test_a_constant_learning_rate_is_constant():
    assert [learning_rate(Training(learning_rate=0.3), step, 10) for step in (0, 5, 9)] == [0.3] * 3


def test_a_cosine_falls_from_the_learning_rate_to_zero():
    training = Training(learning_rate=0.4, schedule="cosine")
    # 0.2 (1 + cos(pi step / 6)) at angles of 0, 60, 90, 120 degrees, and what would come after the last step.
    found = [learning_rate(training, step, 6) for step in (0, 2, 3, 4, 6)]
    assert found == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0], abs=1e-15)


def test_the_warm_up_is_a_straight_line():
    training = Training(learning_rate=0.4, warmup=3)
    assert [learning_rate(training, step, 10) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_the_warm_up_multiplies_the_cosine():
    training = Training(learning_rate=0.4, warmup=3, schedule="cosine")
    assert learning_rate(training, 2, 6) == pytest.approx(0.75 * 0.3)


def test_an_exponential_falls_to_a_hundredth():
    training = Training(learning_rate=0.4, schedule="exponential")
    assert [learning_rate(training, step, 8) for step in (0, 4, 8)] == pytest.approx([0.4, 0.04, 0.004])


def test_one_cycle_rises_from_a_25th_and_falls_to_zero():
    training = Training(learning_rate=0.5, schedule="one-cycle")
    # The top after 30 of 100 steps; half-way up after 15, half-way down after 65.
    found = [learning_rate(training, step, 100) for step in (0, 15, 30, 65, 100)]
    assert found == pytest.approx([0.02, 0.26, 0.5, 0.25, 0.0], abs=1e-15)


def test_an_l1_penalty_pulls_weights_to_zero_by_their_signs():
    made = stepper([2.0, -3.0, 0.0], l1=0.25)
    made.step(Batch(torch.zeros(2, 3), {}), 0)
    assert made.network.weight[0].tolist() == [1.75, -2.75, 0.0]


def test_l1_and_weight_decay_are_an_elastic_net():
    made = stepper([2.0, -4.0], l1=0.25, weight_decay=0.125)
    made.step(Batch(torch.tensor([[1.0, 1.0]]), {}), 0)
    # The gradients are 1 of the loss, 0.25 times the sign, and 0.125 times the weight.
    assert made.network.weight[0].tolist() == [2 - 1 - 0.25 - 0.25, -4 - 1 + 0.25 + 0.5]


def test_an_l1_penalty_is_part_of_the_gradient_that_is_clipped():
    made = stepper([1.0, 1.0], l1=1.0, clip=1.0)
    made.step(Batch(torch.tensor([[2.0, 3.0]]), {}), 0)  # the gradient is (3, 4)
    assert made.network.weight[0].tolist() == pytest.approx([0.4, 0.2], abs=1e-5)


def test_an_l1_penalty_pulls_only_what_moves_in_a_turn():
    class Alternating(Plain):
        turns = ("0", "1")

    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    nn.init.constant_(network[0].weight, 2.0)
    nn.init.constant_(network[1].weight, 4.0)
    training = Training(optimiser="sgd", learning_rate=1.0, l1=0.5)
    made = Stepper(network, Alternating(), training, entries=50)
    made.step(Batch(torch.zeros(1, 1), {}), 0)
    assert (network[0].weight.item(), network[1].weight.item()) == (1.5, 3.5)


def test_a_step_uses_the_learning_rate_of_its_number():
    made = stepper([0.0], schedule="cosine", steps=6)
    batch, found = Batch(torch.ones(2, 1), {}), []
    for number in range(4):
        before = made.network.weight.item()
        made.step(batch, number)
        found.append(before - made.network.weight.item())  # the gradient is 1
    expected = [0.5 * (1 + math.cos(math.pi * number / 6)) for number in range(4)]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("clip", "change"), [(1.0, (0.6, 0.8)), (2.5, (1.5, 2.0)), (5.1, (3.0, 4.0)), (None, (3, 4))])
def test_a_gradient_longer_than_clip_is_shortened_to_it(clip, change):
    made = stepper([0.0, 0.0], clip=clip)
    made.step(Batch(torch.tensor([[3.0, 4.0]]), {}), 0)
    assert made.network.weight[0].tolist() == pytest.approx([-x for x in change], abs=1e-5)


def test_the_running_mean_by_hand():
    made = stepper([0.0], average=0.15)
    batch, found = Batch(torch.ones(1, 1), {}), []
    for number in range(3):
        made.step(batch, number)
        found.append(made.averaged.weight.item())
    assert made.network.weight.item() == -3.0
    # Kept are 1/10, then 0.15, because 2/11 is more; the weights are -1, -2, -3.
    first = -0.9
    second = 0.15 * first - 0.85 * 2
    assert found == pytest.approx([first, second, 0.15 * second - 0.85 * 3], abs=1e-6)


def test_without_a_running_mean_the_network_itself_counts():
    made = stepper([0.0])
    assert made.averaged is made.network
    assert list(made.modules()) == ["network"]


def test_the_running_mean_takes_over_buffers():
    network = nn.BatchNorm1d(1)
    made = Stepper(network, Plain(), Training(average=0.9), entries=4)
    network.train()
    made.step(Batch(torch.tensor([[3.0], [5.0]]), {}), 0)
    assert torch.equal(made.averaged.running_mean, network.running_mean)
    assert network.running_mean.item() == pytest.approx(0.4)


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_the_memory_of_the_optimiser_is_the_one_asked_for(optimiser):
    made = stepper([0.0], optimiser=optimiser, betas=[0.5, 0.9])
    assert made.optimisers[""][""].param_groups[0]["betas"] == (0.5, 0.9)


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        (10, [16, 16, 16, 12, 16, 16, 16, 12, 16, 16]),
        (8, [16, 16, 16, 12] * 2),
        (3, [16, 16, 16]),
        (1, [16]),
    ],
)
def test_steps_count_in_place_of_epochs_and_the_last_epoch_may_be_a_part(inputs, steps, seen):
    objective = Counting()
    trained = train(inputs, objective, steps=steps, epochs=1)
    assert objective.seen == seen
    assert len(trained.history) == -(-steps // 4)


def test_a_part_of_an_epoch_is_averaged_over_the_entries_that_it_showed(inputs):
    # A learning rate too small to change a weight: the loss is that of the untrained network.
    spec = experiment({"optimiser": "sgd", "learning_rate": 1e-30, "steps": 1, "batch": 60}, dropout=0.0)
    whole = train_network(builder(spec), CLASSIFICATION, spec.training, 1, *inputs).history[0]
    parts = []
    for steps in (1, 2, 3, 4):
        settings = {"optimiser": "sgd", "learning_rate": 1e-30, "steps": steps, "batch": 15}
        spec = experiment(settings, dropout=0.0)
        parts.append(train_network(builder(spec), CLASSIFICATION, spec.training, 1, *inputs).history[0]["train_loss"])
    assert parts[3] == pytest.approx(whole["train_loss"], rel=1e-6)
    assert all(0.3 < part < 3 for part in parts)
    assert len(set(parts)) == 4


def test_early_stopping_counts_epochs_also_when_there_are_steps(inputs):
    trained = train(inputs, steps=4 * 50, patience=2, learning_rate=0.5)
    assert len(trained.history) == trained.best_epoch + 2 < 50


def test_the_running_mean_is_what_is_validated_and_returned(inputs):
    plain, averaged = train(inputs, learning_rate=0.05), train(inputs, learning_rate=0.05, average=0.9)
    for one, other in zip(plain.history, averaged.history, strict=True):
        assert one["train_loss"] == other["train_loss"]
        assert one["val_loss"] != other["val_loss"]
    assert weight_bytes(plain.weights) != weight_bytes(averaged.weights)
    assert plain.weights.keys() == averaged.weights.keys()


def test_sixteen_bits_are_for_the_network_and_not_for_its_weights(inputs):
    full, half = train(inputs), train(inputs, precision="bfloat16")
    assert {tensor.dtype for tensor in half.weights.values()} == {torch.float32}
    for one, other in zip(full.history, half.history, strict=True):
        assert other["val_loss"] == pytest.approx(one["val_loss"], rel=0.02)
        assert other["val_loss"] != one["val_loss"]


def test_validation_uses_sixteen_bits_when_training_does(inputs):
    network = builder(experiment())()
    full, half = (evaluate_network(network, CLASSIFICATION, inputs[1], 1, kind) for kind in ("float32", "bfloat16"))
    assert half["loss"] == pytest.approx(full["loss"], rel=0.02)
    assert half["loss"] != full["loss"]


@pytest.mark.parametrize("patience", [None, 1])
def test_without_a_validation_split_the_last_weights_are_kept(inputs, patience):
    trained = train((inputs[0], None), patience=patience, learning_rate=0.3)
    assert weight_bytes(trained.weights) == weight_bytes(train(inputs, learning_rate=0.3).weights)
    assert trained.best_epoch == len(trained.history) == 5
    assert list(trained.history[0]) == ["epoch", "train_loss", "train_accuracy"]


def test_entries_that_are_made_for_every_epoch_are_asked_for_once_each(inputs):
    asked = []

    def make(epoch: int) -> Inputs:
        asked.append(epoch)
        return inputs[0]

    spec = experiment()
    made = train_network(builder(spec), CLASSIFICATION, spec.training, 1, make, inputs[1])
    assert asked == [0, 1, 2, 3, 4]
    assert weight_bytes(made.weights) == weight_bytes(train(inputs).weights)
