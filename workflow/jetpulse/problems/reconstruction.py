"""From the partons of W W b b -> l nu j j b b to the 28 columns of the HIGGS benchmark: detector, selection, masses.

Scales and choices are those that were found in the public file: its lengths of columns follow from the smallest steps
of its angles and from the masses that it has of W, top and Higgs bosons.
"""

from dataclasses import dataclass

import numpy as np

from jetpulse.config.columns import HIGGS
from jetpulse.problems.kinematics import mass, pt_eta_phi

W_MASS, TOP_MASS = 80.4, 172.5  # GeV
_PT, _LEPTON_ETA, _JET_ETA = 15.0, 2.5, 3.0  # what is seen: transverse momentum from, pseudorapidity to
_JETS = 4
_ANGLE = 1.8024  # the public file's unit of azimuths, rad
# What the public file divides each quantity by: GeV, rad or 1; so the columns have mean or spread 1.
_SCALES = (54.6, 1.0267, _ANGLE, 57.9, _ANGLE)  # lepton, missing momentum
_SCALES += (109.2, 1.01, _ANGLE, 0.9204, 79.4, 1.03, _ANGLE, 0.903)  # jets
_SCALES += (56.9, 1.099, _ANGLE, 0.7849, 41.1, 1.201, _ANGLE, 0.6448)
_SCALES += (87.6, 179.6, 81.2, 194.8, 126.4, 335.65, 510.5)  # masses
SCALES = dict(zip(HIGGS, _SCALES, strict=True))


def _unit(name: str) -> str:
    if name.endswith("_phi"):
        return f"{SCALES[name]:g} rad"
    return f"{SCALES[name]:g}" if name.endswith(("_eta", "_btag")) else f"{SCALES[name]:g} GeV"


UNITS = {name: _unit(name) for name in HIGGS}


@dataclass(frozen=True)
class Event:
    """Momenta before the detector: ``lepton``, ``neutrino`` (n, 4), ``partons`` (n, k, 4), some ``bottom`` (k,)."""

    lepton: np.ndarray
    neutrino: np.ndarray
    partons: np.ndarray
    bottom: np.ndarray


def reconstruct(event: Event, rng: np.random.Generator) -> np.ndarray:
    """Return the columns (m, 28) of those events, in their order, that the detector sees and the selection keeps.

    Jets lose energy outside of their cone, and b jets to neutrinos, and are measured with 100 % / sqrt(E) + 8 %,
    leptons with 2 %. Events have a lepton and four jets of at least 15 GeV within |eta| < 2.5 and 3, one or two of
    them b-tagged (2: tight, 1: loose). The jets are those of the hardest partons, in their order.
    """
    n, k = event.partons.shape[:2]
    jets = event.partons * _response(event, rng)[..., None]
    lepton = event.lepton * (1 + 0.02 * rng.standard_normal((n, 1))).clip(0.5)
    lost = (event.partons - jets)[..., 1:3].sum(axis=1) + (event.lepton - lepton)[:, 1:3]
    missing = event.neutrino[:, 1:3] + lost + rng.normal(0, 6, (n, 2))  # GeV of noise outside of the jets
    tags = _tags(np.broadcast_to(event.bottom, (n, k)), rng)
    pt, eta, _ = pt_eta_phi(jets)
    seen = (pt > _PT) & (np.abs(eta) < _JET_ETA)
    lepton_pt, lepton_eta, _ = pt_eta_phi(lepton)
    order = np.argsort(np.where(seen, -np.hypot(event.partons[..., 1], event.partons[..., 2]), np.inf), axis=1)
    jets, tags = np.take_along_axis(jets, order[..., None], 1), np.take_along_axis(tags, order, 1)
    count = seen.sum(axis=1)
    kept = (lepton_pt > _PT) & (np.abs(lepton_eta) < _LEPTON_ETA) & (count >= _JETS)
    kept &= np.isin((tags[:, :_JETS] > 0).sum(axis=1), (1, 2))
    return columns(lepton[kept], missing[kept], jets[kept], tags[kept, :_JETS], count[kept])


