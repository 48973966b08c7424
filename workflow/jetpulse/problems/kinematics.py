"""Momenta E, px, py, pz in GeV, float64 (n, 4): two-body decays, boosts, masses."""

import numpy as np


def mass(momenta: np.ndarray) -> np.ndarray:
    """Return the invariant mass of momenta (..., 4), 0 where rounding leaves less."""
    return np.sqrt(np.maximum(momenta[..., 0] ** 2 - (momenta[..., 1:] ** 2).sum(axis=-1), 0))


def pt_eta_phi(momenta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return transverse momentum, pseudorapidity and azimuth of momenta (..., 4), none of which is along the beam."""
    pt = np.hypot(momenta[..., 1], momenta[..., 2])
    return pt, np.arcsinh(momenta[..., 3] / pt), np.arctan2(momenta[..., 2], momenta[..., 1])


def from_transverse(pt: np.ndarray, phi: np.ndarray, rapidity: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Return momenta (n, 4) of transverse momentum, azimuth, rapidity and mass, (n,) each."""
    transverse = np.sqrt(pt**2 + masses**2)
    energy, pz = transverse * np.cosh(rapidity), transverse * np.sinh(rapidity)
    return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pz], axis=-1)


def boost(momenta: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return momenta (n, 4), given in the rest frame of massive ``frame`` (n, 4), as they are seen from outside."""
    m = mass(frame)[:, None]
    along = (momenta[:, 1:] * frame[:, 1:]).sum(axis=1, keepdims=True)
    energy = (momenta[:, :1] * frame[:, :1] + along) / m
    return np.concatenate([energy, momenta[:, 1:] + frame[:, 1:] * (momenta[:, :1] + energy) / (frame[:, :1] + m)], 1)


def two_body(parent: np.ndarray, one: np.ndarray, two: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the momenta (n, 4) of both products of isotropic decays.

    Args:
        parent: momenta (n, 4) of what decays.
        one: masses (n,) of the first product.
        two: masses (n,) of the second; both together are not above the parent's.
        rng: draws the directions.
    """
    m = mass(parent)
    p = np.sqrt(np.maximum((m**2 - (one + two) ** 2) * (m**2 - (one - two) ** 2), 0)) / (2 * m)
    cosine, phi = rng.uniform(-1, 1, len(m)), rng.uniform(-np.pi, np.pi, len(m))
    sine = np.sqrt(1 - cosine**2)
    direction = np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], axis=1)
    products = []
    for sign, own in ((1, one), (-1, two)):
        energy = np.sqrt(p**2 + own**2)
        products.append(boost(np.concatenate([energy[:, None], sign * p[:, None] * direction], axis=1), parent))
    return products


def resonance(mean: float, width: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n masses of a Breit-Wigner line, cut off five widths from its middle."""
    edge = np.arctan(10.0)
    return mean + width / 2 * np.tan(rng.uniform(-edge, edge, n))
