"""What a jet classifier looks at: how its log odds of top react to its input, by class of the jet.

Of images: the gradient with respect to every pixel (Simonyan et al., arXiv:1312.6034), averaged over jets. Of
constituents: |sum of gradient x momentum| over the four components, which is by how much the log odds change when the
momentum of that constituent is scaled by a small factor, per ln of the factor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from jetpulse.errors import UserError
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.samples import hash_events
from jetpulse.training.descriptions import read_description
from jetpulse.training.devices import choose_device
from jetpulse.training.inputs import Inputs, check_representation, make_inputs, read_split
from jetpulse.training.objectives import load_objective
from jetpulse.training.trained import load_model

_BATCH = 250
_CLASSES = (1, 0)


@dataclass(frozen=True)
class ImageSaliency:
    """By class (1: top, 0: QCD): mean image and mean gradient of the log odds, float64 (rows, columns), jets."""

    image: dict[int, np.ndarray]
    gradient: dict[int, np.ndarray]
    jets: dict[int, int]
    representation: dict[str, Any]


@dataclass(frozen=True)
class ConstituentSaliency:
    """One entry for every constituent of every jet: effect on the log odds, rank from 0, pT in GeV, label, all (n,)."""

    effect: np.ndarray
    rank: np.ndarray
    pt: np.ndarray
    label: np.ndarray
    jets: dict[int, int]


def log_odds(logits: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of P(class 1) / P(any other) of logits (b, classes); what all logits share drops out."""
    others = torch.cat([logits[:, :1], logits[:, 2:]], 1)
    return logits[:, 1] - torch.logsumexp(others, 1)


def gradients(network: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Return the gradient of every entry's log odds with respect to its features, in their shape (b, ...)."""
    features = features.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(log_odds(network(features)).sum(), features)
    return gradient


def measure_saliency(
    model: Path, inputs: Path, most: int, *, device: str = "auto"
) -> ImageSaliency | ConstituentSaliency:
    """Return the saliency of a classifier on the test split of ``inputs``, of at most ``most`` jets by event hash.

    Raises:
        UserError: a network of another task, one that has no gradient, or inputs of another representation.
    """
    description = read_description(model)
    if description["task"] != "classification":
        raise UserError(f"{model}: a network of task {description['task']!r}, expected 'classification'")
    where = choose_device(device, description["training"]["threads"])
    network, _, normalisation = load_model(model, where)
    objective = load_objective("classification")
    block, attributes = read_split(inputs, "test")
    check_representation(inputs, attributes, description["representation"])
    if attributes["kind"] not in ("jets", "jet-image"):
        raise UserError(f"{inputs}: is of kind {attributes['kind']!r}; saliency is about images and constituents")
    chosen = np.sort(np.argsort(hash_events(block.entries["event"]), kind="stable")[:most])
    entries = make_inputs(block.take(chosen), attributes, objective, where, normalisation)
    network.eval().requires_grad_(False)
    if attributes["kind"] == "jet-image":
        return _of_images(network, entries, description["representation"])
    return _of_constituents(network, entries)


def _batches(network: nn.Module, inputs: Inputs) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield features, their gradients and labels, float64 and (b,), in the order of the entries."""
    for index in torch.arange(len(inputs), device=inputs.device).split(_BATCH):
        batch = inputs.batch(index)
        gradient = gradients(network, batch.features)
        yield tuple(
            tensor.detach().cpu().numpy().astype(kind)
            for tensor, kind in ((batch.features, float), (gradient, float), (batch.targets["label"], int))
        )


def _of_images(network: nn.Module, inputs: Inputs, representation: dict[str, Any]) -> ImageSaliency:
    shape = inputs.features.shape
    image = {label: np.zeros(shape) for label in _CLASSES}
    gradient = {label: np.zeros(shape) for label in _CLASSES}
    jets = dict.fromkeys(_CLASSES, 0)
    for features, slopes, labels in _batches(network, inputs):
        for label in _CLASSES:
            image[label] += features[labels == label].sum(axis=0)
            gradient[label] += slopes[labels == label].sum(axis=0)
            jets[label] += int(np.sum(labels == label))
    for label in _CLASSES:
        image[label] /= max(1, jets[label])
        gradient[label] /= max(1, jets[label])
    return ImageSaliency(image, gradient, jets, representation)


def _of_constituents(network: nn.Module, inputs: Inputs) -> ConstituentSaliency:
    parts: list[tuple[np.ndarray, ...]] = []
    jets = dict.fromkeys(_CLASSES, 0)
    for momenta, slopes, labels in _batches(network, inputs):
        jet, rank = np.nonzero(momenta[..., 0] > 0)
        effect = np.abs(np.sum(momenta[jet, rank] * slopes[jet, rank], axis=1))
        parts.append((effect, rank, pt_eta_phi(momenta[jet, rank])[0], labels[jet]))
        for label in _CLASSES:
            jets[label] += int(np.sum(labels == label))
    return ConstituentSaliency(*map(np.concatenate, zip(*parts, strict=True)), jets)


def mean_in_bins(values: np.ndarray, position: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard error of ``values`` (n,) in bins of ``position`` (n,); nan for fewer than two entries.

    What lies outside of the edges is left out.
    """
    inside = np.searchsorted(edges, position, side="right") - 1
    kept = (inside >= 0) & (inside < len(edges) - 1)
    inside, values, bins = inside[kept], values[kept], len(edges) - 1
    counts = np.bincount(inside, minlength=bins).astype(float)
    counts[counts < 2] = np.nan
    mean = np.bincount(inside, weights=values, minlength=bins) / counts
    square = np.bincount(inside, weights=(values - mean[inside]) ** 2, minlength=bins)
    return mean, np.sqrt(square / (counts - 1) / counts)
