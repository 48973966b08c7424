"""How well generated spectra agree with real ones, as distributions."""

import math
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from jetpulse.evaluation.measures import Metrics, defined
from jetpulse.evaluation.spectra import Sample, check_array, read_sample
from jetpulse.evaluation.two_sample import comparable, draw_counts, poisson_error, two_sample_auc, wasserstein
from jetpulse.spectra.generator import background, line_shapes

_ABSENT = 0.01  # of a line's median flux: less counts as no line
# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "wasserstein": ("Wasserstein distance [σ]", ".4f"),
    "wasserstein_floor": ("of equal samples", ".4f"),
    "two_sample_auc": ("two-sample AUC, expected counts", ".4f"),
    "two_sample_auc_counts": ("two-sample AUC, counts", ".4f"),
    "absent_distance": ("error of the fraction without a line", ".4f"),
}


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Raises:
        UserError: unusable predictions or truth.
    """
    sample = read_sample(truth, attributes, where)
    generated = check_array(predicted, "generated", sample, where)
    return defined({"entries": len(sample)} | measure_generated(sample, generated))


def measure_generated(sample: Sample, generated: np.ndarray) -> Metrics:
    """Return the metrics of generated spectra (m, bins), expected counts without noise; undefined values are nan.

    ``two_sample_auc`` compares them with the sample's expected counts, smeared by a tenth of a spectrum's Poisson
    error; ``two_sample_auc_counts`` counts drawn from them with the sample's counts, as they are.
    """
    expected = sample.expected()
    distance, floor = wasserstein(*comparable(sample, generated), noisy=expected is None)
    smooth, counted = (math.nan, math.nan), (math.nan, math.nan)
    if expected is not None:
        smooth = two_sample_auc(expected, generated, poisson_error(expected))
    if sample.noisy:
        counted = two_sample_auc(sample.counts, draw_counts(generated), poisson_error(sample.counts), 0.0)
    return {
        "wasserstein": distance,
        "wasserstein_floor": floor,
        "two_sample_auc": smooth[0],
        "two_sample_auc_error": smooth[1],
        "two_sample_auc_counts": counted[0],
        "two_sample_auc_counts_error": counted[1],
        "absent_distance": absent_distance(sample, generated),
    }


def absent_distance(sample: Sample, generated: np.ndarray) -> float:
    """Return by how much the fraction of generated spectra without a line is wrong, for the worst line.

    A line is absent if its flux is below 1 % of the median flux of the generator's settings; fluxes of generated
    spectra are those of a linear fit of the lines' shapes, weighted by the Poisson errors of the mean spectrum.
    nan where the settings are not known.
    """
    if sample.spec is None or sample.flux is None:
        return math.nan
    error = poisson_error(sample.expected())
    design = (line_shapes(sample.spec) / error).T
    fitted = np.linalg.lstsq(design, ((generated - background(sample.spec)) / error).T)[0].T
    least = _ABSENT * np.array([line.flux for line in sample.spec.lines])
    fractions = [(flux < least).mean(axis=0) for flux in (sample.flux, fitted)]
    return float(np.abs(fractions[0] - fractions[1]).max())
