"""The policy gradient: advantages by hand, its direction known, greedy courses that depend on the episode alone."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from jetpulse.config.streams import Stream
from jetpulse.models import build_network
from jetpulse.problems.trigger import generate_episodes, pulses_of, returns
from jetpulse.training.features import Dense
from jetpulse.training.inputs import Inputs
from jetpulse.training.loop import predict_network
from jetpulse.training.objectives import Batch, control
from toy_episodes import STREAM
from toys import CPU

OBJECTIVE = control.OBJECTIVE
# Three levels, of which a trigger begins at the middle one.
HAND = Stream(n=1, steps=2, target=4.0, rate=10.0, height=10.0, highest=20.0, levels=3)


class Constant(nn.Module):
    """A policy that does not look: logits of the actions."""

    def __init__(self, logits=(0.0, 0.0, 0.0), rollouts=2, discount=0.0, entropy=0.0):
        super().__init__()
        self.memory, self.rollouts, self.discount, self.entropy = 3, rollouts, discount, entropy
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, observations):
        assert observations.shape[1:] == (2 * self.memory,)
        return self.logits.expand(len(observations), 3)


def dataset(stream: Stream) -> str:
    return json.dumps({"kind": "problems", "source": {"stream": stream.model_dump()}})


def batch_of(stream: Stream, event: list[int]) -> Batch:
    rates = np.concatenate([generate_episodes(stream, number, 1) for number in event])
    return Batch(torch.from_numpy(rates), {"event": torch.tensor(event)}, dataset=dataset(stream))


def policy(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return build_network("policy", (12,), 3, {"memory": 3})


def test_advantages_by_hand():
    rewards = np.array([[1.0, 2.0], [3.0, 0.0]])
    # Discounted sums (2, 2) and (3, 0), less those of the other rollout, divided by their standard deviation.
    expected = np.array([[-1.0, 2.0], [1.0, -2.0]]) / math.sqrt(2.5)
    np.testing.assert_allclose(control.advantages(rewards, 2, 0.5), expected)
    # A second episode has a baseline of its own.
    both = control.advantages(np.concatenate([rewards, 5 + rewards]), 2, 0.5)
    np.testing.assert_allclose(both, np.concatenate([expected, expected]))


def test_equal_rollouts_have_no_advantage():
    np.testing.assert_array_equal(control.advantages(np.full((6, 4), -0.3), 3, 0.9), np.zeros((6, 4)))
    assert control.advantages(np.zeros((0, 4)), 3, 0.9).shape == (0, 4)


@given(arrays(float, (6, 3), elements=st.floats(-5, 0)), st.floats(0, 1))
def test_advantages_of_an_episode_add_up_to_nothing(rewards, discount):
    before = rewards.copy()
    found = control.advantages(rewards, 3, discount)
    np.testing.assert_allclose(found.reshape(2, 3, 3).sum(axis=1), 0, atol=1e-6)
    np.testing.assert_array_equal(rewards, before)


def test_the_gradient_is_that_of_the_expected_reward(monkeypatch):
    pulses = np.array([[9, 4, 1], [8, 2, 0]])
    monkeypatch.setattr(control, "draw_pulses", lambda stream, rates, rng: np.tile(pulses, (len(rates), 1, 1)))
    network = Constant((0.3, 0.0, -0.2))
    torch.manual_seed(1)
    batch = Batch(torch.zeros(20_000, 2), {"event": torch.arange(20_000)}, dataset=dataset(HAND))
    loss, _ = OBJECTIVE.loss(network, batch, "")
    loss.backward()
    logits = torch.tensor([0.3, 0.0, -0.2], dtype=torch.float64, requires_grad=True)
    probability = torch.softmax(logits, 0)
    reward = -(torch.from_numpy(pulses) - 4.0).abs() / 4
    expected = (probability * reward[0]).sum()  # from the middle, an action leads to the level of its number
    for level in range(3):  # without a discount an action counts for its own step alone
        reached = torch.tensor([max(level - 1, 0), level, min(level + 1, 2)])
        expected = expected + probability[level].detach() * (probability * reward[1][reached]).sum()
    expected.backward()
    found, wanted = -network.logits.grad.double(), logits.grad
    np.testing.assert_allclose(found / found.norm(), wanted / wanted.norm(), atol=0.03)


def test_undecided_actions_are_rewarded():
    # Without pulses all levels accept nothing: there is no advantage, and what is left is the entropy.
    batch = Batch(torch.zeros(4, 2), {"event": torch.arange(4)}, dataset=dataset(HAND))
    loss, watched = OBJECTIVE.loss(Constant(entropy=0.5), batch, "")
    assert loss.item() == pytest.approx(-0.5 * math.log(3))
    np.testing.assert_allclose(watched, [4 * 1.0, 4 * -2.0])  # a reward of -1 in each of two steps


def test_pulses_and_actions_of_the_training_follow_torchs_generator():
    batch, network, found = batch_of(STREAM, [0, 1, 2, 3]), policy(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        loss, watched = OBJECTIVE.loss(network, batch, "")
        found.append([loss.item(), *watched.tolist()])
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]


def test_greedy_courses_by_hand():
    batch = batch_of(STREAM, [4, 7])
    pulses = pulses_of(STREAM, batch.features.numpy(), np.array([4, 7]))
    for logits, levels in (((0.0, 0.0, 1.0), [4, 5, *[6] * 10]), ((2.0, 0.0, 1.0), [2, 1, *[0] * 10])):
        predicted = OBJECTIVE.predict(Constant(logits), batch)
        np.testing.assert_array_equal(predicted["level"], [levels, levels])
        accepted = np.take_along_axis(pulses, predicted["level"].numpy()[..., None], 2)[..., 0]
        np.testing.assert_array_equal(predicted["accepted"], accepted)
        np.testing.assert_array_equal(predicted["return"], returns(STREAM, accepted))
        total = predicted["return"].sum().item()
        np.testing.assert_allclose(OBJECTIVE.evaluate(Constant(logits), batch), [-total / 12, total])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_courses_do_not_depend_on_batches(size, monkeypatch):
    events = np.array([3, 0, 2**40, 11, 12, 5, 6])
    rates = np.concatenate([generate_episodes(STREAM, int(number), 1) for number in events])
    inputs = Inputs(Dense(rates, CPU), {"event": torch.from_numpy(events)}, events, {"dataset": dataset(STREAM)}, CPU)
    whole = predict_network(policy(), OBJECTIVE, inputs, seed=1)
    monkeypatch.setattr("jetpulse.training.loop.EVALUATION_BATCH", size)
    parts = predict_network(policy(), OBJECTIVE, inputs, seed=2)
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)


def test_settings_are_those_of_the_tested_dataset():
    batch = batch_of(STREAM, [1])
    other = replace(batch, dataset=dataset(Stream.model_validate(STREAM.model_dump() | {"target": 10.0})))
    constant = Constant((0.0, 1.0, 0.0))
    first, second = OBJECTIVE.predict(constant, batch), OBJECTIVE.predict(constant, other)
    # It begins at the level that suits another target.
    assert (first["level"].unique().tolist(), second["level"].unique().tolist()) == ([3], [1])


def test_no_episodes_have_no_courses():
    empty = Batch(torch.zeros(0, 12), {"event": torch.zeros(0, dtype=torch.int64)}, dataset=dataset(STREAM))
    predicted = OBJECTIVE.predict(policy(), empty)
    assert {name: tuple(values.shape) for name, values in predicted.items()} == {
        "return": (0,),
        "level": (0, 12),
        "accepted": (0, 12),
    }
