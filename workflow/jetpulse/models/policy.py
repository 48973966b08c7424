"""Policy of a trigger: from what it has accepted to what it does with its threshold, learned by REINFORCE.

Williams, doi:10.1007/BF00992696; see training/objectives/control.py. An epoch plays every training episode once, with
new pulses.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from jetpulse.config.types import Sizes
from jetpulse.models.layers import dense_layers

TASKS = ("control",)
INPUT = "episodes"


class Network(nn.Module):
    """Hidden layers with tanh; input observations (batch, 2 x memory), output logits of the actions (batch, 3)."""

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        *,
        memory: Annotated[int, Field(ge=1, le=100)] = 4,
        hidden: Sizes = [16],  # noqa: B006 - read, never changed
        discount: Annotated[float, Field(ge=0, le=1)] = 0.8,
        rollouts: Annotated[int, Field(ge=2, le=1000)] = 4,
        entropy: Annotated[float, Field(ge=0)] = 0.0,
    ) -> None:
        """Build for episodes of ``shape``, whose number of steps no weight depends on.

        Args:
            shape: of one episode, (steps,).
            outputs: number of actions.
            memory: steps back that are seen.
            hidden: widths of the hidden layers.
            discount: weight of a reward for an action, for every step that lies between them.
            rollouts: times that an episode is played in a step of training, with the same pulses; the baseline of
                each is the mean of the others.
            entropy: reward for undecided actions, which keeps a policy from settling too early.
        """
        super().__init__()
        self.memory, self.discount, self.rollouts, self.entropy = memory, discount, rollouts, entropy
        self.layers = dense_layers([2 * memory, *hidden, outputs], nn.Tanh())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return logits of the actions."""
        return self.layers(observations)
