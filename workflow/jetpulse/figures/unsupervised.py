"""Figures of networks that learn spectra without labels; spectra are (n, bins) in counts, fluxes (n, lines)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import NullFormatter

from jetpulse import seeds
from jetpulse.figures.numbers import with_error
from jetpulse.figures.spectra import show_sigma
from jetpulse.figures.style import COLOURS, styled
from jetpulse.spectra.generator import axis

_COUNTS, _MODEL = COLOURS[0], COLOURS[1]
_REAL, _GENERATED = "0.45", COLOURS[0]  # what is generated has the colour of the training, here the first
_DRAWN = COLOURS[2]
_POSITION = "position (first bin 0, last bin 1)"
_RASTER = 200  # dots per inch of what is drawn as pixels, since as vectors it would take megabytes
_SHOWN = 30  # generated spectra
_COMPONENTS = 4


@dataclass(frozen=True)
class Examples:
    """Spectra to draw: ``counts`` and ``reconstruction`` (m, bins), a title each; ``draws`` (m, k, bins) or None.

    ``draws`` are reconstructions of points drawn from the posteriors (``posterior_draws``).
    """

    counts: np.ndarray
    reconstruction: np.ndarray
    titles: Sequence[str]
    draws: np.ndarray | None = None


def posterior_draws(
    latent: np.ndarray, sigma: np.ndarray, reconstruction: np.ndarray, chosen: np.ndarray, draws: int
) -> np.ndarray:
    """Return reconstructions (chosen, draws, bins) of points drawn from posteriors (n, latent).

    The decoder is replaced by its linear approximation around each posterior's mean: a least-squares fit to the
    reconstructions of the nearest posteriors, exact for a linear network.
    """
    n, dimensions = latent.shape
    nearest = min(n, max(100, 10 * (dimensions + 1)))
    rng = seeds.generator(0, "two-sample", 3)
    drawn = np.empty((len(chosen), draws, reconstruction.shape[1]))
    width = np.maximum(latent.std(axis=0), 1e-12)
    for i, entry in enumerate(chosen):
        offset = latent - latent[entry]
        near = np.argsort(np.sum((offset / width) ** 2, axis=1), kind="stable")[:nearest]
        slope = np.linalg.lstsq(offset[near], reconstruction[near] - reconstruction[entry])[0]
        steps = sigma[entry] * rng.standard_normal((draws, dimensions))
        drawn[i] = reconstruction[entry] + steps @ slope
    return drawn


@styled
def reconstructions(examples: Examples, chi_square: np.ndarray | None, noisy: bool) -> Figure:
    """Draw reconstructions over data with residuals below, and the distribution of chi-square per bin.

    Args:
        examples: at most six spectra.
        chi_square: of every spectrum by training, (seeds, n); None for values that are no counts.
        noisy: whether the counts have Poisson noise.
    """
    rows = (len(examples.titles) + 1) // 2
    figure = Figure(figsize=(10, 3.2 * (rows + 1)), dpi=_RASTER)
    parts = figure.subfigures(rows + 1, 1, squeeze=False)[:, 0]
    top = 1.08 * max(float(examples.counts.max()), float(examples.reconstruction.max()), 1.0)
    for row, part in enumerate(parts[:-1]):
        axes = part.subplots(2, 2, sharex=True, sharey="row", squeeze=False, height_ratios=(5, 2))
        for column in (0, 1):
            if 2 * row + column == len(examples.titles):
                for panel in axes[:, column]:
                    panel.set_axis_off()
                continue
            _reconstruction(axes[:, column], examples, 2 * row + column)
        axes[0, 0].set(ylabel="counts", ylim=(0, top))
        axes[1, 0].set(ylabel="residual [σ]" if chi_square is not None else "residual / √model")
        axes[0, 0].legend(loc="upper right")
        part.align_ylabels(axes[:, 0])
    if chi_square is None:
        panel = parts[-1].subplots()
        panel.set_axis_off()
        panel.text(0.5, 0.5, "The values are no counts: their error, and so χ², is not known.", ha="center")
        return figure
    _chi_square(parts[-1].subplots(), chi_square, examples.counts.shape[1], noisy)
    return figure


def _reconstruction(axes: np.ndarray, examples: Examples, i: int) -> None:
    """Draw one spectrum with its reconstruction, and residuals in Poisson errors of the reconstruction."""
    upper, lower = axes
    counts, model = examples.counts[i], examples.reconstruction[i]
    position = axis(len(counts))
    edges = (np.arange(len(counts) + 1) - 0.5) / (len(counts) - 1)
    error = np.sqrt(np.maximum(model, 1.0))
    upper.stairs(counts, edges, color=_COUNTS, lw=0.6, label="counts", baseline=None)
    lower.stairs((counts - model) / error, edges, color=_COUNTS, lw=0.6, baseline=None)
    for k, drawn in enumerate(() if examples.draws is None else examples.draws[i]):
        label = None if k else "draws from the posterior"
        upper.plot(position, drawn, color=_DRAWN, lw=0.6, alpha=0.7, label=label)
        lower.plot(position, (drawn - model) / error, color=_DRAWN, lw=0.6, alpha=0.7, zorder=3)
    upper.plot(position, model, color=_MODEL, lw=1.6, label="reconstruction")
    lower.axhline(0, color=_MODEL, lw=1.2 if examples.draws is None else 0.8)
    show_sigma(lower)
    lower.set_xlabel(_POSITION)
    lower.margins(x=0.01)
    upper.set_title(examples.titles[i])


def _chi_square(panel: Axes, chi_square: np.ndarray, bins: int, noisy: bool) -> None:
    """Draw the distribution of chi-square per bin by training, with what noise alone would give."""
    low, high = float(chi_square.min()), float(np.quantile(chi_square, 0.995))
    if noisy:
        spread = np.sqrt(2 / bins)
        low, high = min(low, 1 - 4 * spread), max(high, 1 + 4 * spread)
    edges = np.linspace(low, high if high > low else low + 1, int(np.clip(np.sqrt(chi_square.shape[1]), 15, 50)) + 1)
    for seed, row in enumerate(chi_square):
        values = np.histogram(np.clip(row, None, edges[-1]), edges)[0]
        name = f"training {seed + 1}, mean {row.mean():.4g}"
        panel.stairs(values, edges, color=COLOURS[seed % len(COLOURS)], lw=1.4, label=name)
    if noisy:
        x = np.linspace(edges[0], edges[-1], 200)
        density = np.exp(-0.5 * ((x - 1) / spread) ** 2) / (np.sqrt(2 * np.pi) * spread)
        scale = chi_square.shape[1] * (edges[1] - edges[0])
        panel.plot(x, scale * density, color="0.3", lw=1.0, ls="--", label="noise alone, mean 1")
    panel.set(xlabel="χ² per bin of a spectrum", ylabel="spectra", ylim=(0, None))
    panel.legend(loc="upper right")


@dataclass(frozen=True)
class Generated:
    """One training's spectra: ``spectra`` (m, bins) as generated, and ``components`` (m, k) of the comparable ones.

    ``auc`` is that of the classifier two-sample test on neighbours, with its error.
    """

    spectra: np.ndarray
    components: np.ndarray
    auc: tuple[float, float]


@styled
def generated_spectra(
    real: np.ndarray, components: np.ndarray, trainings: Sequence[Generated], real_name: str
) -> Figure:
    """Draw generated beside real spectra: some of them, principal components in pairs and one by one.

    Args:
        real: real spectra (n, bins).
        components: their principal components (n, k) in units of the Poisson error, k >= 2.
        trainings: what each training generated; spectra and pairs are those of the first one.
        real_name: what the real ones are.
    """
    first = trainings[0]
    figure = Figure(figsize=(10, 10.6), dpi=_RASTER)
    upper, middle, lower = figure.subfigures(3, 1, height_ratios=(3.2, 4.4, 3.0))
    axes = upper.subplots(1, 2, sharex=True, sharey=True)
    for panel, spectra, name in zip(axes, (real, first.spectra), (real_name, "generated"), strict=True):
        colour = _REAL if spectra is real else _GENERATED
        panel.plot(axis(real.shape[1]), spectra[:_SHOWN].T, color=colour, lw=0.6, alpha=0.6)
        panel.set(xlabel=_POSITION, title=f"{name}, the first {min(_SHOWN, len(spectra))}")
        panel.margins(x=0.01)
    axes[0].set_ylabel("counts")
    _pairs(middle, components, first)
    _histograms(lower, components, trainings)
    return figure


def _pairs(part: SubFigure, real: np.ndarray, training: Generated) -> None:
    """Draw the first two principal components of real and generated spectra on one scale, side by side."""
    axes = part.subplots(1, 2, sharex=True, sharey=True)
    generated = training.components
    name = f"generated, C2ST AUC {_number(*training.auc)}"
    pairs = ((axes[0], real, _REAL, "real"), (axes[1], generated, _GENERATED, name))
    for panel, values, colour, name in pairs:
        panel.scatter(*values[:4000, :2].T, s=4, color=colour, alpha=0.5, lw=0, rasterized=True)
        panel.set(xlabel="1st principal component [Poisson σ]", title=name)
    for k, name in enumerate(("x", "y")):
        axes[0].set(**{f"{name}lim": _limits(real[:, k], generated[:, k])})
    axes[0].set_ylabel("2nd principal component [Poisson σ]")


def _limits(real: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Return limits that show all real values and what is generated near them."""
    low, high = float(real.min()), float(real.max())
    width = max(high - low, 1.0)
    low, high = (max(low - width, min(low, generated.min())), min(high + width, max(high, generated.max())))
    return low - 0.05 * width, high + 0.05 * width


