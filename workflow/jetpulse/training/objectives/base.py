"""What the training loop asks of an objective."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

# Entries of similar length that are worked on together; fewer would not keep a CPU's vectors busy.
_TOGETHER = 32


@dataclass(frozen=True)
class Batch:
    """Entries on the device: ``features`` float32 (b, *shape), ``targets`` name -> (b, ...); ``progress``.

    Of ragged entries ``counts`` int64 (b,), in memory, says how many rows of the features they have at most.
    ``dataset`` is the definition of their dataset, as JSON.
    """

    features: torch.Tensor
    targets: dict[str, torch.Tensor]
    progress: float = 1.0  # from 0 to 1, which is the end and everything after
    counts: torch.Tensor | None = None
    dataset: str = ""

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.features)

    def by_length(self) -> list[tuple[torch.Tensor, "Batch"]]:
        """Return places (p,) and entries of parts of similar length, the shortest first, without the rows none needs.

        On a CPU networks that look at pairs would spend most of a step on the rows that fill short entries up to the
        longest of all. What is not ragged, or on a GPU, which has the time, stays in one part.
        """
        most = len(self) // _TOGETHER
        if self.counts is None or most < 2 or self.features.device.type != "cpu":
            return [(torch.arange(len(self)), self)]
        return [(place, self._take(place)) for place in torch.argsort(self.counts, stable=True).chunk(most)]

    def _take(self, place: torch.Tensor) -> "Batch":
        counts = self.counts[place]
        targets = {name: values[place] for name, values in self.targets.items()}
        return Batch(self.features[place, : int(counts.max())], targets, self.progress, counts, self.dataset)


class Objective:
    """A task as the training loop sees it."""

    # What is watched beside the loss.
    metrics: tuple[str, ...] = ()
    # Datasets of the inputs that are needed beside the features, and those that are used when they are there.
    targets: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Submodules that are trained in alternation, batch by batch; "" is the whole network.
    turns: tuple[str, ...] = ("",)
    # What predictions mean, for the attributes of their file.
    units: ClassVar[dict[str, str]] = {}
    # Predictions that are given back in the units of the input, and those in the units of the number that is learned.
    restored: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    # Outputs of the network; None: as many as the file says.
    outputs: int | None = None

    def expected(self, outputs: int) -> tuple[int, ...] | None:
        """Return the shape of what a network with so many outputs returns for one entry; None: it is not checked."""
        return None

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean loss to minimise in this turn, and the sums of the loss and ``metrics``, float64 (1 + m,)."""
        raise NotImplementedError

    def evaluate(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """Return the sums over the batch of the loss and ``metrics``, float64 (1 + m,)."""
        return self.loss(network, batch, self.turns[-1])[1]

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what predictions.h5 stores for a batch."""
        raise NotImplementedError

    def names(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what answers are called, for model.json: ``classes`` or a ``target``, if the file's attributes say."""
        if self.answers:
            return {"target": attributes.get("target", "")}
        return {"classes": attributes["classes"].split(", ")} if attributes.get("classes") else {}

    def check(self, network: nn.Module, batch: Batch) -> str | None:
        """Return what is wrong for this network with entries of these targets, or None; one entry has features."""
        return None


def sums(loss: torch.Tensor, n: int, *metrics: torch.Tensor) -> torch.Tensor:
    """Return the sums over a batch from its mean loss and the sums of its metrics."""
    return torch.stack([loss.detach().double() * n, *(metric.detach().double() for metric in metrics)])
