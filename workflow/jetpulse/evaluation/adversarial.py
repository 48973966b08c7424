"""How well generated spectra agree with real ones, as distributions."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from jetpulse.evaluation.measures import Metrics, defined
from jetpulse.evaluation.neighbours import density_coverage, expected_coverage, neighbour_distances
from jetpulse.evaluation.spectra import Sample, read_sample, spectra_of
from jetpulse.evaluation.two_sample import (
    MOST,
    RESOLUTION,
    classify,
    comparable,
    draw_counts,
    embed,
    poisson_error,
    two_sample_auc,
    wasserstein,
)
from jetpulse.spectra.generator import background, line_shapes

# Entries of the training split that a measure wants; distances are those from their neighbours among these.
TRAINING = 12_000
_FEWEST = 10  # entries that a classifier needs
_ABSENT = 0.01  # of a line's median flux: less counts as no line
# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "wasserstein": ("Wasserstein distance [σ]", ".4f"),
    "wasserstein_floor": ("of equal samples", ".4f"),
    "two_sample_auc": ("C2ST AUC of components, expected counts", ".4f"),
    "two_sample_auc_counts": ("C2ST AUC of components, counts", ".4f"),
    "two_sample_auc_neighbours": ("C2ST AUC of neighbours and fluxes", ".4f"),
    "density": ("density (1)", ".4f"),
    "coverage": ("coverage", ".4f"),
    "coverage_expected": ("of equal samples", ".4f"),
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
    generated = spectra_of(predicted, "generated", sample, where)
    training = training_of(truth, attributes, where)
    return defined({"entries": len(sample)} | measure_generated(sample, generated, training))


def training_of(truth: Mapping[str, np.ndarray], attributes: Mapping[str, Any], where: str) -> Sample | None:
    """Return entries of the training split that ``truth`` holds beside the test split; None without such."""
    arrays = {name.removeprefix("train/"): values for name, values in truth.items() if name.startswith("train/")}
    return read_sample(arrays, attributes, where) if len(arrays.get("counts", ())) else None


def measure_generated(sample: Sample, generated: np.ndarray, training: Sample | None = None) -> Metrics:
    """Return the metrics of generated spectra (m, bins), expected counts without noise; undefined values are nan.

    ``two_sample_auc`` compares them with the sample's expected counts, smeared by a tenth of a spectrum's Poisson
    error; ``two_sample_auc_counts`` counts drawn from them with the sample's counts, as they are. For the others see
    `neighbourhood`.
    """
    expected = sample.expected()
    distance, floor = wasserstein(*comparable(sample, generated), noisy=expected is None and sample.noisy)
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
        **neighbourhood(sample, generated, training),
        "absent_distance": absent_distance(sample, generated),
    }


def neighbourhood(sample: Sample, generated: np.ndarray, training: Sample | None) -> Metrics:
    """Return what the neighbours of generated spectra (m, bins) say of them; undefined values are nan.

    ``two_sample_auc_neighbours`` is a second classifier two-sample test, whose features are, beside the principal
    components, the logarithms of distances to the nearest, 5th and 20th nearest spectrum of ``training`` and, where the
    lines are known, the fluxes that a fit of them finds: a thin branch beside the true ones is far from these, though
    it changes no component's distribution, and what has been learned by heart is too near. Density and coverage are
    those of Naeem et al. (arXiv:2002.09797) with five neighbours, in the space of the components. Expected counts
    where they are known, smeared by a tenth of a spectrum's Poisson error, else counts; nothing is said of values that
    cannot be counts, since their noise is not known.
    """
    names = ("two_sample_auc_neighbours", "density", "coverage")
    if not sample.poisson_known:
        return dict.fromkeys([*names, *(f"{name}_error" for name in names), "coverage_expected"], math.nan)
    real, likewise = comparable(sample, generated)
    n = min(len(real), MOST)
    known = None if training is None else (comparable(training, generated)[0])
    samples = [real[:n], likewise[:n], *(() if known is None else (known,))]
    noise = poisson_error(real)
    components, smeared = embed(samples, noise, 0.0 if sample.expected() is None else RESOLUTION)
    auc = (math.nan, math.nan)
    if known is not None and n >= _FEWEST:
        features = [_features(sample, *pair, components[2]) for pair in zip(components[:2], smeared, strict=False)]
        auc = classify(*features)
    (density, density_error), (coverage, coverage_error) = density_coverage(*components[:2])
    return {
        "two_sample_auc_neighbours": auc[0],
        "two_sample_auc_neighbours_error": auc[1],
        "density": density,
        "density_error": density_error,
        "coverage": coverage,
        "coverage_error": coverage_error,
        "coverage_expected": expected_coverage(n, n),
    }


def _features(sample: Sample, components: np.ndarray, spectra: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return what the second classifier sees of spectra (n, bins): their components, distances, fluxes."""
    parts = [components, neighbour_distances(components, reference)]
    if sample.spec is not None and sample.spec.lines:
        parts.append(np.round(fit_lines(sample, spectra), 9))
    return np.hstack(parts)


def fit_lines(sample: Sample, spectra: np.ndarray) -> np.ndarray:
    """Return fluxes (n, lines): a linear fit of the known lines, weighted by the mean spectrum's Poisson errors."""
    error = poisson_error(sample.expected())
    design = (line_shapes(sample.spec) / error).T
    return np.linalg.lstsq(design, ((spectra - background(sample.spec)) / error).T)[0].T


def absent_distance(sample: Sample, generated: np.ndarray) -> float:
    """Return by how much the fraction of generated spectra without a line is wrong, for the worst line.

    A line is absent if its flux is below 1 % of the median flux of the generator's settings; fluxes of generated
    spectra are those of `fit_lines`. nan where the settings are not known.
    """
    if sample.spec is None or sample.flux is None:
        return math.nan
    fitted = fit_lines(sample, generated)
    least = _ABSENT * np.array([line.flux for line in sample.spec.lines])
    fractions = [(flux < least).mean(axis=0) for flux in (sample.flux, fitted)]
    return float(np.abs(fractions[0] - fractions[1]).max())
