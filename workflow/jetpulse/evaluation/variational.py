"""How well a variational autoencoder gives spectra back, knows their fluxes and its own errors, and generates."""

import math
from typing import Any

import numpy as np
from scipy.stats import chi2
from threadpoolctl import threadpool_limits

from jetpulse.evaluation import adversarial, reconstruction
from jetpulse.evaluation.measures import Metrics, defined, fraction_with_error, mean_with_error, named
from jetpulse.evaluation.predictions import arrays_of
from jetpulse.evaluation.spectra import FluxFit, fit_fluxes, read_sample, spectra_of

TRAINING = adversarial.TRAINING
LEVELS = {"coverage_68": 0.683, "coverage_95": 0.954}
# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    **reconstruction.COLUMNS,
    "divergence": ("KL divergence", ".3f"),
    "coverage_68": ("coverage of 68 % posteriors", ".4f"),
    "coverage_95": ("coverage of 95 % posteriors", ".4f"),
    **adversarial.COLUMNS,
}


def posterior_of(predicted: dict[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of the posteriors, float64 (n, latent) each.

    Raises:
        UserError: they are not there.
    """
    mean, sigma = arrays_of(predicted, ("latent", "latent_sigma"), where)
    return mean.astype(np.float64), sigma.astype(np.float64)


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Raises:
        UserError: unusable predictions or truth.
    """
    metrics = reconstruction.measure(predicted, truth, attributes, where)
    sample = read_sample(truth, attributes, where)
    mean, sigma = posterior_of(predicted, where)
    generated = spectra_of(predicted, "generated", sample, where)
    divergence = divergences(mean, sigma)
    value, error = mean_with_error(divergence.sum(axis=1))
    metrics |= {"divergence": value, "divergence_error": error}
    metrics |= {f"divergence_{i + 1}": float(x) for i, x in enumerate(divergence.mean(axis=0))}
    fit = None if sample.flux is None else fit_fluxes(mean, sample.flux)
    distance = np.full(len(sample), math.nan) if fit is None else flux_distance(fit, sample.flux, sigma)
    for name, level in LEVELS.items():
        fraction = (math.nan,) * 4
        if not np.isnan(distance).any():
            fraction = fraction_with_error(distance <= chi2.ppf(level, sample.flux.shape[1]))
        metrics |= named(name, *fraction)
    training = adversarial.training_of(truth, attributes, where)
    return defined(metrics | adversarial.measure_generated(sample, generated, training))


def divergences(mean: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the KL divergence of Gaussian posteriors from the unit Gaussian, for every dimension, (n, latent)."""
    return 0.5 * (mean**2 + sigma**2 - 2 * np.log(sigma) - 1)


def flux_distance(fit: FluxFit, flux: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the squared distance of true fluxes (n, lines) from the posteriors', in units of their covariance, (n,).

    The posteriors, Gaussians of standard deviations ``sigma`` (n, latent), are mapped to fluxes by the linear fit.
    nan where there are fewer latent dimensions than lines, or where they are not independent: such a posterior is
    flat, and no flux lies in it.
    """
    lines = flux.shape[1]
    root = fit.slope[fit.half] * sigma[:, None, :]
    if min(np.linalg.matrix_rank(slope) for slope in fit.slope) < lines:
        return np.full(len(flux), math.nan)
    residual = (flux - fit.flux)[..., None]
    covariance = root @ root.transpose(0, 2, 1)
    try:
        return (residual * np.linalg.solve(covariance, residual)).sum(axis=(1, 2))
    except np.linalg.LinAlgError:
        return np.full(len(flux), math.nan)