def _response(event: Event, rng: np.random.Generator) -> np.ndarray:
    """Return measured over true energy (n, k) of jets."""
    energy = event.partons[..., 0]
    outside = 1.03 - 0.04 * rng.gamma(1.0, 1.0, energy.shape)  # after the usual calibration
    neutrinos = np.where(event.bottom, 0.97 - 0.16 * rng.gamma(0.9, 1.0, energy.shape), 1.0)
    resolution = np.sqrt(1.0 / energy + 0.0064) * rng.standard_normal(energy.shape)
    return (outside * neutrinos * (1 + resolution)).clip(0.1)


def _tags(bottom: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the b-tags of jets: 2 tight, 1 loose, 0 none."""
    chance = rng.random(bottom.shape)
    tight, loose = np.where(bottom, 0.84, 0.01), np.where(bottom, 0.95, 0.05)
    return (chance < tight).astype(np.int64) + (chance < loose)


def columns(
    lepton: np.ndarray, missing: np.ndarray, jets: np.ndarray, tags: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Return the 28 columns (n, 28), in units of ``SCALES``, of what a detector has seen.

    Args:
        lepton: momenta (n, 4).
        missing: missing transverse momentum (n, 2).
        jets: momenta (n, k, 4) of k >= 4 jets; the first four have columns of their own.
        tags: b-tags (n, 4) of the first four.
        count: how many of the k jets there are, (n,), at least four.
    """
    lepton_values = pt_eta_phi(lepton)
    pt, eta, phi = pt_eta_phi(jets)
    low = [*lepton_values, np.hypot(*missing.T), np.arctan2(missing[:, 1], missing[:, 0])]
    for jet in range(_JETS):
        low += [pt[:, jet], eta[:, jet], phi[:, jet], tags[:, jet]]
    values = np.stack([*low, *_masses(lepton, missing, jets, tags, count)], axis=1)
    return values / np.array(list(SCALES.values()))


def _masses(
    lepton: np.ndarray, missing: np.ndarray, jets: np.ndarray, tags: np.ndarray, count: np.ndarray
) -> list[np.ndarray]:
    """Return the seven masses (n,), of W, top and Higgs candidates.

    The two of the first four jets that are tagged best count as b jets. Of the others those two make a W boson whose
    mass is nearest to it.
    """
    order = np.argsort(-tags, axis=1, kind="stable")
    b = np.take_along_axis(jets, order[:, :2, None], 1)
    rest = np.concatenate([np.take_along_axis(jets, order[:, 2:, None], 1), jets[:, _JETS:]], axis=1)
    first, second = np.triu_indices(rest.shape[1], 1)
    pairs = rest[:, first] + rest[:, second]
    far = np.where(second < count[:, None] - 2, np.abs(mass(pairs) - W_MASS), np.inf)
    row = np.arange(len(jets))
    hadronic, pair = pairs[row, far.argmin(axis=1)], b.sum(axis=1)
    leptonic = lepton + neutrino(lepton, missing)
    # The b jet that makes the better top quark with the light jets belongs to these, the other one to the lepton.
    tops = mass(hadronic[:, None] + b)
    own = np.abs(tops - TOP_MASS).argmin(axis=1)
    charged = np.maximum(mass(leptonic + pair), mass(hadronic + pair))
    return [
        mass(hadronic),
        tops[row, own],
        mass(leptonic),
        mass(leptonic + b[row, 1 - own]),
        mass(pair),
        charged,
        mass(leptonic + hadronic + pair),
    ]


def neutrino(lepton: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the momenta (n, 4) of neutrinos that make a W boson of a lepton (n, 4).

    Of two solutions the one that is slower along the beam is taken. Where there is none, the neutrino gets the
    lepton's pseudorapidity, which makes the mass of both their transverse mass.
    """
    lepton_pt, eta, _ = pt_eta_phi(lepton)
    pt2 = (missing**2).sum(axis=1)
    half = W_MASS**2 / 2 + (lepton[:, 1:3] * missing).sum(axis=1)
    under = half**2 - lepton_pt**2 * pt2
    root = lepton[:, 0] * np.sqrt(np.maximum(under, 0))
    centre = half * lepton[:, 3]
    slower = (centre - np.where(centre < 0, -1.0, 1.0) * root) / lepton_pt**2
    pz = np.where(under >= 0, slower, np.sqrt(pt2) * np.sinh(eta))
    return np.stack([np.sqrt(pt2 + pz**2), missing[:, 0], missing[:, 1], pz], axis=1)
