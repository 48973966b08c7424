"""Control of a trigger: a policy gradient (REINFORCE; Williams, doi:10.1007/BF00992696).

Actions are drawn from the policy's probabilities; those that were followed by more reward than the baseline become more
probable. Every episode is played several times with the same pulses, and the baseline at a step of one of them is the
mean of what the others got from there on: it depends on none of its actions, so the gradient has no bias, and it knows
how hard the episode is. Pulses of the training are new in every step of the optimiser, those of validation and test
come from seeds of the episode. There the most probable action is taken.

Entries are the expected pulses per step of episodes, which no policy sees.
"""

import json
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from jetpulse.config.streams import Stream
from jetpulse.problems.trigger import Course, Trigger, draw_pulses, pulses_of, returns, reward, run_trigger
from jetpulse.training.objectives.base import Batch, Objective, sums


class Control(Objective):
    """Networks see observations (b, 2 x memory), return logits of the actions; the loss is minus the mean reward."""

    metrics = ("return",)
    targets = ("event",)
    units: ClassVar[dict[str, str]] = {
        "return": "1 (sum over the steps of minus the distance from the target, in units of the target)",
        "level": "1 (number of the threshold, from 0; n, steps)",
        "accepted": "1 (accepted pulses; n, steps)",
    }

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the policy gradient's loss; what is watched is minus the mean reward, and the return."""
        stream = read_stream(batch.dataset)
        # torch's own generator is what a checkpoint keeps.
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        pulses = draw_pulses(stream, batch.features.cpu().numpy(), rng)
        seen, chosen = [], []

        def decide(trigger: Trigger) -> np.ndarray:
            seen.append(trigger.observe())
            probability = torch.softmax(_logits(network, seen[-1], batch), 1).cpu().numpy()
            edges = np.cumsum(probability[:, :-1], axis=1)
            chosen.append((rng.random((len(edges), 1)) > edges).sum(axis=1))
            return chosen[-1]

        with torch.no_grad():
            course = run_trigger(Trigger(stream, pulses, network.memory, network.rollouts), decide)
        rewards = reward(stream, course.accepted)
        advantage = torch.from_numpy(advantages(rewards, network.rollouts, network.discount).T.ravel())
        log_probability = torch.log_softmax(_logits(network, np.concatenate(seen), batch), 1)
        action = torch.from_numpy(np.concatenate(chosen)).to(log_probability.device)
        taken = log_probability.gather(1, action[:, None])[:, 0]
        entropy = -(log_probability.exp() * log_probability).sum(1).mean()
        loss = -(advantage.to(taken) * taken).mean() - network.entropy * entropy
        return loss, _watched(rewards, len(batch))

    def evaluate(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return the sums of minus the mean reward and of the return, with the most probable actions."""
        stream, course = self._play(network, batch)
        return _watched(reward(stream, course.accepted), len(batch))

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what the most probable actions give."""
        stream, course = self._play(network, batch)
        found = {"return": returns(stream, course.accepted), "level": course.level, "accepted": course.accepted}
        return {name: torch.from_numpy(values).to(batch.features.device) for name, values in found.items()}

    @staticmethod
    def _play(network: nn.Module, batch: Batch) -> tuple[Stream, Course]:
        stream = read_stream(batch.dataset)
        pulses = pulses_of(stream, batch.features.cpu().numpy(), batch.targets["event"].cpu().numpy())
        trigger = Trigger(stream, pulses, network.memory)
        return stream, run_trigger(trigger, lambda now: _logits(network, now.observe(), batch).argmax(1).cpu().numpy())


@cache
def read_stream(dataset: str) -> Stream:
    """Return the settings of the stream in a dataset's definition, JSON."""
    return Stream.model_validate(json.loads(dataset)["source"]["stream"])


def advantages(rewards: np.ndarray, rollouts: int, discount: float) -> np.ndarray:
    """Return discounted sums of the rewards (n x rollouts, steps) from each step on, less the baseline, float64.

    The baseline is the mean of an episode's other rollouts; all is divided by the standard deviation of the batch.
    """
    following = np.zeros_like(rewards)
    total = np.zeros(len(rewards))
    for step in reversed(range(rewards.shape[1])):
        total = following[:, step] = rewards[:, step] + discount * total
    together = following.reshape(-1, rollouts, rewards.shape[1])
    # A value less the mean of the others is the deviation from the mean of all, times n / (n - 1).
    advantage = (together - together.mean(axis=1, keepdims=True)) * (rollouts / (rollouts - 1))
    spread = advantage.std() if advantage.size else 0.0
    # Means of equal values may be off by a last bit, which is no advantage.
    equal = spread <= 1e-12 * np.abs(following).max(initial=0.0)
    return (0 * advantage if equal else advantage / spread).reshape(rewards.shape)


def _logits(network: nn.Module, observed: np.ndarray, batch: Batch) -> torch.Tensor:
    return network(torch.from_numpy(observed).to(batch.features.device)).float()


def _watched(rewards: np.ndarray, n: int) -> torch.Tensor:
    """Return the sums over n episodes from rewards (m, steps) of all that were played."""
    mean = torch.tensor(rewards.mean() if rewards.size else 0.0)
    return sums(-mean, n, mean * rewards.shape[1] * n)


OBJECTIVE = Control()
