"""What cuts on a classifier's score do to the mass of background jets: a peak that a cut makes looks like a signal.

The measure is that of ATL-PHYS-PUB-2018-014 and of Kasieczka, Shih (arXiv:2001.05310): the Jensen-Shannon divergence
between the mass distributions of the background that passes and of that which fails, at a given signal efficiency.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse import seeds
from jetpulse.evaluation.classification import cut_at, scores_of
from jetpulse.evaluation.predictions import check_events, read_predicted
from jetpulse.jets.kinematics import jet_momenta, mass
from jetpulse.samples import iterate_blocks, read_attributes

EFFICIENCIES = (0.5, 0.3)
_BINS = 40
_DRAWS = 200
_MOST = 0.995  # quantile of the background's mass where the last bin, which takes what lies above, ends


@dataclass(frozen=True)
class Sculpting:
    """The jets of one test split: ``mass`` in GeV and ``label`` (n,), every training's ``scores`` (seeds, n)."""

    mass: np.ndarray
    label: np.ndarray
    scores: np.ndarray
    probability: bool

    def edges(self) -> np.ndarray:
        """Return the edges of equal bins of the mass (GeV), which do not depend on the scores."""
        return np.linspace(0.0, max(float(np.quantile(self.mass[self.label == 0], _MOST)), 1e-9), _BINS + 1)

    def passing(self, efficiency: float) -> np.ndarray:
        """Return which jets pass every training's cut that keeps this part of the signal, bool (seeds, n)."""
        return np.array([score >= cut_at(self.label, score, efficiency) for score in self.scores])

    def histogram(self, chosen: np.ndarray) -> np.ndarray:
        """Return the numbers of chosen jets in the bins of the mass, float64."""
        edges = self.edges()
        return np.histogram(np.clip(self.mass[chosen], None, edges[-1]), edges)[0].astype(float)


def read_sculpting(predictions: Sequence[Path], samples: Path, dataset: str) -> Sculpting:
    """Read what ``Sculpting`` holds from every training's predictions and the samples that were predicted.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    found, masses = _masses(samples)
    labels, scores, kinds = [], [], []
    for path in predictions:
        where = f"{path}: {dataset}"
        predicted = read_predicted(path, dataset)
        label, score = scores_of(predicted, where)
        check_events(predicted["event"], found, where, samples)
        labels.append(label)
        scores.append(score)
        kinds.append("probability" in predicted)
    return Sculpting(masses, labels[0], np.array(scores), all(kinds))


def _masses(samples: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return event and jet mass (GeV) of a test split; read in blocks, the constituents are not kept."""
    read_attributes(samples, "jets")
    event, masses = [], []
    for block in iterate_blocks(samples, "test"):
        event.append(block.entries["event"])
        masses.append(mass(jet_momenta(block.flat["constituents"], block.offsets)))
    return np.concatenate(event), np.concatenate(masses)


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence in bits of two histograms (bins,): 0 for equal shapes, 1 without overlap.

    It is not defined (nan) when one of them is empty.
    """
    if first.sum() == 0 or second.sum() == 0:
        return math.nan
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return sum(float(np.sum(part[part > 0] * np.log2(part[part > 0] / middle[part > 0]))) for part in (p, q)) / 2


def expected_by_chance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean divergence in bits of as many entries, dealt to two histograms blindly; the same every time."""
    if first.sum() == 0 or second.sum() == 0:
        return math.nan
    both = (first + second).astype(np.int64)
    blind = seeds.generator(1, "bootstrap").multivariate_hypergeometric(
        both, int(first.sum()), _DRAWS, method="marginals"
    )
    return float(np.mean([jensen_shannon(part, both - part) for part in blind]))


def measure_sculpting(jets: Sculpting) -> dict[str, Any]:
    """Return the divergences at every efficiency: median over trainings, single values, what chance would give."""
    background = jets.label == 0
    cuts = {}
    for efficiency in EFFICIENCIES:
        pairs = [
            (jets.histogram(passed & background), jets.histogram(~passed & background))
            for passed in jets.passing(efficiency)
        ]
        values = [jensen_shannon(*pair) for pair in pairs]
        chance = [expected_by_chance(*pair) for pair in pairs]
        cuts[f"{efficiency:.0%}"] = {
            "inverse_jsd": _inverse(values),
            "inverse_jsd_chance": _inverse(chance),
            "jsd": [value if math.isfinite(value) else None for value in values],
            "background_passing": [int(passed.sum()) for passed, _ in pairs],
        }
    edges = jets.edges()
    return {"background": int(background.sum()), "bins": _BINS, "largest_mass": float(edges[-1]), "cuts": cuts}


def _inverse(values: Sequence[float]) -> float | None:
    median = float(np.median(values))
    return 1 / median if math.isfinite(median) and median > 0 else None


def score_profile(jets: Sculpting, label: int, least: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of the mass bins (GeV) and the mean score of a class in them, (seeds, bins).

    Bins with fewer than ``least`` jets are nan.
    """
    edges, chosen = jets.edges(), jets.label == label
    inside = np.clip(np.searchsorted(edges, jets.mass[chosen], side="right") - 1, 0, _BINS - 1)
    counts = np.bincount(inside, minlength=_BINS)
    sums = np.array([np.bincount(inside, weights=score[chosen], minlength=_BINS) for score in jets.scores])
    with np.errstate(invalid="ignore"):
        means = np.where(counts >= least, sums / counts, np.nan)
    return (edges[:-1] + edges[1:]) / 2, means


def score_error(jets: Sculpting, label: int) -> np.ndarray:
    """Return the standard error (bins,) of the mean over trainings of a class's scores in the bins of the mass.

    Of fewer than two jets it is nan.
    """
    edges, chosen = jets.edges(), jets.label == label
    inside = np.clip(np.searchsorted(edges, jets.mass[chosen], side="right") - 1, 0, _BINS - 1)
    score = jets.scores[:, chosen].mean(axis=0)
    counts = np.bincount(inside, minlength=_BINS)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(inside, weights=score, minlength=_BINS) / counts
        square = np.bincount(inside, weights=(score - mean[inside]) ** 2, minlength=_BINS)
        return np.where(counts > 1, np.sqrt(square / (counts - 1) / counts), np.nan)