def _histograms(part: SubFigure, real: np.ndarray, trainings: Sequence[Generated]) -> None:
    """Draw distributions of the leading principal components, real ones filled, one line for each training."""
    shown = min(_COMPONENTS, real.shape[1])
    axes = part.subplots(1, shown, squeeze=False, sharey=True)[0]
    for k, panel in enumerate(axes):
        values = np.concatenate([training.components[:, k] for training in trainings])
        edges = np.linspace(*_limits(real[:, k], values), int(np.clip(np.sqrt(len(real)), 15, 60)) + 1)
        panel.hist(real[:, k], edges, density=True, color="0.8", label="real")
        for seed, training in enumerate(trainings):
            inside = np.histogram(training.components[:, k], edges)[0] / len(training.components)
            name = f"training {seed + 1}, AUC {_number(*training.auc)}"
            panel.stairs(inside / np.diff(edges), edges, color=COLOURS[seed % len(COLOURS)], lw=1.2, label=name)
        panel.set(xlabel=f"principal component {k + 1} [Poisson σ]", yscale="log")
    axes[0].set_ylabel("density")
    axes[0].yaxis.set_minor_formatter(NullFormatter())
    handles = axes[0].get_legend_handles_labels()
    part.legend(*handles, loc="outside lower center", ncols=min(4, len(handles[0])))


def _number(value: float, error: float) -> str:
    return with_error(value, error) if np.isfinite([value, error]).all() else "unknown"
