"""The files of a sample's validation and of the agreement of two: survey, draw, tabulate, write."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jetpulse.figures.style import save_figure
from jetpulse.figures.table import write_page
from jetpulse.figures.validation import agreement, kinematics
from jetpulse.figures.validation_tables import agreement_table, validation_tables
from jetpulse.jets.agreement import Comparison, compare_surveys
from jetpulse.jets.distributions import Binned, common_edges
from jetpulse.jets.observables import CLASSES, UNITS
from jetpulse.jets.validation import Progress, Survey, describe_survey, survey_jets
from jetpulse.samples import SPLITS, dump_json

AGREEMENT = ("mass", "multiplicity", "leading_fraction", "pt")
_MOST_BINS = 50


def write_validation(
    samples: Path, dataset: str, report: Path, figure: Path, table: Path, progress: Progress = lambda n: None
) -> Survey:
    """Survey a sample of jets: numbers as JSON and as an HTML table, distributions as a figure.

    Raises:
        UserError: not a sample of jets, or a damaged file.
    """
    survey = survey_jets(samples, progress)
    described = describe_survey(survey)
    bins = _bins([survey], _MOST_BINS)
    histograms = {name: _histograms([survey], name, bins)[0] for name in UNITS}
    save_figure(kinematics(histograms, _spectrum(survey)), figure)
    write_page(f"{dataset}: validation", validation_tables(described, dataset), table)
    dump_json(report, described)
    return survey


def _bins(surveys: Sequence[Survey], most: int) -> int:
    """Return a number of bins that gives those of the smallest class a relative error of about a quarter."""
    jets = [sum(survey.jets[split, label] for split in SPLITS) for survey in surveys for label in CLASSES]
    return int(np.clip(min((n for n in jets if n), default=0) / 16, 8, most))


def _histograms(surveys: Sequence[Survey], name: str, bins: int) -> list[dict[int, Binned]]:
    """Return the histograms by label of every survey, all in the same bins."""
    found = [{label: survey.distributions[name, label] for label in CLASSES} for survey in surveys]
    everything = [distribution for classes in found for distribution in classes.values()]
    edges = common_edges(everything, bins, whole=name == "multiplicity")
    return [{label: Binned(edges, d.binned(edges), d.entries) for label, d in classes.items()} for classes in found]


def _spectrum(survey: Survey) -> dict[int, tuple[Binned, int]]:
    """Return the constituents' pT in bins of equal ratio, and the number of jets, by label; pT of 0 lies outside."""
    found = {label: survey.distributions["constituent_pt", label] for label in CLASSES}
    positive = [d.quantile(q) for d in found.values() for q in (0.001, 1.0) if d.quantile(q) > 0]
    low, high = (min(positive), max(positive) * 1.001) if positive else (1.0, 10.0)
    edges = np.geomspace(low, high, _MOST_BINS + 1)
    return {
        label: (Binned(edges, d.binned(edges), d.entries), sum(survey.jets[split, label] for split in SPLITS))
        for label, d in found.items()
    }


def write_agreement(
    samples: Mapping[str, Path], figure: Path, table: Path, progress: Progress = lambda n: None
) -> list[Comparison]:
    """Draw the distributions of two samples of jets over one another and tabulate means, medians and their ratios.

    Args:
        samples: name -> samples.h5 of both samples.
        figure: figure to write.
        table: HTML to write.
        progress: is told how many jets were read.

    Raises:
        UserError: not two samples of jets, or a damaged file.
    """
    first, second = names = tuple(samples)
    surveys = [survey_jets(path, progress) for path in samples.values()]
    bins = _bins(surveys, 40)
    pairs = {name: _histograms(surveys, name, bins) for name in AGREEMENT}
    by_sample = [{name: pair[i] for name, pair in pairs.items()} for i in range(2)]
    save_figure(agreement(*by_sample, names), figure)
    compared = compare_surveys(*surveys)
    write_page(f"{second} and {first}", [agreement_table(compared, names)], table)
    return compared
