"""Whether momenta are in the unit that they are taken for: what jets of GeV look like, and what those of MeV do.

A jet's own pT does not tell, since jets of 20 GeV and of 20 TeV both exist; its constituents' do: hadrons come with
some hundred MeV to some GeV, whatever the jet has, and many of them have the mass of a pion.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from jetpulse.jets.kinematics import jet_momenta, pt_eta_phi
from jetpulse.samples import Block

_JETS = 10_000  # of a file that are looked at; a unit is that of all
_MOST_SOFT, _MOST_PT = 100.0, 1000.0  # GeV: the median constituent and jet of MeV lie above both, of GeV below one
_LEAST_SOFT, _LEAST_PT = 0.03, 1.0  # GeV: the median constituent or jet of TeV, or of GeV as MeV, lie below one of them
_PION = 0.13957  # GeV
_PIONS = 0.1  # of the constituents whose mass is resolved: no other particle is so common
_RESOLVED = 2.0**-17  # of E^2, what float32 leaves of the squared mass
_LOGARITHMS, _FEWEST = 9.6, 100  # GeV: e^9.6 is more than any beam has; jets that must agree
_HINTS = {
    ("GeV", "large"): "set `unit: MeV` if the file is in MeV",
    ("GeV", "small"): "set `unit: TeV` if the file is in TeV",
    ("MeV", "small"): "set `unit: GeV` if the file is in GeV",
    ("TeV", "large"): "set `unit: GeV` if the file is in GeV",
}


_LOPSIDED = 4.0  # times as far from the axis in one angle as in the other; jets are round, towers not quite


@dataclass
class _Seen:
    """The first jets of a file: pT of jets and constituents in GeV, resolved masses, distances (2, n) from the axis."""

    jets: list[np.ndarray] = field(default_factory=list)
    constituents: list[np.ndarray] = field(default_factory=list)
    masses: list[np.ndarray] = field(default_factory=list)
    distances: list[np.ndarray] = field(default_factory=list)  # in eta and in phi


class Scales:
    """Looks at the first jets of every file, and says which of them do not look as jets in this unit do."""

    def __init__(self, unit: str = "GeV", logarithms: bool = False) -> None:
        """Start without jets; ``unit`` is that of the files, ``logarithms`` whether these have a column of pT."""
        self._unit, self._logarithms = unit, logarithms
        self._seen: dict[str, _Seen] = {}

    def add(self, path: str, block: Block) -> None:
        """Take in jets of a file, their constituents (total, 4) in GeV."""
        seen = self._seen.setdefault(path, _Seen())
        room = _JETS - sum(map(len, seen.jets))
        if room <= 0 or not len(block):
            return
        offsets = block.offsets[: room + 1]
        constituents = block.flat["constituents"][: offsets[-1]].astype(np.float64)
        axis, own = np.stack(pt_eta_phi(jet_momenta(constituents, offsets))), np.stack(pt_eta_phi(constituents))
        seen.jets.append(axis[0])
        seen.constituents.append(own[0])
        around = np.repeat(axis[1:], np.diff(offsets), axis=1)
        measured = np.isfinite(own[1]) & np.isfinite(around[0])  # along the beam there is no direction
        eta, phi = own[1:, measured] - around[:, measured]
        seen.distances.append(np.abs([eta, np.remainder(phi + np.pi, 2 * np.pi) - np.pi]))
        squared = constituents[:, 0] ** 2 - np.sum(constituents[:, 1:] ** 2, axis=1)
        seen.masses.append(np.sqrt(squared[squared > _RESOLVED * constituents[:, 0] ** 2]))

    def remarks(self) -> Iterator[str]:
        """Yield a line for every file whose momenta are implausible, with what could be meant."""
        for path, seen in self._seen.items():
            if not seen.jets:
                continue
            jets, constituents, masses = (np.concatenate(part) for part in (seen.jets, seen.constituents, seen.masses))
            if line := self._remark(jets, constituents, masses):
                yield f"{path}: {line}"
            if len(jets) >= _FEWEST and (line := _about_angles(np.concatenate(seen.distances, axis=1))):
                yield f"{path}: {line}"

    def _remark(self, jets: np.ndarray, constituents: np.ndarray, masses: np.ndarray) -> str:
        jet, soft, hardest = float(np.median(jets)), float(np.median(constituents)), float(constituents.max())
        found = f"the median pT is {jet:.4g} GeV of jets and {soft:.4g} GeV of constituents"
        many = len(masses) >= _FEWEST
        if (soft > _MOST_SOFT and jet > _MOST_PT) or (many and _fraction(masses, 1000 * _PION) > _PIONS):
            return f"{found}, implausibly large; {self._hint('large')}"
        if soft < _LEAST_SOFT or jet < _LEAST_PT or (many and _fraction(masses, _PION / 1000) > _PIONS):
            return f"{found}, implausibly small; {self._hint('small')}"
        if self._logarithms and len(jets) >= _FEWEST and hardest < _LOGARITHMS and hardest < jet / 2:
            return f"{found}, but no constituent has more than {hardest:.3g} GeV; is the column of pt its logarithm?"
        return ""

    def _hint(self, kind: str) -> str:
        return _HINTS.get((self._unit, kind), "check the unit")


def _about_angles(distances: np.ndarray) -> str:
    """Return a line if constituents lie farther from their axis in one angle than in the other: degrees, or turns."""
    if not distances.size:
        return ""
    eta, phi = np.median(distances, axis=1)
    if min(eta, phi) <= 0 or max(eta / phi, phi / eta) < _LOPSIDED:
        return ""
    return (
        f"the median constituent is {eta:.2g} in eta and {phi:.2g} in phi from its jet's axis, so jets are not round; "
        "is phi in radians, and eta the pseudorapidity?"
    )


def _fraction(masses: np.ndarray, mass: float) -> float:
    return float(np.mean(np.abs(masses / mass - 1) < 0.01))
