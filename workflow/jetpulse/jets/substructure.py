"""Substructure of jets: the numbers that taggers without a deep network are made of.

Conventions: distances are in rapidity and azimuth; transverse momenta are fractions of the sum of the constituents' pT;
two directions less than ``RESOLVED`` apart are the same. What is not defined is 0: everything of a jet without
constituents, and ratios whose denominator is 0.

* ptd: sqrt(sum of pT squared) / sum of pT (CMS-PAS-JME-13-002).
* girth: mean distance from the jet axis, weighted with pT (arXiv:1211.7038).
* tau1 to tau4: N-subjettiness, beta = 1, R0 = 1 (arXiv:1011.2268, arXiv:1108.2701): mean distance from the nearest of N
  axes, weighted with pT. The axes are those of exclusive kT subjets whose parts are recombined winner-take-all
  (arXiv:1401.2158): the axes of N - 1 subjets are among those of N, so tau never rises with N. No minimisation.
* e2, e3: energy correlation functions ECF(N) / ECF(1)^N, beta = 1; c2 = e3 / e2^2 (arXiv:1305.0007) and
  d2 = e3 / e2^3 (arXiv:1409.6298).
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass, pt_eta_phi, wrap_phi
from jetpulse.jets.substructure_kernels import AXES, substructure
from jetpulse.samples import segment_sum

UNITS = {
    "mass": "GeV",
    "multiplicity": "1",
    "pt": "GeV",
    "leading_fraction": "1",
    "ptd": "1",
    "girth": "1",
    **{f"tau{n}": "1" for n in range(1, AXES + 1)},
    **{f"tau{n}{n - 1}": "1" for n in range(2, AXES + 1)},
    "e2": "1",
    "e3": "1",
    "c2": "1",
    "d2": "1",
}


def jet_substructure(constituents: np.ndarray, offsets: np.ndarray, threads: int = 1) -> dict[str, np.ndarray]:
    """Return every observable of every jet.

    Args:
        constituents: (total, 4) E, px, py, pz in GeV, grouped by ``offsets``; rows without pT are padding.
        offsets: int64 (n + 1).
        threads: CPU threads; the result does not depend on it.

    Returns:
        The names of ``UNITS`` -> float64 (n,), all finite.

    Example:
        >>> jet_substructure(constituents, offsets)["tau32"]
    """
    constituents, offsets = np.asarray(constituents, np.float64), np.ascontiguousarray(offsets, np.int64)
    n = len(offsets) - 1
    pt, _, phi = pt_eta_phi(constituents)
    rapidity = _rapidity(constituents)
    found = np.zeros((n, 3 + AXES))
    threads = max(1, min(threads, n))
    edges = [n * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda span: substructure(pt, rapidity, phi, offsets, *span, found), pairwise(edges)))
    momenta = jet_momenta(constituents, offsets)
    ptd, tau, e2, e3 = found[:, 0], found[:, 1 : 1 + AXES], found[:, 1 + AXES], found[:, 2 + AXES]
    return {
        "mass": mass(momenta),
        "multiplicity": segment_sum((pt > 0)[:, None], offsets)[:, 0],
        "pt": pt_eta_phi(momenta)[0],
        "leading_fraction": leading_fraction(constituents, offsets),
        "ptd": ptd,
        "girth": _girth(momenta, pt, rapidity, phi, offsets),
        **{f"tau{i + 1}": tau[:, i].copy() for i in range(AXES)},
        **{f"tau{i + 1}{i}": _ratio(tau[:, i], tau[:, i - 1]) for i in range(1, AXES)},
        "e2": e2.copy(),
        "e3": e3.copy(),
        "c2": _ratio(e3, e2**2),
        "d2": _ratio(e3, e2**3),
    }


def _rapidity(momenta: np.ndarray) -> np.ndarray:
    """Return the rapidity (m,) of momenta (m, 4), space-like ones taken as massless; 0 without pT.

    y = log((E + |pz|) / mT) with the sign of pz, which loses no digits to a difference.
    """
    E, px, py, pz = momenta.T
    pt2 = px**2 + py**2
    transverse = np.sqrt(pt2 + np.maximum((E - pz) * (E + pz) - pt2, 0.0))
    energy = np.maximum(E, np.sqrt(pt2 + pz**2))
    ratio = np.divide(energy + np.abs(pz), transverse, out=np.ones_like(E), where=pt2 > 0)
    return np.copysign(np.log(ratio), pz)


def _girth(
    momenta: np.ndarray, pt: np.ndarray, rapidity: np.ndarray, phi: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """Return the mean distance from the jets' axes, weighted with pT, (n,)."""
    jet = np.repeat(np.arange(len(momenta)), np.diff(offsets))
    _, _, axis_phi = pt_eta_phi(momenta)
    distance = np.hypot(rapidity - _rapidity(momenta)[jet], wrap_phi(phi - axis_phi[jet]))
    sums = segment_sum(np.stack([pt * np.where(pt > 0, distance, 0.0), pt], axis=1), offsets)
    return _ratio(sums[:, 0], sums[:, 1])


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
