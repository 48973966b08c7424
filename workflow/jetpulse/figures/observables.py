"""Figure of jets as numbers: every observable by class, and how far it alone tells the classes apart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from jetpulse.errors import UserError
from jetpulse.figures.style import CLASS_NAMES, grid, save_figure, styled
from jetpulse.figures.validation import draw_band
from jetpulse.jets.distributions import OUTSIDE, Binned, Distribution, common_edges, exceeds
from jetpulse.samples import SPLITS, iterate_blocks, read_attributes

TITLES = {
    "mass": "jet mass [GeV]",
    "multiplicity": "number of constituents",
    "pt": r"jet $p_T$ [GeV]",
    "leading_fraction": r"leading constituent's $p_T$ / jet $p_T$",
    "ptd": r"$p_T^D$",
    "girth": "girth",
    **{f"tau{n}": rf"$\tau_{n}$" for n in range(1, 5)},
    **{f"tau{n}{n - 1}": rf"$\tau_{n} \, / \, \tau_{n - 1}$" for n in range(2, 5)},
    "e2": r"$e_2$",
    "e3": r"$e_3$",
    "c2": r"$C_2$",
    "d2": r"$D_2$",
}
LOGARITHMIC = ("e3", "d2")  # several powers of ten wide
_COLUMNS = 4
_MOST_BINS = 50
Histograms = Mapping[str, Mapping[int, Binned]]


@styled
def observables(histograms: Histograms, areas: Mapping[str, float]) -> Figure:
    """Draw the density of every observable by class; above it the area under its ROC curve, whichever side is signal.

    Args:
        histograms: name in ``TITLES`` -> label -> histogram of jets.
        areas: name -> area (nan: not known).
    """
    rows = -(-len(histograms) // _COLUMNS)
    columns = min(len(histograms), _COLUMNS)
    figure, axes = grid(rows, columns, 3.2, 2.5)
    panels = [axis for row in axes for axis in row]
    for axis, (name, classes) in zip(panels, histograms.items(), strict=False):
        for label, histogram in classes.items():
            if histogram.entries:
                widths = np.diff(np.log10(histogram.edges) if name in LOGARITHMIC else histogram.edges)
                draw_band(axis, histogram, 1 / (histogram.entries * widths), label)
        axis.set(xlabel=TITLES[name], ylim=(0, None))
        if name in LOGARITHMIC:
            axis.set(xscale="log", ylabel="density per decade")
        if np.isfinite(areas[name]):
            axis.set_title(f"AUC {areas[name]:.3f}", loc="right", fontsize=9)
    for row in axes:
        row[0].set_ylabel(row[0].get_ylabel() or "density")
    for axis in panels[len(histograms) :]:
        axis.set_axis_off()
    if panels[0].has_data():
        panels[0].legend()
    return figure


def plot_observables(features: Path, out: Path) -> dict[str, float]:
    """Draw the observables in a file of all splits; return the area under the ROC curve of each, at least 1/2.

    Raises:
        UserError: another kind of file, or no jets.
    """
    attributes = read_attributes(features, "jet-observables")
    names = attributes["spec"]["columns"]
    found = {name: {label: Distribution() for label in CLASS_NAMES} for name in names}
    for split in SPLITS:
        for block in iterate_blocks(features, split):
            for label in CLASS_NAMES:
                chosen = block.entries["features"][block.entries["label"] == label]
                for name, values in zip(names, chosen.T, strict=True):
                    found[name][label].add(values)
    jets = [d.entries for d in found[names[0]].values()]
    if not any(jets):
        raise UserError(f"{features}: holds no jets; there is nothing to draw")
    # The bins of the smaller class have a relative error of about a quarter.
    bins = int(np.clip(min(n for n in jets if n) / 16, 8, _MOST_BINS))
    histograms = {}
    for name, classes in found.items():
        edges = _edges(name, list(classes.values()), bins)
        histograms[name] = {label: Binned(edges, d.binned(edges), d.entries) for label, d in classes.items()}
    areas = {name: exceeds(classes[1], classes[0]) for name, classes in found.items()}
    areas = {name: max(area, 1 - area) for name, area in areas.items()}
    save_figure(observables(histograms, areas), out)
    return areas


def _edges(name: str, distributions: Sequence[Distribution], bins: int) -> np.ndarray:
    """Return the edges of bins of equal width, or of equal ratio for what is drawn on a logarithmic axis."""
    if name not in LOGARITHMIC:
        return common_edges(distributions, bins, whole=name == "multiplicity")
    ends = [d.quantile(q) for d in distributions for q in (OUTSIDE, 0.5, 1 - OUTSIDE) if d.entries]
    positive = [end for end in ends if end > 0] or [1.0]
    return np.geomspace(min(positive) * 0.99, max(positive) * 1.01, bins + 1)
