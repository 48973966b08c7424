"""Tables of samples of jets in HTML: the numbers of one, the agreement of two."""

import html
import math
from collections.abc import Sequence
from typing import Any

from jetpulse.evaluation.transfers import Measured
from jetpulse.figures.numbers import spelled
from jetpulse.jets.agreement import Comparison
from jetpulse.jets.checks import ROUNDING
from jetpulse.jets.validation import QUANTILES, RUN
from jetpulse.samples import SPLITS

_CLASSES = ("top", "QCD")
_ROWS = {
    "mass": ("jet mass [GeV]", ".1f"),
    "multiplicity": ("number of constituents", ".1f"),
    "pt": ("jet p<sub>T</sub> [GeV]", ".1f"),
    "eta": ("jet η", ".3f"),
    "leading_fraction": ("leading constituent's p<sub>T</sub> / jet p<sub>T</sub>", ".3f"),
    "constituent_pt": ("constituent p<sub>T</sub> [GeV]", ".2f"),
}
_STATISTICS = {
    "multiplicity": ("mean number of constituents", ".2f"),
    "mass": ("median jet mass [GeV]", ".2f"),
    "leading_fraction": ("mean leading constituent's p<sub>T</sub> / jet p<sub>T</sub>", ".4f"),
}


def validation_tables(described: dict[str, Any], dataset: str) -> list[str]:
    """Return three tables of a survey's description: jets by split, quantities by class, oddities."""
    return [_splits(described, dataset), _quantities(described), _oddities(described)]


def _splits(described: dict[str, Any], dataset: str) -> str:
    rows = []
    for split in SPLITS:
        counts = described["jets"][split]
        share = _number(described["top_share"][split], ".3f")
        rows.append([split, *(f"{counts[name]:,}" for name in _CLASSES), share])
    sums = [sum(described["jets"][split][name] for split in SPLITS) for name in _CLASSES]
    rows.append(["all", *(f"{n:,}" for n in sums), _number(sums[0] / sum(sums) if sum(sums) else None, ".3f")])
    return _table(f"Jets of <b>{html.escape(dataset)}</b> by split.", ["split", *_CLASSES, "share of top"], rows)


def _quantities(described: dict[str, Any]) -> str:
    rows = []
    for name, (title, digits) in _ROWS.items():
        for kind in _CLASSES:
            found = described["classes"][kind][name]
            mean = _with_error(found["mean"], found["mean_error"], digits)
            between = [found["min"], *(found["quantiles"][f"{q:g}"] for q in QUANTILES), found["max"]]
            between.insert(4, found["median"])
            numbers = [_number(value, digits) for value in between]
            remark = f"{found['undefined']:,} undefined" if found["undefined"] else ""
            rows.append([title, kind, mean, *numbers, remark])
    quantiles = [f"{100 * q:g} %" for q in QUANTILES]
    heads = ["quantity", "class", "mean ± error", "least", *quantiles[:3], "median", *quantiles[3:], "largest", ""]
    caption = "All splits together. Percentages are quantiles, exact to a part in 8,000."
    return _table(caption, heads, rows)


def _oddities(described: dict[str, Any]) -> str:
    classes, constituents = described["classes"], described["constituents"]
    runs = described[f"top_share_of_{RUN}"]
    shares = "fewer jets" if runs["least"] is None else f"{runs['least']:.3f} to {runs['largest']:.3f}"
    between = described["duplicates"]["between_splits"]
    excess = constituents["largest_space_like"]
    rows = [
        *(
            [f"{title}, {kind}", _percent(classes[kind][key])]
            for key, title in (("one_constituent", "jets of one constituent"), ("across_phi", "jets across φ = ±π"))
            for kind in _CLASSES
        ),
        ["jets that equal another of their split", f"{described['duplicates']['within_splits']:,}"],
        ["jets that equal one of another split", f"<b>{between:,}</b>" if between else "0"],
        [f"share of top among {RUN:,} consecutive jets", shares],
        [
            f"constituents with E &lt; |p| beyond rounding ({ROUNDING:.0e} E)",
            f"{constituents['space_like']:,} of {constituents['number']:,}",
        ],
        ["largest (|p| − E) / E", "∞" if excess is None else f"{excess:.1e}" if excess else "0"],
    ]
    rows += [["unit of the momenta", f"<b>{html.escape(line)}</b>"] for line in described.get("remarks", [])]
    return _table("What is worth a look.", ["check", "found"], rows)


def agreement_table(compared: Sequence[Comparison], names: tuple[str, str]) -> str:
    """Return the table of what was compared in two samples; a name is a sample's."""
    first, second = (html.escape(name) for name in names)
    rows = []
    for row in compared:
        title, digits = _STATISTICS[row.quantity]
        verdict = {True: "yes", False: "<b>no</b>", None: "<b>shared jets</b>" if row.shared else "not defined"}[
            row.agrees
        ]
        rows.append(
            [
                title,
                _CLASSES[0] if row.label == 1 else _CLASSES[1],
                _with_error(row.first, row.first_error, digits),
                _with_error(row.second, row.second_error, digits),
                _with_error(row.ratio, row.ratio_error, ".3f"),
                f"{100 * row.allowed:g} %",
                verdict,
            ]
        )
    heads = ["quantity", "class", first, second, "ratio", "allowed", "within"]
    caption = (
        f"Jets of <b>{second}</b> beside those of <b>{first}</b>, all splits: number ± statistical error. The ratio "
        "may differ from 1 by what is allowed plus its error."
    )
    if shared := max((row.shared for row in compared), default=0):
        caption += f" <b>{shared:,} jets are in both samples</b>: these agree with themselves, which says nothing."
    return _table(caption, heads, rows)


def _number(value: float | None, digits: str) -> str:
    if value is None or not math.isfinite(value):
        return "<small>none</small>"
    return f"{value:{digits}}".replace("-", "−")


def _with_error(value: float | None, error: float | None, digits: str) -> str:
    if value is None or not math.isfinite(value) or error is None:
        return _number(value, digits)
    return html.escape(spelled(Measured(value, error), digits))


def _percent(value: float | None) -> str:
    return "<small>none</small>" if value is None else f"{100 * value:.2f} %"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; titles and cells are HTML already."""
    head = "".join(f"<th>{title}</th>" for title in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
