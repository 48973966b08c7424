"""Localisation: in which bin is the pulse?

A network answers in one of two forms. (b, bins) are logits of the bins. (b, bins, 3) describe a density of the time
as a mixture of logistic distributions, one for each bin: the logit of its weight, its position relative to the bin's
centre, and the logarithm of its width, both in bins. The density is integrated over each bin. It learns from the true
time, where the sample knows it, what a label cannot tell: where within the bin, and how certainly.
"""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from jetpulse.training.objectives.base import Batch, Objective, sums

# A width of e**-8 bins is a thousandth of the precision that any task here asks for.
_LOG_WIDTHS = (-8.0, 4.0)


def _mixture(outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return log weights, positions (in bins) and log widths, each (b, bins)."""
    weight, offset, width = outputs.unbind(-1)
    position = torch.arange(outputs.shape[1], device=outputs.device, dtype=outputs.dtype) + offset
    return torch.log_softmax(weight, 1), position, width.clamp(*_LOG_WIDTHS)


def log_density(outputs: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the density (per bin) at ``time`` (b,), given in bins."""
    log_weight, position, log_width = _mixture(outputs)
    distance = ((time[:, None] - position) * torch.exp(-log_width)).abs()
    return torch.logsumexp(log_weight - distance - 2 * functional.softplus(-distance) - log_width, 1)


def probabilities(outputs: torch.Tensor) -> torch.Tensor:
    """Return the probability of every bin (b, bins); the first and last bin get the tails."""
    if outputs.ndim == 2:
        return torch.softmax(outputs, 1)
    log_weight, position, log_width = _mixture(outputs)
    bins = outputs.shape[1]
    edges = torch.arange(bins - 1, device=outputs.device, dtype=outputs.dtype) + 0.5
    below = torch.sigmoid((edges - position[..., None]) * torch.exp(-log_width)[..., None])  # (b, component, edge)
    cumulative = (log_weight.exp()[..., None] * below).sum(1)
    steps = functional.pad(functional.pad(cumulative, (1, 0)), (0, 1), value=1.0).diff(dim=1).clamp_min(0)
    return steps / steps.sum(1, keepdim=True)


class Localisation(Objective):
    """Predictions are the probabilities of the bins (b, bins), float64."""

    metrics = ("accuracy", "mse")
    targets = ("label",)
    optional = ("time",)
    units: ClassVar[dict[str, str]] = {"probability": "1 (columns are bins)"}

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean negative log likelihood of the time, or of the bin when the time is not known.

        The metrics are right bins and the squared error of the mean bin.
        """
        outputs, label = network(batch.features).float(), batch.targets["label"]
        probability = probabilities(outputs.detach() if "time" in batch.targets else outputs)
        if outputs.ndim == 2:
            loss = functional.cross_entropy(outputs, label)
        elif "time" in batch.targets:
            loss = -log_density(outputs, batch.targets["time"]).mean()
        else:
            loss = -probability.gather(1, label[:, None]).clamp_min(1e-12).log().mean()
        bins = torch.arange(probability.shape[1], device=label.device)
        squared = ((probability.detach() * bins).sum(1) - label) ** 2
        return loss, sums(loss, len(batch), (probability.argmax(1) == label).sum(), squared.sum())

    def predict(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return probabilities; float64, since float32 runs out of numbers just below 1."""
        return {"probability": probabilities(network(batch.features).double())}

    def check(self, network: nn.Module, batch: Batch) -> str | None:
        """Return what is wrong with labels that the network cannot answer."""
        with torch.inference_mode():
            outputs = network(batch.features[:1])
        label, bins = batch.targets["label"], outputs.shape[1]
        wrong = torch.nonzero((label < 0) | (label >= bins)).ravel()
        if len(wrong):
            return f"entry {int(wrong[0])}: label {int(label[wrong[0]])} lies outside the bins 0 to {bins - 1}"
        # Only a logit of -inf rules a bin out; probabilities of an untrained network can be 0 by rounding.
        reach = torch.nonzero(outputs.reshape(bins, -1)[:, 0] != -torch.inf).ravel()
        first, last = int(reach[0]), int(reach[-1])
        wrong = torch.nonzero((label < first) | (label > last)).ravel()
        if len(wrong):
            return (
                f"entry {int(wrong[0])}: label {int(label[wrong[0]])} lies outside the bins {first} to {last} that the "
                "network can name; give it a shorter window, take another network, or leave such entries out"
            )
        return None


OBJECTIVE = Localisation()
