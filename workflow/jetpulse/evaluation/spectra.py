"""What the measures of all tasks on spectra share: the sample's truth, predicted spectra, recovery of fluxes."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jetpulse.config import Counts, SpectrumDataset
from jetpulse.errors import UserError
from jetpulse.evaluation.measures import Metrics
from jetpulse.evaluation.predictions import arrays_of
from jetpulse.spectra.generator import expected_counts, line_shapes

_EXACT = 2.0**24  # float32, as which samples are stored, holds every whole number up to here
_ENOUGH = 20  # so many counts have no common divisor by chance


@dataclass(frozen=True)
class Sample:
    """The truth about spectra: ``counts`` float64 (n, bins), ``flux`` (n, lines) and the generator's settings if known.

    ``noisy`` tells whether the counts have Poisson noise, or are expectations already.
    """

    counts: np.ndarray
    flux: np.ndarray | None
    spec: Counts | None

    def __len__(self) -> int:
        """Return the number of spectra."""
        return len(self.counts)

    @cached_property
    def noisy(self) -> bool:
        """Return whether the counts have Poisson noise; those of files are taken to have it if they can be counts."""
        return _can_be_counts(self.counts) if self.spec is None else self.spec.poisson

    @property
    def poisson_known(self) -> bool:
        """Return whether the error of a value is the square root of what is expected; not of values of another unit."""
        return self.spec is not None or self.noisy

    def expected(self) -> np.ndarray | None:
        """Return the spectra without noise, float64 (n, bins), or None where they are not known."""
        if self.spec is None:
            return None
        return expected_counts(self.spec, np.zeros((len(self), 0)) if self.flux is None else self.flux)


def _can_be_counts(values: np.ndarray) -> bool:
    """Return whether values are whole numbers from 0 on that have no common divisor, as scaled counts would have."""
    if (values < 0).any() or (values != np.rint(values)).any():
        return False
    small = values[(values > 0) & (values < _EXACT)].astype(np.int64)
    return len(small) < _ENOUGH or int(np.gcd.reduce(small)) == 1


def read_sample(truth: Mapping[str, np.ndarray], attributes: Mapping[str, Any], where: str) -> Sample:
    """Return the truth about a test split from its entries and the root attributes of samples.h5.

    Raises:
        UserError: not a sample of spectra, or without entries.
    """
    if "counts" not in truth or truth["counts"].ndim != 2 or "dataset" not in attributes:
        raise UserError(f"{where}: its sample lacks test/counts (n, bins); is it a dataset of kind 'spectra'?")
    if not len(truth["counts"]):
        raise UserError(f"{where}: has no entries; the test split must not be empty")
    spec = SpectrumDataset.model_validate(json.loads(attributes["dataset"])).source.counts
    return Sample(truth["counts"].astype(np.float64), truth.get("flux"), spec)


def spectra_of(predicted: Mapping[str, np.ndarray], name: str, sample: Sample, where: str) -> np.ndarray:
    """Return reconstructed or generated spectra, float64 (n, bins).

    Raises:
        UserError: they are not there, or have other bins than the sample's.
    """
    (values,) = arrays_of(predicted, (name,), where)
    if values.shape[1] != sample.counts.shape[1]:
        found, expected = values.shape[1], sample.counts.shape[1]
        raise UserError(f"{where}: {name} has {found} bins, the sample's spectra have {expected}; predict again")
    return values.astype(np.float64)


def latent_of(predicted: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Return latent coordinates, float64 (n, latent).

    Raises:
        UserError: they are not there.
    """
    return arrays_of(predicted, ("latent",), where)[0].astype(np.float64)


@dataclass(frozen=True)
class FluxFit:
    """Fluxes from a linear fit to latent coordinates, each entry's by the fit to the half that it is not in.

    ``flux`` (n, lines); ``slope`` (2, lines, latent), flux per unit of latent; ``half`` (n,), which slope is whose.
    """

    flux: np.ndarray
    slope: np.ndarray
    half: np.ndarray


def fit_fluxes(latent: np.ndarray, flux: np.ndarray) -> FluxFit | None:
    """Fit fluxes (n, lines) by latent coordinates (n, latent) and an offset: least squares, two-fold cross-fitted.

    Entries at even places are fitted by those at odd places and the other way round, so that no entry takes part in
    its own prediction. With fewer than two entries more than parameters in a half there is no fit: None.
    """
    half = np.arange(len(latent)) % 2
    if len(latent) // 2 < latent.shape[1] + 3:
        return None
    found, slopes = np.empty(flux.shape), []
    for number in (0, 1):
        inside, centre = half == number, latent[half != number].mean(axis=0)
        design = np.hstack([latent - centre, np.ones((len(latent), 1))])
        solution = np.linalg.lstsq(design[~inside], flux[~inside])[0]
        found[inside] = design[inside] @ solution
        slopes.append(solution[:-1].T)
    return FluxFit(found, np.array(slopes), half)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two arrays (n,); nan where one of them does not vary."""
    first, second = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0 else math.nan


def measure_fluxes(fit: FluxFit | None, sample: Sample) -> Metrics:
    """Return how well fitted fluxes agree with the true ones; undefined values are nan.

    ``flux_correlation`` is the smallest correlation of a line's fluxes, ``flux_resolution`` the largest root mean
    square residual; both are given for every line too. ``flux_resolution_fit`` is what a fit of the lines' known
    shapes to the counts would reach (Cramér-Rao).
    """
    names = ("flux_correlation", "flux_resolution", "flux_resolution_fit")
    if sample.flux is None:
        return dict.fromkeys(names, math.nan)
    lines = sample.flux.shape[1]
    limit = fit_resolution(sample)
    found = np.full((2, lines), math.nan)
    if fit is not None:
        found[0] = [correlation(*pair) for pair in zip(fit.flux.T, sample.flux.T, strict=True)]
        found[1] = np.sqrt(np.mean((fit.flux - sample.flux) ** 2, axis=0))
    metrics: Metrics = dict(zip(names, (float(found[0].min()), float(found[1].max()), float(limit.max())), strict=True))
    for line in range(lines):
        values = (*found[:, line], limit[line])
        metrics |= {
            f"flux_{line + 1}{name.removeprefix('flux')}": float(x) for name, x in zip(names, values, strict=True)
        }
    return metrics


def fit_resolution(sample: Sample) -> np.ndarray:
    """Return the root mean square error (lines,) of fluxes fitted to the counts with lines of known shape.

    It is the Cramér-Rao bound for Poisson counts: the inverse of the sum over bins of shape_i shape_j / expected
    counts. nan where the generator's settings are not known, and for counts without noise.
    """
    lines = 0 if sample.flux is None else sample.flux.shape[1]
    if sample.spec is None or not sample.noisy:
        return np.full(lines, math.nan)
    shapes = line_shapes(sample.spec)
    # (n, lines * lines) as one product; a loop over entries would take as long as all else.
    products = (shapes[:, None] * shapes[None]).reshape(lines * lines, -1)
    information = ((1 / sample.expected()) @ products.T).reshape(-1, lines, lines)
    try:
        variance = np.diagonal(np.linalg.inv(information), axis1=1, axis2=2)
    except np.linalg.LinAlgError:  # two lines of the same shape, or one between the bins
        return np.full(lines, math.nan)
    return np.sqrt(variance.mean(axis=0)) if (variance > 0).all() else np.full(lines, math.nan)
