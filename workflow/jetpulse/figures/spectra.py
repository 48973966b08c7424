"""Figures of spectra: single ones, their mean, the fluxes of their lines."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import StrMethodFormatter

from jetpulse.config import SpectrumDataset
from jetpulse.errors import UserError
from jetpulse.figures.style import COLOURS, grid, save_figure, styled
from jetpulse.samples import read_attributes, read_block, split_sizes
from jetpulse.spectra.generator import axis, expected_counts

_MOST = 20_000  # spectra of a dataset that its figures show at most
_POINTS = 5_000  # of them that are points of a scatter plot; more make the file large, not clearer
_SINGLE = 4  # of them drawn one by one
_COUNTS, _MODEL, _ZERO = COLOURS[0], COLOURS[1], "#8c8c8c"
_POSITION = "position (first bin 0, last bin 1)"


def example_spectra(flux: np.ndarray | None, n: int) -> np.ndarray:
    """Return which of n spectra to show, at most four: the first of every combination of lines, else the first ones."""
    if flux is None or flux.shape[1] > 2:
        return np.arange(min(n, _SINGLE))
    pattern = _pattern(flux)
    first = [np.flatnonzero(pattern == kind)[:1] for kind in range(2 ** flux.shape[1])]
    chosen = np.concatenate(first)
    others = np.setdiff1d(np.arange(min(n, 2 * _SINGLE)), chosen)
    return np.concatenate([chosen, others])[: min(n, _SINGLE)]


def _pattern(flux: np.ndarray) -> np.ndarray:
    """Return the lines that every spectrum has as a number (n,): bit j is set if line j is there."""
    return ((flux != 0) << np.arange(flux.shape[1])).sum(axis=1)


@styled
def single_spectra(
    counts: np.ndarray, chosen: np.ndarray, titles: Sequence[str], expected: np.ndarray | None = None
) -> Figure:
    """Draw chosen spectra and the mean of all, each with residuals in units of the Poisson error below.

    Args:
        counts: all spectra (n, bins).
        chosen: which of them to draw.
        titles: a title for each of these.
        expected: expected counts (chosen, bins); None compares the chosen spectra with the mean of all.
    """
    mean = counts.mean(axis=0, dtype=np.float64)
    models = np.broadcast_to(mean, (len(chosen), len(mean))) if expected is None else expected
    name = "mean spectrum" if expected is None else "expected counts"
    rows = (len(chosen) + 1) // 2
    figure = Figure(figsize=(10, 3.2 * (rows + 1)))
    parts = figure.subfigures(rows + 1, 1, squeeze=False)[:, 0]
    top = 1.08 * max(float(counts[chosen].max()), float(models.max()), 1.0)
    for row, part in enumerate(parts[:-1]):
        axes = part.subplots(2, 2, sharex=True, sharey="row", squeeze=False, height_ratios=(5, 2))
        for column in (0, 1):
            i = 2 * row + column
            if i == len(chosen):
                for panel in axes[:, column]:
                    panel.set_axis_off()
                continue
            _spectrum(axes[:, column], counts[chosen[i]], models[i], name)
            axes[0, column].set_title(titles[i])
        axes[0, 0].set(ylabel="counts", ylim=(0, top))
        axes[1, 0].set(ylabel="residual [σ]")
        axes[0, 0].legend(loc="upper right")
        part.align_ylabels(axes[:, 0])
    _mean(parts[-1], counts, mean)
    return figure


def _edges(bins: int) -> np.ndarray:
    """Return the edges (bins + 1,) of bins whose centres are the positions on the axis."""
    return (np.arange(bins + 1) - 0.5) / (bins - 1)


def _title(event: int, flux: np.ndarray | None) -> str:
    """Name an event with the fluxes (lines,) of the lines that it has."""
    if flux is None:
        return f"event {event}"
    there = [f"flux {line + 1} = {value:.0f}" for line, value in enumerate(flux) if value]
    return f"event {event}: {', '.join(there) or 'no line'}"


def _spectrum(axes: np.ndarray, counts: np.ndarray, model: np.ndarray, name: str) -> None:
    """Draw counts as steps with what they are compared with, and the normalised residuals below."""
    upper, lower = axes
    edges = _edges(len(counts))
    upper.stairs(counts, edges, color=_COUNTS, lw=0.6, label="counts", baseline=None)
    upper.plot(axis(len(counts)), model, color=_MODEL, lw=1.8, label=name)
    residual = np.divide(counts - model, np.sqrt(model), out=np.zeros(len(counts)), where=model > 0)
    lower.stairs(residual, edges, color=_COUNTS, lw=0.6, baseline=None)
    lower.axhline(0, color=_MODEL, lw=1.2)
    show_sigma(lower)
    lower.set_xlabel(_POSITION)
    lower.margins(x=0.01)


def show_sigma(panel: Axes) -> None:
    """Let an axis of residuals reach at least one sigma: what is smaller is nothing, however it is enlarged."""
    low, high = panel.get_ylim()
    panel.set_ylim(min(low, -1.0), max(high, 1.0))


def _mean(part: SubFigure, counts: np.ndarray, mean: np.ndarray) -> None:
    """Draw the mean spectrum with quantiles, and below how much wider than Poisson the spread of every bin is."""
    upper, lower = axes = part.subplots(2, 1, sharex=True, height_ratios=(5, 2))
    position = axis(len(mean))
    low, high = np.quantile(counts, [0.16, 0.84], axis=0)
    upper.fill_between(position, low, high, color=_COUNTS, alpha=0.25, lw=0, label="68 % of the spectra")
    upper.plot(position, mean, color=_COUNTS, label="mean")
    upper.set(ylabel="counts", title=f"mean of {len(counts):,} spectra", ylim=(0, None))
    upper.legend(loc="upper right")
    ratio = np.divide(counts.std(axis=0, dtype=np.float64), np.sqrt(mean), out=np.zeros(len(mean)), where=mean > 0)
    lower.plot(position, ratio, color=_COUNTS, lw=1.2)
    lower.axhline(1, color=_MODEL, lw=1.2, ls="--", label="Poisson")
    lower.set(xlabel=_POSITION, ylabel="spread\n/ √mean", ylim=(0, None))
    lower.margins(x=0.01)
    lower.legend(loc="upper right")
    part.align_ylabels(axes)


@styled
def flux_distributions(flux: np.ndarray) -> Figure:
    """Draw the fluxes (n, lines): every line's distribution, every pair of lines as points; zeros are counted."""
    lines = flux.shape[1]
    figure, axes = grid(lines, lines, 3.8 if lines == 2 else 3.2, 3.2 if lines == 2 else 2.8, sharex="col")
    if lines == 1:
        figure.set_size_inches(5.5, 3.8)
    for row in range(lines):
        for column in range(lines):
            panel = axes[row][column]
            if row == column:
                _flux_histogram(panel, flux[:, row], row)
            elif row > column:
                _flux_pair(panel, flux[:, [column, row]], (column, row))
            else:
                panel.set_axis_off()
        axes[-1][row].set_xlabel(f"flux of line {row + 1}")
    if lines > 1:
        handles = axes[1][0].get_legend_handles_labels()
        title = "lines in a spectrum" if lines == 2 else "lines 1 and 2 in a spectrum"
        for shown in axes[0][1].legend(*handles, loc="center", title=title, fontsize=10).legend_handles:
            shown.set_sizes([40])
    return figure


