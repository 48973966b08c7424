"""Generated decays in the form of the HIGGS benchmark (Baldi, Sadowski, Whiteson, doi:10.1038/ncomms5308).

Signal (class 1) is gg -> H0(425) -> W H+-(325) -> W W h0(125), background (class 0) a pair of top quarks; both end as
W W b b -> l nu j j b b. Particles decay one after the other into two, isotropically, and recoil against two jets of
initial-state radiation. No matrix elements, no spin, no shower: a stand-in to learn with where the public file cannot
be fetched. The detector's answer is in ``jetpulse.problems.reconstruction``.
"""

import numpy as np

from jetpulse import seeds
from jetpulse.config.columns import HIGGS
from jetpulse.config.problems import Decays
from jetpulse.problems.entries import Chunk, Entries, block_size, drawn
from jetpulse.problems.kinematics import boost, from_transverse, mass, resonance, two_body
from jetpulse.problems.reconstruction import UNITS, Event, reconstruct

BLOCK = 10_000  # selected events in one piece, with seeds of its own, half of them signal
CLASSES = ("top pair", "H0")
_CANDIDATES = 20_000  # events drawn at once, of which some are selected
_W, _TOP, _H0, _CHARGED, _LIGHT = (80.4, 2.1), (172.5, 1.4), (425.0, 8.0), (325.0, 6.0), (125.0, 0.004)  # GeV
_RADIATION = (55.0, 20.0)  # mean transverse momenta of the two jets of initial-state radiation, GeV


def generate_partons(signal: bool, n: int, rng: np.random.Generator) -> Event:
    """Return n events before the detector: lepton, neutrino and six partons, of which two are b quarks."""
    radiation = [
        from_transverse(rng.exponential(pt, n) + 1.0, rng.uniform(-np.pi, np.pi, n), rng.normal(0, 1.8, n), np.zeros(n))
        for pt in _RADIATION
    ]
    recoil = -(radiation[0] + radiation[1])[:, 1:3]
    leptonic, hadronic, b, other_b = (_from_higgs if signal else _from_tops)(recoil, n, rng)
    zero = np.zeros(n)
    lepton, neutrino = two_body(leptonic, zero, zero, rng)
    quarks = two_body(hadronic, zero, zero, rng)
    partons = np.stack([b, other_b, *quarks, *radiation], axis=1)
    return Event(lepton, neutrino, partons, np.array([True, True, False, False, False, False]))


def _system(recoil: np.ndarray, masses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the momenta (n, 4) of what was produced, with the transverse momentum (n, 2) of the recoil."""
    pt, phi = np.hypot(*recoil.T), np.arctan2(recoil[:, 1], recoil[:, 0])
    return from_transverse(pt, phi, rng.normal(0, 0.8, len(masses)), masses)


def _from_higgs(recoil: np.ndarray, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the momenta of the W that decays to leptons, the other W, and both b quarks."""
    first_mass, second_mass = resonance(*_W, n, rng), resonance(*_W, n, rng)
    charged_mass, light_mass = resonance(*_CHARGED, n, rng), resonance(*_LIGHT, n, rng)
    heavy = _system(recoil, np.maximum(resonance(*_H0, n, rng), first_mass + charged_mass), rng)
    first, charged = two_body(heavy, first_mass, charged_mass, rng)
    second, light = two_body(charged, second_mass, light_mass, rng)
    swap = rng.random((n, 1)) < 0.5
    return [np.where(swap, second, first), np.where(swap, first, second), *_quarks(light, rng)]


def _quarks(parent: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    return two_body(parent, np.zeros(len(parent)), np.zeros(len(parent)), rng)


def _from_tops(recoil: np.ndarray, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the momenta of the W that decays to leptons, the other W, and both b quarks."""
    pt, phi = rng.gamma(2.2, 50.0, n), rng.uniform(-np.pi, np.pi, n)
    apart = rng.normal(0, 0.55, n)  # half the difference of the rapidities
    zero = np.zeros(n)
    tops = [
        from_transverse(pt, phi + turn, sign * apart, resonance(*_TOP, n, rng)) for sign, turn in ((1, 0), (-1, np.pi))
    ]
    pair = tops[0] + tops[1]
    system = _system(recoil, mass(pair), rng)
    # From the pair's own frame, where its momentum is undone, to that of the recoiling system.
    back = pair * np.array([1, -1, -1, -1])
    decays = []
    for top in tops:
        moved = boost(boost(top, back), system)
        w_mass = np.minimum(resonance(*_W, n, rng), mass(moved))
        decays.append(two_body(moved, w_mass, zero, rng))
    return [decays[0][0], decays[1][0], decays[0][1], decays[1][1]]


def generate_decays(spec: Decays, block: int) -> Chunk:
    """Return one block of events: features float64 (n, 28) and classes int64 (n,), in turns background and signal.

    They depend on the arguments alone. A last block that is shorter holds the beginning of what a whole one would, so
    that a larger ``n`` appends.

    Raises:
        ValueError: no such block.
    """
    size = block_size(spec.n, BLOCK, block)
    features = np.empty((BLOCK, len(HIGGS)))
    for label in (0, 1):
        rng = seeds.generator(spec.seed, "decays", 2 * block + label)
        wanted, found = BLOCK // 2, []
        while sum(map(len, found)) < wanted:
            found.append(reconstruct(generate_partons(label == 1, _CANDIDATES, rng), rng))
        features[label::2] = np.concatenate(found)[:wanted]
    return features[:size], np.arange(size, dtype=np.int64) % 2


def entries(spec: Decays) -> Entries:
    """Return generated decays as entries of a problem."""
    return Entries(
        answers="classes",
        shape=(len(HIGGS),),
        parts=drawn(spec.n, BLOCK, lambda block: generate_decays(spec, block)),
        columns=HIGGS,
        units=UNITS,
        classes=CLASSES,
    )
