"""All experiments that were tested on one dataset, beside published results: curves and a table."""

import csv
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError
from jetpulse.evaluation.files import read_scores
from jetpulse.figures.classification import Scores, rejection_curves, roc_curves
from jetpulse.figures.style import save_figure
from jetpulse.samples import load_json, publish

# Column of the table -> digits of our medians, spreads and errors; published numbers stay as they were printed.
_COLUMNS = {"accuracy": ".4f", "auc": ".4f", "rejection_50": ".1f", "rejection_30": ".1f"}
_TITLES = (
    "experiment or tagger",
    "parameters",
    "accuracy",
    "AUC",
    "1/ε<sub>B</sub> at ε<sub>S</sub> = 50 %",
    "1/ε<sub>B</sub> at ε<sub>S</sub> = 30 %",
    "sample, source",
)
_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #222; max-width: 70rem }
table { border-collapse: collapse } caption { text-align: left; padding-bottom: .6rem; color: #555 }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left }
tr.ours { background: #eef5fb; font-weight: 600 } small { color: #666; font-weight: 400 }
"""


def read_references(path: Path, sample: str) -> list[dict[str, str]]:
    """Return the rows of references.csv about one sample.

    Raises:
        UserError: no such table, or a sample that it does not know.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path") from error
    known = list(dict.fromkeys(row.get("sample") for row in rows))
    if sample not in known:
        raise UserError(f"{path}: no sample {sample!r}; it knows {', '.join(map(str, known))}")
    return [row for row in rows if row["sample"] == sample]


def plot_comparison_figures(
    predictions: Mapping[str, Sequence[Path]],
    dataset: str,
    references: Sequence[dict[str, str]],
    roc: Path,
    rejection: Path,
) -> None:
    """Draw ROC and rejection curves of every experiment on ``dataset``, with published working points.

    Raises:
        UserError: no experiment was tested on the dataset.
    """
    groups: dict[str, Scores] = {}
    for name, files in predictions.items():
        scores = [read_scores(file).get(dataset) for file in files]
        if not all(scores):
            raise UserError(f"--dataset {dataset}: experiment {name!r} was not tested on it; name those that were")
        groups[name] = scores
    save_figure(roc_curves(groups), roc)
    save_figure(rejection_curves(groups, _points(references)), rejection)


def _points(references: Sequence[dict[str, str]]) -> dict[str, list[tuple[float, float]]]:
    points = {}
    for row in references:
        found = [
            (eff, float(row[f"rejection_{eff:.0%}"[:-1]])) for eff in (0.3, 0.5) if row[f"rejection_{eff:.0%}"[:-1]]
        ]
        if found:
            points[row["tagger"]] = found
    return points


def write_table(results: Mapping[str, Path], dataset: str, references: Sequence[dict[str, str]], path: Path) -> None:
    """Write an HTML table: medians over seeds with spread and statistical error, then published results."""
    ours = [_our_row(name, load_json(file), dataset) for name, file in results.items()]
    published = [_published_row(row) for row in references]
    head = "".join(f"<th>{title}</th>" for title in _TITLES)
    caption = (
        f"Test split of <b>{html.escape(dataset)}</b>: median over seeds ± standard deviation over seeds "
        "(statistical error). Published numbers belong to the sample in the last column."
    )
    body = "\n".join(ours + published)
    text = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(dataset)}</title>"
        f"<style>{_STYLE}</style><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></html>\n"
    )
    with publish(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _our_row(name: str, combined: dict[str, Any], dataset: str) -> str:
    metrics = combined["tested"][dataset]
    cells = [html.escape(name), f"{combined['parameters']:,}"]
    cells += [_measured(metrics[column], digits) for column, digits in _COLUMNS.items()]
    trained = f"trained on {combined['dataset']}, {len(combined['seeds'])} seeds; {metrics['entries']:,} test jets"
    return _row([*cells, html.escape(trained)], "ours")


def _measured(metric: dict[str, Any], digits: str) -> str:
    if metric["median"] is None:
        return "∞ <small>no background passes</small>"
    text = f"{metric['median']:{digits}}"
    text += f" ± {metric['spread']:{digits}}" if metric["spread"] is not None else ""
    return text + (f" <small>({metric['error']:{digits}})</small>" if metric["error"] is not None else "")


def _published_row(row: dict[str, str]) -> str:
    cells = [html.escape(row["tagger"]), ""]
    for column in _COLUMNS:
        error = row.get(f"{column}_error") or ""
        cells.append(html.escape(row[column]) + (f" <small>({html.escape(error)})</small>" if error else ""))
    return _row([*cells, html.escape(f"{row['sample']}, {row['source']}")], "published")


def _row(cells: Sequence[str], kind: str) -> str:
    return f"<tr class='{kind}'>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
