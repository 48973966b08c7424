"""How well an autoencoder gives spectra back, and what its latent coordinates know of the lines' fluxes."""

import math
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from jetpulse.evaluation.measures import Metrics, defined, mean_with_error
from jetpulse.evaluation.spectra import fit_fluxes, latent_of, measure_fluxes, read_sample, spectra_of

# Metric -> title and format of the number, in the comparison's table and the summary.
COLUMNS = {
    "chi_square": ("χ² per bin", ".4f"),
    "flux_correlation": ("correlation of the fluxes", ".5f"),
    "flux_resolution": ("error of the fluxes", ".3f"),
    "flux_resolution_fit": ("error of a fit of the lines", ".3f"),
}


def chi_square(counts: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """Return the mean over bins of (counts - reconstruction)^2 / variance for every spectrum, (n,).

    The variance is Poisson's: the reconstruction, of at least 1 count. For counts with noise a perfect reconstruction
    has 1 on average; for counts without noise it has 0, and the number is the squared distance in Poisson errors.
    """
    return np.mean((counts - reconstruction) ** 2 / np.maximum(reconstruction, 1.0), axis=1)


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def measure(
    predicted: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: dict[str, Any], where: str
) -> Metrics:
    """Return every metric of one dataset's predictions; undefined values are None.

    Chi-square is not defined for values that cannot be counts, see ``Sample.noisy``.

    Raises:
        UserError: unusable predictions or truth.
    """
    sample = read_sample(truth, attributes, where)
    reconstruction = spectra_of(predicted, "reconstruction", sample, where)
    latent = latent_of(predicted, where)
    value, error = math.nan, math.nan
    if sample.poisson_known:  # else a variance that is not the values' would make any number of it
        value, error = mean_with_error(chi_square(sample.counts, reconstruction))
    fit = None if sample.flux is None else fit_fluxes(latent, sample.flux)
    metrics: Metrics = {"entries": len(sample), "chi_square": value, "chi_square_error": error}
    return defined(metrics | measure_fluxes(fit, sample))
