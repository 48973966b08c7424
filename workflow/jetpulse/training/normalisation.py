"""Normalisation of dense inputs and of numbers to be learned: fitted on the training split, undone for predictions.

It is kept beside the weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from jetpulse.errors import UserError
from jetpulse.training.objectives import Objective

PREFIX = "normalisation/"


@dataclass(frozen=True)
class Normalisation:
    """y = (x - centre) / scale, or with ``basis`` (components, d), orthonormal: y = basis (x - centre) / scale.

    ``target`` float64 (2,), mean and standard deviation of the number to be learned, if there is such.
    """

    centre: torch.Tensor
    scale: torch.Tensor
    basis: torch.Tensor | None = None
    target: torch.Tensor | None = None

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        """Return normalised entries (n, *shape) or, with a basis, (n, components)."""
        y = x - self.centre.to(x)
        if self.basis is not None:
            y = y @ self.basis.to(x).T
        return y / self.scale.to(x)

    def invert(self, y: torch.Tensor) -> torch.Tensor:
        """Return entries in the input's units."""
        x = y * self.scale.to(y)
        if self.basis is not None:
            x = x @ self.basis.to(y)
        return x + self.centre.to(y)

    def standardise(self, numbers: torch.Tensor) -> torch.Tensor:
        """Return numbers to be learned (n,), float64, with mean 0 and standard deviation 1 on the training split."""
        mean, deviation = self.target
        return (numbers.double() - mean) / deviation

    def answer(self, standardised: torch.Tensor) -> torch.Tensor:
        """Return numbers (n,), float64, in the units of the target."""
        mean, deviation = self.target
        return standardised.double() * deviation + mean

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a model's file stores."""
        parts = {"centre": self.centre, "scale": self.scale, "basis": self.basis, "target": self.target}
        return {PREFIX + name: value.contiguous() for name, value in parts.items() if value is not None}


def stored_normalisation(tensors: dict[str, torch.Tensor]) -> Normalisation | None:
    """Return the normalisation in a model's file, None if it has none."""
    parts = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    return Normalisation(**parts) if parts else None


def restore(
    predicted: Mapping[str, torch.Tensor], objective: Objective, normalisation: Normalisation | None
) -> dict[str, torch.Tensor]:
    """Return predictions in the units of what a file holds, from those of a network, both in memory."""
    found = dict(predicted)
    if normalisation is not None:
        found |= {name: normalisation.invert(found[name]) for name in objective.restored}
        found |= {name: normalisation.answer(found[name]) for name in objective.answers}
    return found


def with_target(normalisation: Normalisation | None, numbers: np.ndarray, where: str) -> Normalisation:
    """Return a normalisation, one that leaves inputs as they are if there was none, with that of ``numbers`` (n,).

    Raises:
        UserError: numbers that are all the same or not finite.
    """
    values = numbers.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise UserError(f"{where}: split 'train': entry {bad[0]}: target is {values[bad[0]]}, expected a finite number")
    mean, deviation = values.mean(), values.std()
    if not deviation > 1e-12 * abs(mean):  # the mean of equal numbers rounds
        raise UserError(f"{where}: the target is {values[0]:g} in all of split 'train'; there is nothing to learn")
    target = torch.tensor([mean, deviation], dtype=torch.float64)
    return replace(normalisation or Normalisation(torch.zeros(()), torch.ones(())), target=target)


def fit_normalisation(kind: str, values: np.ndarray, components: int, where: str) -> Normalisation | None:
    """Fit ``none``, ``residual``, ``standard``, ``columns`` or ``principal`` to the training split; float32 tensors.

    Args:
        kind: as in the config.
        values: (n, *shape).
        components: of ``principal``.
        where: begins the error's line.

    Raises:
        UserError: all entries are the same, or fewer entries or bins than ``components``.
    """
    if kind == "none":
        return None
    values = values.astype(np.float64)
    basis = None
    if kind == "standard":
        centre, scale = values.mean(keepdims=True)[0], values.std()
    elif kind == "columns":
        centre, scale = values.mean(0), values.std(0)
        # The mean of equal numbers rounds; a column of them becomes 0 rather than this rounding, blown up.
        alike = scale <= 1e-7 * np.abs(centre)
        scale = np.where(alike, 0.0 if alike.all() else 1.0, scale)
    else:
        centre = values.mean(0)
        scale = np.abs(values - centre).max()
    if kind == "principal":
        centre = centre.ravel()
        flat = values.reshape(len(values), -1) - centre
        if components > min(flat.shape):
            raise UserError(
                f"{where}: training.components {components} exceeds the {len(flat)} entries of {flat.shape[1]} values"
            )
        # The covariance of the values has few rows whatever the number of entries.
        variance, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
        order = np.argsort(variance)[::-1][:components]
        basis = vectors[:, order].T
        basis *= np.sign(basis[np.arange(components), np.abs(basis).argmax(1)])[:, None]  # eigh leaves the sign open
        # Components without variance, as sums of few lines have, keep the scale of the first.
        scale = np.sqrt(np.maximum(variance[order], 1e-12 * variance[order[0]]))
        scale = np.where(variance[order] > 1e-9 * variance[order[0]], scale, scale[0])
    if not np.all(scale > 0):
        raise UserError(f"{where}: all entries of split 'train' are the same; there is nothing to normalise by")
    parts = (np.asarray(part, np.float32) for part in (centre, scale, *(() if basis is None else (basis,))))
    return Normalisation(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))
