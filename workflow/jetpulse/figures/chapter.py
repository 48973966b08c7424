"""The chapter of small problems in the report: question, methods, figures, numbers and references of each."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from jetpulse.config import Experiment
from jetpulse.errors import UserError, cannot_open
from jetpulse.figures.table import tables_of, write_page

_STYLE = """<style>
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem } dl { margin: .6rem 0 1rem }
dt { font-weight: 600 } dd { margin: 0 0 .3rem 1.2rem } .figures { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; max-width: 46rem } figure img { max-width: 100%; max-height: 26rem } figcaption { color: #555 }
</style>"""


def write_chapter(
    questions: Mapping[str, str],
    experiments: Mapping[str, Experiment],
    results: Mapping[str, Path],
    figures: Mapping[str, Sequence[Path]],
    path: Path,
) -> None:
    """Write one page of HTML with a section for every problem; the figures are part of the file.

    Args:
        questions: what is asked of each dataset, in the order of the sections; may be empty texts.
        experiments: definitions; `method` says what was done.
        results: metrics.json of every experiment, in the order of the rows.
        figures: SVG files by dataset or experiment; those of a dataset come first, then those of its experiments.
        path: HTML to write.

    Raises:
        UserError: a figure that is missing or no SVG, results that are not defined or not measured on their dataset.
    """
    unknown = [name for name in figures if name not in questions and name not in experiments]
    if unknown:
        raise UserError(f"--figures {unknown[0]}: is no dataset of --questions and no experiment of --spec")
    parts = [_STYLE, "<h1>Small problems with known answers</h1>"]
    for dataset, question in questions.items():
        ours = {name: file for name, file in results.items() if _defined(experiments, name).dataset == dataset}
        parts.append(f"<section><h2 id='{html.escape(dataset)}'>{html.escape(dataset)}</h2>")
        parts.append(f"<p>{html.escape(question)}</p>" if question else "")
        parts.append(_methods({name: experiments[name] for name in ours}))
        shown = [(name, file) for name in (dataset, *ours) for file in figures.get(name, ())]
        parts.append("<div class='figures'>" + "".join(_figure(name, file) for name, file in shown) + "</div>")
        parts += [*tables_of(ours, dataset, experiments), "</section>"]
    write_page("Small problems", parts, path)


def _defined(experiments: Mapping[str, Experiment], name: str) -> Experiment:
    if name not in experiments:
        raise UserError(f"--results {name}: the spec has no such experiment; it has {', '.join(experiments)}")
    return experiments[name]


def _methods(experiments: Mapping[str, Experiment]) -> str:
    """Return what was done, by experiment; those that say the same share a line."""
    by_method: dict[str, list[str]] = {}
    for name, experiment in experiments.items():
        if experiment.method:
            by_method.setdefault(experiment.method, []).append(name)
    lines = (f"<dt>{html.escape(', '.join(names))}</dt><dd>{html.escape(m)}</dd>" for m, names in by_method.items())
    return f"<dl>{''.join(lines)}</dl>" if by_method else ""


def _figure(name: str, path: Path) -> str:
    """Return an SVG as part of a page.

    Raises:
        UserError: missing, or another kind of file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise cannot_open(path, error, "an SVG file") from error
    if b"<svg" not in content[:2000]:
        raise UserError(f"{path}: is no SVG; give the figures of the problem")
    address = f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
    about = html.escape(f"{name}: {path.stem}")
    return f"<figure><img alt='{about}' src='{address}'><figcaption>{about}</figcaption></figure>"