def _flux_histogram(panel: Axes, flux: np.ndarray, line: int) -> None:
    """Draw the fluxes above 0 as a histogram and those that are 0 as a bar of their own at 0."""
    there = flux[flux != 0]
    high = _upper(there)
    edges = np.linspace(min(0.0, there.min(initial=0.0)), high, int(np.clip(2 * np.sqrt(len(there)), 20, 60)) + 1)
    values = np.histogram(np.clip(there, None, high), edges)[0]
    width = edges[1] - edges[0]
    zeros = len(flux) - len(there)
    share = f"{100 * zeros / max(len(flux), 1):.0f} %"
    panel.bar(0.0, zeros, 1.6 * width, color=_ZERO, label=f"zero: {zeros:,} ({share})")
    panel.stairs(values, edges, color=COLOURS[line % 2], fill=True, alpha=0.75, label=f"above: {len(there):,}")
    if len(there):
        median = np.median(there)
        panel.axvline(median, ymax=0.7, color="black", lw=1, ls=":", label=f"median above zero: {median:.0f}")
    panel.set_yscale("symlog", linthresh=1)
    panel.set(ylabel="spectra", title=f"line {line + 1}", ylim=(0, max(6 * zeros, 40 * values.max(initial=1))))
    panel.legend(loc="upper right", fontsize=8)


