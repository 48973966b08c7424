"""The files of unsupervised figures: predictions and samples in, SVG out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from jetpulse.evaluation.adversarial import TRAINING, neighbourhood, training_of
from jetpulse.evaluation.predictions import Arrays, read_predicted, read_training, read_truth
from jetpulse.evaluation.reconstruction import chi_square
from jetpulse.evaluation.spectra import Sample, fit_fluxes, latent_of, read_sample, spectra_of
from jetpulse.evaluation.two_sample import comparable, components_of
from jetpulse.evaluation.variational import posterior_of
from jetpulse.figures import latent as latents
from jetpulse.figures import unsupervised
from jetpulse.figures.spectra import example_spectra
from jetpulse.figures.style import save_figure

_DRAWS = 20


@dataclass(frozen=True)
class _Read:
    """One experiment's predictions by training, and the truth about the entries."""

    predicted: list[Arrays]
    wheres: list[str]
    sample: Sample
    event: np.ndarray
    training: Sample | None


def _read(predictions: Sequence[Path], samples: Path, dataset: str) -> _Read:
    found, wheres = [], [f"{path}: {dataset}" for path in predictions]
    for path, where in zip(predictions, wheres, strict=True):
        predicted = read_predicted(path, dataset)
        truth, attributes = read_truth(samples, "spectra", predicted, where)
        sample = read_sample(truth, attributes, where)
        found.append(predicted)
    training = training_of(read_training(samples, TRAINING), attributes, str(samples))
    return _Read(found, wheres, sample, truth["event"], training)


@threadpool_limits.wrap(limits=1)  # the last bits of sums in parallel depend on the number of threads
def plot_reconstruction_figures(
    predictions: Sequence[Path], samples: Path, dataset: str, *, reconstruction: Path, latent: Path
) -> None:
    """Draw an autoencoder's reconstructions over data, and its latent space.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    read = _read(predictions, samples, dataset)
    coordinates = latent_of(read.predicted[0], read.wheres[0])
    save_figure(_reconstruction(read, None), reconstruction)
    save_figure(_latent(read.sample, coordinates, None), latent)


@threadpool_limits.wrap(limits=1)
def plot_variational_figures(
    predictions: Sequence[Path], samples: Path, dataset: str, *, reconstruction: Path, latent: Path, generated: Path
) -> None:
    """Draw a variational autoencoder's reconstructions and posteriors, its latent space, and what it generates.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    read = _read(predictions, samples, dataset)
    posterior = posterior_of(read.predicted[0], read.wheres[0])
    save_figure(_reconstruction(read, posterior), reconstruction)
    save_figure(_latent(read.sample, *posterior), latent)
    save_figure(_generated(read), generated)


@threadpool_limits.wrap(limits=1)
def plot_adversarial_figures(predictions: Sequence[Path], samples: Path, dataset: str, *, generated: Path) -> None:
    """Draw generated beside real spectra.

    Raises:
        UserError: unusable predictions, or not of the test split of ``samples``.
    """
    save_figure(_generated(_read(predictions, samples, dataset)), generated)


def _reconstruction(read: _Read, posterior: tuple[np.ndarray, np.ndarray] | None) -> Figure:
    sample = read.sample
    models = [
        spectra_of(predicted, "reconstruction", sample, where)
        for predicted, where in zip(read.predicted, read.wheres, strict=True)
    ]
    values = np.array([chi_square(sample.counts, model) for model in models]) if sample.poisson_known else None
    chosen = example_spectra(sample.flux, len(sample))
    draws = None
    if posterior is not None:
        draws = unsupervised.posterior_draws(*posterior, models[0], chosen, _DRAWS)
    titles = [_title(read, i) + ("" if values is None else f", χ² per bin {values[0, i]:.2f}") for i in chosen]
    examples = unsupervised.Examples(sample.counts[chosen], models[0][chosen], titles, draws)
    return unsupervised.reconstructions(examples, values, sample.noisy)


def _title(read: _Read, i: int) -> str:
    """Name an event with the fluxes of its lines."""
    flux = () if read.sample.flux is None else read.sample.flux[i]
    there = "".join(f", flux {line + 1} = {value:.0f}" for line, value in enumerate(flux) if value)
    return f"event {read.event[i]}{there or (', no line' if len(flux) else '')}"


def _latent(sample: Sample, mean: np.ndarray, sigma: np.ndarray | None) -> Figure:
    if sample.flux is None:
        total = sample.counts.sum(axis=1, keepdims=True)
        return latents.latent_space(latents.Latent(mean, sigma, total, ("total counts",), False), None, None)
    names = tuple(f"flux of line {line + 1}" for line in range(sample.flux.shape[1]))
    fit = fit_fluxes(mean, sample.flux)
    space = latents.Latent(mean, sigma, sample.flux, names, True)
    return latents.latent_space(space, sample.flux, None if fit is None else fit.flux)


def _generated(read: _Read) -> Figure:
    sample, expected = read.sample, read.sample.expected()
    trainings = []
    for predicted, where in zip(read.predicted, read.wheres, strict=True):
        spectra = spectra_of(predicted, "generated", sample, where)
        real, likewise = comparable(sample, spectra)
        first, second, _ = components_of(real, likewise, noisy=expected is None and sample.noisy)
        measured = neighbourhood(sample, spectra, read.training)
        auc = measured["two_sample_auc_neighbours"], measured["two_sample_auc_neighbours_error"]
        trainings.append(unsupervised.Generated(spectra, second, auc))
    name = "real counts" if expected is None else "real (expected counts)"
    return unsupervised.generated_spectra(real, first, trainings, name)
