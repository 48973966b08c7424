"""Normalisation of dense inputs: fitted on the training split, kept beside the weights, undone for predictions."""

from dataclasses import dataclass

import numpy as np
import torch

from jetpulse.errors import UserError

PREFIX = "normalisation/"


@dataclass(frozen=True)
class Normalisation:
    """y = (x - centre) / scale, or with ``basis`` (components, d), orthonormal: y = basis (x - centre) / scale."""

    centre: torch.Tensor
    scale: torch.Tensor
    basis: torch.Tensor | None = None

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

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a model's file stores."""
        parts = {"centre": self.centre, "scale": self.scale, "basis": self.basis}
        return {PREFIX + name: value.contiguous() for name, value in parts.items() if value is not None}


def stored_normalisation(tensors: dict[str, torch.Tensor]) -> Normalisation | None:
    """Return the normalisation in a model's file, None if it has none."""
    parts = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    return Normalisation(**parts) if parts else None


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
