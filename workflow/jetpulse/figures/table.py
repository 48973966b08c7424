"""The table of all experiments that were tested on one dataset, beside published results and references."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.files import ORDER, Columns, columns_of, measures_of
from jetpulse.evaluation.paired import differences, judge
from jetpulse.evaluation.transfers import Measured, read_measured
from jetpulse.figures.numbers import pieces
from jetpulse.samples import publish
from jetpulse.samples.metrics import read_combined

_STYLE = """
body { font: 13px/1.4 system-ui, sans-serif; margin: 1rem; color: #222 }
table { border-collapse: collapse; margin-bottom: 2rem }
caption { text-align: left; padding-bottom: .6rem; color: #555 }
th, td { padding: .25rem .4rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th:first-child, td:first-child, th:nth-last-child(-n+3), td:nth-last-child(-n+3) { text-align: left }
tr.ours { background: #eef5fb } tr.ours td:first-child { font-weight: 600 } small { color: #666; font-weight: 400 }
"""


def write_table(
    results: Mapping[str, Path],
    dataset: str,
    experiments: Mapping[str, Experiment],
    references: Sequence[dict[str, str]],
    path: Path,
    predictions: Mapping[str, Sequence[Path]] = {},
) -> None:
    """Write the tables of all experiments that were tested on a dataset as a page of HTML, see ``tables_of``.

    Raises:
        UserError: an experiment that is not defined or was not tested on the dataset.
    """
    write_page(dataset, tables_of(results, dataset, experiments, references, predictions), path)


def tables_of(
    results: Mapping[str, Path],
    dataset: str,
    experiments: Mapping[str, Experiment],
    references: Sequence[dict[str, str]] = (),
    predictions: Mapping[str, Sequence[Path]] = {},
) -> list[str]:
    """Return an HTML table for every task: medians over seeds with spread and statistical error, then references.

    Args:
        results: metrics.json of every experiment.
        dataset: what all of them were tested on.
        experiments: definitions of at least these experiments; their own references are shown below them.
        references: published results on the dataset's jets (rows of references.csv).
        predictions: predictions.h5 of every seed; with them every experiment is compared with the first of its task,
            entry by entry.

    Raises:
        UserError: an experiment that is not defined or was not tested on the dataset.
    """
    combined: dict[str, dict[str, Any]] = {}
    for name, file in results.items():
        if name not in experiments:
            raise UserError(f"--results {name}: the spec has no such experiment; it has {', '.join(experiments)}")
        combined[name] = read_combined(file)
        if dataset not in combined[name]["tested"]:
            raise UserError(f"{file}: experiment {name!r} was not tested on {dataset!r}; name those that were")
    tables = []
    measured = {
        name: measures_of(experiments[name].task, result["tested"][dataset]) for name, result in combined.items()
    }
    for measures in ORDER:
        names = [name for name in results if measured[name] == measures]
        if not names:
            continue
        known = {metric for name in names for metric in combined[name]["tested"][dataset]}
        columns = {name: column for name, column in columns_of(measures).items() if name in known}
        rows = []
        for name in names:
            rows.append(("ours", name, _our_cells(name, combined[name], dataset, columns)))
            if dataset in combined[name].get("ensemble", {}):
                rows.append(("ours", "", _ensemble_cells(name, combined[name], dataset, columns)))
        rows += [
            ("published", "", _published_cells(row, columns)) for row in references if measures == "classification"
        ]
        told = [name for name in names if experiments[name].reference]
        rows += [("reference", "", _reference_cells(name, experiments[name], columns)) for name in told]
        compared = _compared(names, dataset, measures, predictions)
        for _, name, cells in rows if compared else ():
            cells.insert(-3, compared.get(name, ""))
        body = [_row(cells, kind) for kind, _, cells in rows]
        tables.append(_table(experiments[names[0]].task, dataset, columns, body, names[0] if compared else None))
    return tables


def write_page(title: str, parts: Sequence[str], path: Path) -> None:
    """Write tables and further parts, HTML already, as a page in the style of the report."""
    text = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style>{''.join(parts)}</html>\n"
    )
    with publish(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def with_errors(measured: Measured, digits: str) -> str:
    """Return value ± spread (error) as HTML, a limit if that is all there is, else empty; see ``numbers.pieces``."""
    value, spread, error = map(html.escape, pieces(measured, digits))
    # Lines may break before an error, so that tables fit into a window.
    value = value.replace(" ", "&nbsp;")
    return value + (f" ±&nbsp;{spread}" if spread else "") + (f" <small>({error})</small>" if error else "")


def _compared(
    names: Sequence[str], dataset: str, measures: str, predictions: Mapping[str, Sequence[Path]]
) -> dict[str, str]:
    """Return what every experiment has more than the first one as HTML; empty if there is nothing to compare."""
    if len(names) < 2 or not all(predictions.get(name) for name in names):
        return {}
    first = judge(predictions[names[0]], dataset, measures)
    if first is None:
        return {}
    titles, found = columns_of(measures), {names[0]: "–"}
    for name in names[1:]:
        judged = judge(predictions[name], dataset, measures)
        apart = None if judged is None else differences(judged, first)
        lines = [f"{titles[metric][0]} {with_errors(value, '+.4g')}" for metric, value in (apart or {}).items()]
        found[name] = "<br>".join(lines) or "<small>other entries</small>"
    return found


def _table(task: str, dataset: str, columns: Columns, rows: Sequence[str], first: str | None) -> str:
    titles = ["experiment or reference", "parameters", *(title for title, _ in columns.values())]
    titles += ["tested on", "learned from", "source"]
    paired = ""
    if first is not None:
        titles.insert(-3, f"less {html.escape(first)}")
        paired = (
            f"Less {html.escape(first)}: difference of the means over seeds ± its error from their scatter (paired "
            "statistical error: both on the same entries). "
        )
    head = "".join(f"<th>{title}</th>" for title in titles)
    caption = (
        f"{task.capitalize()} on the test split of <b>{html.escape(dataset)}</b>: median over seeds ± standard "
        "deviation over seeds (statistical error, both ends of the 68 % interval where they differ; &gt;: a limit at "
        "84 %, no background passes); the mean of several trainings is one result. "
        f"{paired}Numbers can be compared only where they were tested on the same entries and learned from as many: "
        "the last columns say on what and from how many each was."
    )
    body = "\n".join(rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _our_cells(name: str, combined: dict[str, Any], dataset: str, columns: Columns) -> list[str]:
    metrics = combined["tested"][dataset]
    ours = combined["parameters"] is not None
    cells = [html.escape(name), f"{combined['parameters']:,}" if ours else ""]
    cells += [_measured(metric, metrics.get(metric), digits) for metric, (_, digits) in columns.items()]
    n = len(combined["seeds"])
    seeds = f"{n} {'seed' if ours else 'file'}{'s' * (n != 1)}"
    return [*cells, *_origin(dataset, combined, metrics["entries"], seeds)]


def _origin(dataset: str, combined: dict[str, Any], entries: int, what: str) -> list[str]:
    """Return the cells that say what a result of ours was tested and trained on."""
    size = combined.get("training_size")
    trained = f"{size:,} of {combined['dataset']}" if size else combined["dataset"]
    source = what if combined["parameters"] is not None else f"scores from elsewhere, {what}"
    trained = trained if combined["parameters"] is not None else ""
    return [html.escape(text) for text in (f"{dataset}, test split, {entries:,}", trained, source)]


def _ensemble_cells(name: str, combined: dict[str, Any], dataset: str, columns: Columns) -> list[str]:
    """Return the cells about the mean of an experiment's trainings, which is one result and has no spread."""
    metrics, n = combined["ensemble"][dataset], len(combined["seeds"])
    ours = combined["parameters"] is not None
    what = "trainings" if ours else "files"
    cells = [html.escape(f"{name}, mean of {n} {what}"), f"{n} × {combined['parameters']:,}" if ours else ""]
    for metric, (_, digits) in columns.items():
        value = {part: metrics.get(f"{metric}_{part}") for part in ("error", "low", "high")}
        value |= {"median": metrics.get(metric), "spread": None}
        cells.append(_measured(metric, value, digits))
    return [*cells, *_origin(dataset, combined, metrics["entries"], f"mean of the probabilities of {n} {what}")]


def _measured(name: str, metric: dict[str, Any] | int | None, digits: str) -> str:
    if not isinstance(metric, dict):
        return "" if metric is None else f"{metric:,}"
    return with_errors(read_measured(metric), digits) or undefined(name)


def undefined(metric: str) -> str:
    """Return what stands in a table for a metric without a number."""
    if metric == "chi_square":
        return "<small>not of counts</small>"
    return "∞ <small>no background passes</small>" if metric.startswith("rejection") else "<small>not defined</small>"


def _published_cells(row: dict[str, str], columns: Columns) -> list[str]:
    cells = [html.escape(row["tagger"]), ""]
    for column in columns:
        error = row.get(f"{column}_error") or ""
        cells.append(html.escape(row.get(column) or "") + (f" <small>({html.escape(error)})</small>" if error else ""))
    tested = ", ".join(filter(None, (row["sample"], row.get("split"))))
    return [*cells, *(html.escape(text or "") for text in (tested, row.get("training_size"), row["source"]))]


def _reference_cells(name: str, experiment: Experiment, columns: Columns) -> list[str]:
    """Return the cells about what an experiment's definition is compared with; what has no column goes to the last."""
    given, origin = experiment.reference.metrics(), experiment.reference.origin()
    cells = [f"reference of {html.escape(name)}", ""]
    cells += [f"{given.pop(column):g}" if column in given else "" for column in columns]
    rest = [f"{metric} {value:g}" for metric, value in given.items()]
    size = origin["training_size"]
    tested = ", ".join(filter(None, (origin["sample"] or experiment.dataset, origin["split"])))
    texts = (tested, f"{int(size):,}" if size.isdecimal() else size, "; ".join([*rest, origin["source"]]))
    return [*cells, *map(html.escape, texts)]


def _row(cells: Sequence[str], kind: str) -> str:
    return f"<tr class='{kind}'>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
