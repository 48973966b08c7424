"""What a sample of jets looks like: counts, distributions and oddities, gathered block by block."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.jets.checks import ROUNDING, check_energies
from jetpulse.jets.distributions import Distribution
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.jets.observables import CLASSES, UNITS, lies_across_phi, observables, space_like
from jetpulse.jets.scales import Scales
from jetpulse.samples import SPLITS, Block, iterate_blocks, read_attributes, split_sizes
from jetpulse.samples.duplicates import hash_examples

QUANTILES = (0.01, 0.05, 0.25, 0.75, 0.95, 0.99)
RUN = 1000  # consecutive jets whose share of top jets is looked at
_ROWS = 10_000
Progress = Callable[[int], None]


class Survey:
    """Counts and distributions of a sample, filled block by block.

    Memory does not grow with the number of jets, but for eight bytes each, by which equal jets are found.
    """

    def __init__(self) -> None:
        """Start without jets."""
        self.jets: Counter[tuple[str, int]] = Counter()  # by split and label
        self.distributions = {(name, label): Distribution() for name in (*UNITS, "constituent_pt") for label in CLASSES}
        self.single: Counter[int] = Counter()  # jets of one constituent, by label
        self.across: Counter[int] = Counter()  # jets on both sides of phi = +-pi, by label
        self.shares: tuple[float, float] = (math.nan, math.nan)  # least and largest share of top jets in a run
        self.constituents = 0
        self.space_like = 0
        self.largest_space_like = 0.0
        self.scales = Scales()
        self._hashes: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}

    def add(self, split: str, block: Block) -> None:
        """Take in jets of a split: ``label`` and ``constituents`` with their offsets."""
        self.scales.add(split, block)
        label, constituents, offsets = block.entries["label"], block.flat["constituents"], block.offsets
        quantities = observables(constituents, offsets)
        constituent_pt, constituent_label = pt_eta_phi(constituents)[0], np.repeat(label, np.diff(offsets))
        across = lies_across_phi(constituents, offsets)
        for kind in CLASSES:
            chosen = label == kind
            self.jets[split, kind] += int(chosen.sum())
            for name, values in quantities.items():
                self.distributions[name, kind].add(values[chosen])
            self.distributions["constituent_pt", kind].add(constituent_pt[constituent_label == kind])
            self.single[kind] += int(np.sum(quantities["multiplicity"][chosen] == 1))
            self.across[kind] += int(across[chosen].sum())
        runs = label[: len(label) // RUN * RUN].reshape(-1, RUN).mean(axis=1)
        if len(runs):
            least, largest = self.shares
            self.shares = float(np.fmin(least, runs.min())), float(np.fmax(largest, runs.max()))
        excess = space_like(constituents)
        self.constituents += len(constituents)
        self.space_like += int(np.sum(excess > ROUNDING))
        self.largest_space_like = max(self.largest_space_like, float(excess.max(initial=0.0)))
        self._hashes[split].append(hash_examples(block))

    def shared(self, other: "Survey") -> int:
        """Return how many different jets are in both samples, whatever their splits."""
        return len(np.intersect1d(np.concatenate(self._unique()), np.concatenate(other._unique())))

    def _unique(self) -> list[np.ndarray]:
        """Return the different hashes of every split, uint64."""
        return [np.unique(np.concatenate([np.zeros(0, np.uint64), *blocks])) for blocks in self._hashes.values()]

    def duplicates(self) -> tuple[int, int]:
        """Return how many jets equal another one of their split, and one of another split; the first is not counted."""
        together = np.concatenate(self._unique())
        within = sum(len(block) for blocks in self._hashes.values() for block in blocks) - len(together)
        return within, len(together) - len(np.unique(together))


def survey_jets(samples: str | Path, progress: Progress = lambda n: None) -> Survey:
    """Return the survey of all splits of a samples file.

    Raises:
        UserError: not a sample of jets, a damaged file, or momenta that mean nothing.
    """
    read_attributes(samples, "jets")
    survey = Survey()
    for split in split_sizes(samples):
        row = 0
        for block in iterate_blocks(samples, split, _ROWS):
            rows = Block({**block.entries, "row": np.arange(row, row + len(block))}, block.offsets, block.flat)
            check_energies(rows, f"{samples}: split {split!r}")
            row += len(block)
            survey.add(split, block)
            progress(len(block))
    return survey


def describe_survey(survey: Survey) -> dict[str, Any]:
    """Return a survey as numbers that JSON can hold; those that are not defined are None."""
    totals = {split: sum(survey.jets[split, label] for label in CLASSES) for split in SPLITS}
    within, between = survey.duplicates()
    return _defined(
        {
            "jets": {split: {name: survey.jets[split, label] for label, name in CLASSES.items()} for split in SPLITS},
            "top_share": {split: _share(survey.jets[split, 1], totals[split]) for split in SPLITS},
            f"top_share_of_{RUN}": {"least": survey.shares[0], "largest": survey.shares[1]},
            "units": UNITS | {"constituent_pt": "GeV"},
            "classes": {name: _describe_class(survey, label) for label, name in CLASSES.items()},
            "constituents": {
                "number": survey.constituents,
                "space_like": survey.space_like,
                "largest_space_like": survey.largest_space_like,
            },
            "duplicates": {"within_splits": within, "between_splits": between},
            **({"remarks": remarks} if (remarks := list(survey.scales.remarks())) else {}),
        }
    )


def _describe_class(survey: Survey, label: int) -> dict[str, Any]:
    jets = sum(survey.jets[split, label] for split in SPLITS)
    described: dict[str, Any] = {
        "jets": jets,
        "one_constituent": _share(survey.single[label], jets),
        "across_phi": _share(survey.across[label], jets),
    }
    for name in (*UNITS, "constituent_pt"):
        found = survey.distributions[name, label]
        described[name] = {
            "entries": found.entries,
            "undefined": found.undefined,
            "mean": found.mean,
            "mean_error": found.mean_error,
            "median": found.quantile(0.5),
            "median_error": math.nan if name == "multiplicity" else found.median_error,  # whole numbers hide it
            "min": found.low,
            "quantiles": {f"{q:g}": found.quantile(q) for q in QUANTILES},
            "max": found.high,
        }
    return described


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _defined(value: Any) -> Any:
    """Return nested numbers with None in place of those that are not finite."""
    if isinstance(value, dict):
        return {name: _defined(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