def _upper(flux: np.ndarray) -> float:
    """Return where the axis of a flux ends: above the largest one, but not far above the 99.9 % quantile."""
    if not len(flux):
        return 1.0
    most, usual = flux.max(), np.quantile(flux, 0.999)
    return max(1.05 * float(min(most, 2 * usual)), 1e-9)


def _flux_pair(panel: Axes, flux: np.ndarray, lines: tuple[int, int]) -> None:
    """Draw two lines' fluxes (n, 2) against each other, in colours by which of them are there."""
    pattern = _pattern(flux)
    for kind, colour in ((3, COLOURS[2]), (1, COLOURS[0]), (2, COLOURS[1]), (0, _ZERO)):
        name = {3: "both", 1: f"line {lines[0] + 1} only", 2: f"line {lines[1] + 1} only", 0: "neither"}[kind]
        label = f"{name}: {np.count_nonzero(pattern == kind):,}"
        size = 60 if kind == 0 else float(np.clip(4000 / max(len(flux), 1), 6, 24))
        shown = flux[:_POINTS][pattern[:_POINTS] == kind]
        panel.scatter(*shown.T, s=size, color=colour, alpha=0.5, lw=0, label=label, zorder=3)
    for j, name in enumerate(("x", "y")):
        high = _upper(flux[flux[:, j] != 0, j])
        panel.set(**{f"{name}lim": (min(-0.03 * high, flux[:, j].min(initial=0.0)), 1.03 * high)})
    panel.set_ylabel(f"flux of line {lines[1] + 1}")


@styled
def total_counts(counts: np.ndarray) -> Figure:
    """Draw the distribution of the spectra's total counts, for spectra whose fluxes are not known."""
    total = counts.sum(axis=1, dtype=np.float64)
    figure, ((panel,),) = grid(1, 1, 6.0, 3.8)
    values, edges = np.histogram(total, bins=min(60, max(5, len(total) // 5)))
    panel.stairs(values, edges, color=_COUNTS, fill=True, alpha=0.75, label=f"{len(total):,} spectra")
    panel.axvline(np.median(total), color="black", lw=1, ls=":", label=f"median {np.median(total):,.0f}")
    panel.set(xlabel="total counts of a spectrum", ylabel="spectra", title="the fluxes of the lines are not known")
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.legend()
    return figure


def plot_spectra_figures(samples: Path, spectra: Path, fluxes: Path | None) -> int:
    """Draw a dataset's spectra and, if wanted, its fluxes, or the total counts if these are unknown.

    Returns:
        the number of spectra used.

    Raises:
        UserError: not samples of spectra, or none in it.
    """
    attributes = read_attributes(samples, "spectra")
    split = next((name for name, n in split_sizes(samples).items() if n), None)
    if split is None:
        raise UserError(f"{samples}: holds no spectra; there is nothing to draw")
    entries = read_block(samples, split, 0, _MOST).entries
    counts, flux = entries["counts"], entries.get("flux")
    chosen = example_spectra(flux, len(counts))
    settings = SpectrumDataset.model_validate(json.loads(attributes["dataset"])).source.counts
    expected = None
    if settings is not None:
        expected = expected_counts(settings, np.zeros((len(chosen), 0)) if flux is None else flux[chosen])
    titles = [_title(int(entries["event"][i]), None if flux is None else flux[i]) for i in chosen]
    save_figure(single_spectra(counts, chosen, titles, expected), spectra)
    if fluxes is not None:
        save_figure(total_counts(counts) if flux is None else flux_distributions(flux), fluxes)
    return len(counts)
