"""Observables of jets and what a check of a sample looks at; constituents (total, 4) are E, px, py, pz in GeV."""

import numpy as np

from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass, pt_eta_phi

CLASSES = {1: "top", 0: "QCD"}
UNITS = {"mass": "GeV", "multiplicity": "1", "pt": "GeV", "eta": "1", "leading_fraction": "1"}


def observables(constituents: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """Return mass, number of constituents, pT, eta and the hardest constituent's share of the pT of every jet.

    Args:
        constituents: (total, 4), grouped by ``offsets``.
        offsets: int64 (n + 1).

    Returns:
        The names of ``UNITS`` -> float64 (n,).
    """
    momenta = jet_momenta(constituents, offsets)
    pt, eta, _ = pt_eta_phi(momenta)
    return {
        "mass": mass(momenta),
        "multiplicity": np.diff(offsets).astype(np.float64),
        "pt": pt,
        "eta": eta,
        "leading_fraction": leading_fraction(constituents, offsets),
    }


def lies_across_phi(constituents: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return for every jet whether its constituents lie on both sides of phi = +-pi, bool (n,).

    That is so when their azimuths, taken as plain numbers, are more than pi apart.
    """
    phi = pt_eta_phi(constituents)[2]
    across = np.zeros(len(offsets) - 1, bool)
    filled = np.diff(offsets) > 0
    if filled.any():
        starts = offsets[:-1][filled]
        across[filled] = np.maximum.reduceat(phi, starts) - np.minimum.reduceat(phi, starts) > np.pi
    return across


def space_like(constituents: np.ndarray) -> np.ndarray:
    """Return by how much |p| exceeds E, as a part of E: (|p| - E) / E, float64 (total,); 0 where E >= |p|."""
    values = np.asarray(constituents, np.float64)
    energy = values[:, 0]
    excess = np.maximum(np.sqrt(np.sum(values[:, 1:] ** 2, axis=1)) - energy, 0.0)
    return np.divide(excess, energy, out=np.where(excess > 0, np.inf, 0.0), where=energy > 0)
