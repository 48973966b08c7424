"""Kinematics of jets and constituents; four-momenta are columns E, px, py, pz in GeV."""

import numpy as np

from jetpulse.samples import segment_sum

COLUMNS = ("E", "px", "py", "pz")


def wrap_phi(phi: np.ndarray) -> np.ndarray:
    """Return angles in [-pi, pi)."""
    wrapped = (np.asarray(phi) + np.pi) % (2 * np.pi) - np.pi
    return np.where(wrapped >= np.pi, -np.pi, wrapped)  # what rounding carries over the edge


def pt_eta_phi(momenta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return float64 pT (GeV), pseudorapidity and azimuth of momenta (..., 4); a vector along the beam has eta = ±inf.

    pT = hypot(px, py), eta = arcsinh(pz / pT), phi = arctan2(py, px).
    """
    _, px, py, pz = np.moveaxis(np.asarray(momenta, np.float64), -1, 0)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where((pt == 0) & (pz == 0), 0.0, np.arcsinh(pz / pt))
    return pt, eta, np.arctan2(py, px)


def mass(momenta: np.ndarray) -> np.ndarray:
    """Return the invariant mass (GeV, float64) of momenta (..., 4); space-like rounding gives 0."""
    E, px, py, pz = np.moveaxis(np.asarray(momenta, np.float64), -1, 0)
    return np.sqrt(np.maximum((E - pz) * (E + pz) - px**2 - py**2, 0.0))


def jet_momenta(constituents: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the summed four-momenta (n, 4), float64, of constituents (total, 4) grouped by offsets (n + 1)."""
    return segment_sum(constituents, offsets)


def leading_fraction(constituents: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return pT of the hardest constituent over the jet's pT (n,), float64; 0 for a jet without constituents."""
    pt, _, _ = pt_eta_phi(constituents)
    jet_pt, _, _ = pt_eta_phi(jet_momenta(constituents, offsets))
    hardest = np.zeros(len(offsets) - 1)
    np.maximum.at(hardest, np.repeat(np.arange(len(hardest)), np.diff(offsets)), pt)
    return np.divide(hardest, jet_pt, out=np.zeros_like(hardest), where=jet_pt > 0)
