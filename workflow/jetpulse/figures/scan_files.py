"""A scan's files: figure, HTML tables and scan.csv from the results of its points."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from jetpulse.config import ScanPlan
from jetpulse.evaluation.files import columns_of
from jetpulse.evaluation.scans import OWN, Result, measures_in, read_scan, write_scan
from jetpulse.evaluation.transfers import Measured
from jetpulse.figures.scans import axis_title, scan_figure
from jetpulse.figures.style import save_figure
from jetpulse.figures.table import undefined, with_errors, write_page


def plot_scan_files(
    plan: ScanPlan, results: Mapping[str, Path], figure: Path, table: Path, summary: Path
) -> dict[str, list[Result]]:
    """Draw and tabulate a scan; return its results by dataset tested on (key ``OWN``: each point's own).

    Args:
        plan: the scan.
        results: metrics.json of every experiment of the scan.
        figure: figure to write.
        table: HTML to write, a table for every dataset tested on.
        summary: CSV to write, a row for every point and dataset.

    Raises:
        UserError: results that are missing, too many, or of something else.
    """
    found = read_scan(plan, results)
    save_figure(scan_figure(plan, found), figure)
    write_page("scan", [_table(plan, dataset, rows) for dataset, rows in found.items()], table)
    write_scan(plan, found, summary)
    return found


def _table(plan: ScanPlan, dataset: str, rows: Sequence[Result]) -> str:
    """Return the HTML table of one dataset: a row for every point, that of the experiment itself marked."""
    columns = columns_of(measures_in(plan, {dataset: rows}))
    own = "their own dataset" if len({row.tested_on for row in rows}) > 1 else rows[0].tested_on
    caption = (
        f"{html.escape(plan.base)} with other values, on the test split of <b>{html.escape(own)}</b>: median over "
        "seeds ± standard deviation over seeds (statistical error). Marked: the experiment itself."
    )
    varied = [html.escape(axis_title(axis)) for axis in plan.axes]
    titles = [*varied, *(title for title, _ in columns.values()), "parameters", "experiment, seeds, test entries"]
    body = []
    for row in rows:
        cells = [html.escape(axis.labels[i]) for axis, i in zip(plan.axes, row.point.place, strict=True)]
        cells += [_number(name, row, digits) for name, (_, digits) in columns.items()]
        cells.append("" if row.parameters is None else f"{row.parameters:,}")
        seeds = f"{row.trainings} seed{'s' * (row.trainings != 1)}"
        on = f", {row.tested_on}" if dataset == OWN and own != row.tested_on else ""
        cells.append(html.escape(f"{row.point.experiment}, {seeds}, {row.entries:,}{on}"))
        kind = " class='ours'" if row.point.experiment == plan.base else ""
        body.append(f"<tr{kind}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head, joined = "".join(f"<th>{title}</th>" for title in titles), "\n".join(body)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{joined}\n</tbody></table>"


def _number(name: str, row: Result, digits: str) -> str:
    if name not in row.values:
        return ""
    return with_errors(row.values.get(name, Measured()), digits) or undefined(name)
