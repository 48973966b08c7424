"""Transfers between samples: a matrix of what is trained on and tested on, as a figure and as tables."""

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jetpulse.config import Experiment
from jetpulse.evaluation.classification import COLUMNS
from jetpulse.evaluation.transfers import CHANGES, Measured, Row, datasets_of, read_transfers
from jetpulse.figures.numbers import draw_errors, pieces
from jetpulse.figures.style import COLOURS, literal, save_figure, styled
from jetpulse.figures.table import undefined, with_errors, write_page


def write_transfers(
    results: Mapping[str, Path], experiments: Mapping[str, Experiment], figure: Path, table: Path
) -> list[Row]:
    """Draw and tabulate what every experiment's networks do on other samples.

    Args:
        results: metrics.json of every experiment.
        experiments: definitions of at least these experiments.
        figure: figure to write.
        table: HTML to write.

    Raises:
        UserError: an experiment that is not defined, is no classification by a network, or other results.
    """
    rows = read_transfers(results, experiments)
    save_figure(transfer_matrix(rows), figure)
    write_page("transfers", [_table(rows, metric) for metric in CHANGES], table)
    return rows


@styled
def transfer_matrix(rows: Sequence[Row]) -> Figure:
    """Draw the AUC of every experiment (rows) on every dataset (columns) and its change from the own test set."""
    datasets = datasets_of(list(rows))
    names = max(len(text) for row in rows for text in (row.experiment, _below(row)))
    cells, height = 1.15 * len(datasets), 0.62 * len(rows)
    above = 0.9 + (0.085 * max(map(len, datasets)) if _are_long(datasets) else 0.0)
    figure = Figure(figsize=(0.08 * names + cells + 4.2, max(height, 1.0) + above + 0.5))
    matrix, changes = figure.subplots(1, 2, sharey=True, width_ratios=[max(cells, 1.5), 3.6])
    _draw_cells(matrix, rows, datasets)
    _draw_changes(changes, rows, datasets)
    for i in range(1, len(rows)):
        if rows[i].model != rows[i - 1].model:
            for axis in (matrix, changes):
                axis.axhline(i - 0.5, color="0.4", lw=1.0)
    return figure


def _below(row: Row) -> str:
    return f"{row.model} trained on {row.trained_on}"


def _are_long(names: Sequence[str]) -> bool:
    return max(map(len, names)) > 11


def _draw_cells(axis: Axes, rows: Sequence[Row], datasets: Sequence[str]) -> None:
    """Write every AUC into its cell, coloured by its change; frames mark own test sets, grey cells were not tested."""
    # What a change is beyond its error makes the scale, so that a sample of few entries does not; small ones stay pale.
    changes = [change for row in rows for change in row.changes["auc"].values()]
    sizes = [abs(one.value) - (one.error if math.isfinite(one.error) else 0.0) for one in changes]
    scale = max([size for size in sizes if math.isfinite(size)] + [0.01])
    shown = np.ma.masked_all((len(rows), len(datasets)))
    for i, row in enumerate(rows):
        for j, dataset in enumerate(datasets):
            if dataset in row.entries:
                change = 0.0 if dataset == row.trained_on else row.changes["auc"][dataset].value
                # Within the palest half of the palette, where numbers can be read, however large its error is.
                shown[i, j] = np.clip(change, -scale, scale) if math.isfinite(change) else 0.0
                axis.text(j, i, _cell(row.values["auc"][dataset]), ha="center", va="center", fontsize=8)
            if dataset == row.trained_on:
                axis.add_patch(Rectangle((j - 0.48, i - 0.47), 0.96, 0.94, fill=False, lw=1.4, zorder=3))
    axis.imshow(shown, cmap="RdBu", norm=Normalize(-2 * scale, 2 * scale), aspect="auto")
    axis.set_facecolor("0.9")
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    options = {"rotation": 35, "ha": "left", "rotation_mode": "anchor"} if _are_long(datasets) else {}
    axis.set_xticks(range(len(datasets)), list(map(literal, datasets)), **options)
    axis.xaxis.tick_top()
    axis.set_yticks(
        range(len(rows)), [f"{literal(row.experiment)}\n{literal(_below(row))}" for row in rows], fontsize=8
    )
    axis.set_xlabel("AUC on the test split of")
    axis.xaxis.set_label_position("top")
    axis.set_ylabel("experiment")


def _cell(measured: Measured) -> str:
    if not math.isfinite(measured.value):
        return "not\ndefined"
    value, spread, error = pieces(measured, ".4f")
    return "\n".join([value, *([f"±{spread}"] if spread else []), *([f"({error})"] if error else [])])


def _draw_changes(axis: Axes, rows: Sequence[Row], datasets: Sequence[str]) -> None:
    """Draw every change of the AUC with its statistical error (thin) and its spread over seeds (thick)."""
    axis.axvline(0, color="grey", lw=0.8)
    tested = [d for d in datasets if any(d in row.changes["auc"] for row in rows)]
    for number, dataset in enumerate(tested):
        offset = 0.6 * ((number + 0.5) / len(tested) - 0.5)
        colour, label = COLOURS[number % len(COLOURS)], literal(dataset)
        for i, row in enumerate(rows):
            change = row.changes["auc"].get(dataset, Measured())
            if not math.isfinite(change.value):
                continue
            place = (change.value, i + offset)
            draw_errors(axis, place, change, colour, "x")
            axis.plot(*place, "oDsv^P"[number % 6], color=colour, ms=5, label=label)
            label = None
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("AUC − AUC on the own test split")
    axis.locator_params(axis="x", nbins=6)
    axis.tick_params(labelleft=False, left=False)
    axis.grid(axis="y", visible=False)
    if axis.get_legend_handles_labels()[0]:
        columns = 1 if _are_long(tested) else 2
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, fontsize=8, title="tested on")


def _table(rows: Sequence[Row], metric: str) -> str:
    """Return the HTML table of one metric."""
    title, digits = COLUMNS[metric]
    datasets = datasets_of(list(rows))
    change = "change" if CHANGES[metric] == "difference" else "factor"
    caption = (
        f"<b>{title}</b> on the test split of each column's sample: median over seeds ± standard deviation over seeds "
        f"(statistical error). Below it the {change} from the experiment's own test split, seed by seed. "
        "Empty: not tested."
    )
    entries = {dataset: n for row in rows for dataset, n in row.entries.items()}
    heads = ["experiment", "network", "trained on"]
    heads += [f"{html.escape(name)}<br><small>{entries[name]:,} entries</small>" for name in datasets]
    head = "".join(f"<th>{title}</th>" for title in heads)
    body = []
    for row in rows:
        cells = [html.escape(text) for text in (row.experiment, row.model, row.trained_on)]
        for dataset in datasets:
            cells.append(_html_cell(row, metric, dataset, digits) if dataset in row.entries else "")
        body.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    joined = "\n".join(body)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{joined}\n</tbody></table>"


def _html_cell(row: Row, metric: str, dataset: str, digits: str) -> str:
    text = with_errors(row.values[metric][dataset], digits) or undefined(metric)
    if dataset == row.trained_on:
        return f"<b>{text}</b>"
    ratio = CHANGES[metric] == "ratio"
    change = with_errors(row.changes[metric][dataset], ".2f" if ratio else "+.4f")
    return text + (f"<br>{'×&nbsp;' * ratio}{change}" if change else "")
