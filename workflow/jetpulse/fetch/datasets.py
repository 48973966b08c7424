"""What a dataset's `download` stands for: files of the table of remote files, and how they are to be read."""

import difflib
from collections.abc import Sequence
from typing import Any

from jetpulse.config import Analysis, check_files, parse_config
from jetpulse.config.columns import TABLES
from jetpulse.errors import UserError
from jetpulse.fetch.references import published_on
from jetpulse.fetch.sources import FOLDER, Source
from jetpulse.samples import SPLITS

_PROBLEMS = ("features", "labels", "targets", "table")  # what files of small problems have as `format`


TABLE = "the table of downloads (`jetpulse list-sources`)"


def check_outside(analysis: Analysis, sources: dict[str, Source], where: str) -> None:
    """Refuse what a configuration names outside of itself and what is not there: files, published results, downloads.

    Args:
        analysis: a checked configuration, with downloads still by their names.
        sources: the table of remote files.
        where: what the configuration was read from, for messages.

    Raises:
        UserError: one line for everything that is missing.
    """
    lines = []
    for check in (_check_files, _check_references, resolve_downloads):
        try:
            check(analysis, sources, where)
        except UserError as error:
            lines += str(error).splitlines()
    if lines:
        raise UserError("\n".join(lines))


def _check_files(analysis: Analysis, sources: dict[str, Source], where: str) -> None:
    check_files(analysis, where, {f"{FOLDER}/{key}" for key in sources})


def _check_references(analysis: Analysis, sources: dict[str, Source], where: str) -> None:
    for name, dataset in analysis.datasets.items():
        sample = getattr(dataset, "references", None)
        try:
            if sample is not None:
                published_on(sample)
        except UserError as error:
            raise UserError(f"{where}: datasets.{name}.references: {error}") from error


def resolve_downloads(analysis: Analysis, sources: dict[str, Source], where: str, table: str = TABLE) -> Analysis:
    """Return the analysis with the equivalent files in place of every dataset's `download`.

    Args:
        analysis: a checked configuration.
        sources: the table of remote files.
        where: what the configuration was read from, for messages.
        table: what the table was read from, for messages.

    Raises:
        UserError: one line for every download that is not in the table or does not suit its dataset.
    """
    named = {name: getattr(dataset.source, "download", None) for name, dataset in analysis.datasets.items()}
    if not any(named.values()):
        return analysis
    value, lines = analysis.model_dump(exclude_unset=True), []
    for name, download in named.items():
        if download is None:
            continue
        try:
            rows = _rows_named(sources, download, table)
            given = {k: v for k, v in value["datasets"][name]["source"].items() if k != "download"}
            files = _FILES[analysis.datasets[name].kind](rows, download, table)
            if given.get("format", files.get("format")) != files.get("format"):
                raise UserError(
                    f"{download!r} has format {files['format']!r}, not {given['format']!r}; remove `format`"
                )
            value["datasets"][name]["source"] = files | given
        except UserError as error:
            lines.append(f"{where}: datasets.{name}.source.download: {error}")
    if lines:
        raise UserError("\n".join(lines))
    return parse_config(value, where)


def _rows_named(sources: dict[str, Source], name: str, table: str) -> list[Source]:
    rows = [source for source in sources.values() if source.name == name]
    if not rows:
        known = list(dict.fromkeys(source.name for source in sources.values()))
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"{name!r} is not in {table}; {hint}there are: {', '.join(known) or 'none'}")
    return rows


def _path(source: Source) -> str:
    return f"{FOLDER}/{source.key}"


def _jet_files(rows: Sequence[Source], name: str, table: str) -> dict[str, Any]:
    """Return the `files` and the `format` of jets."""
    formats = {row.format for row in rows}
    if len(formats) != 1 or formats & {"", "counts", "fluxes", *_PROBLEMS}:
        raise UserError(f"{name!r} holds no jets: its `format` in {table} is {_said(formats)}; choose another")
    return {"files": _by_split(rows, name, table), "format": rows[0].format}


def _by_split(rows: Sequence[Source], name: str, table: str) -> Any:
    """Return the paths of files as a list, or as lists by split where they have one."""
    if len({bool(row.split) for row in rows}) != 1:
        raise UserError(f"only some files of {name!r} have a split in {table}; give one to all or to none")
    if not rows[0].split:
        return [_path(row) for row in rows]
    files = {split: [_path(row) for row in rows if row.split == split] for split in SPLITS}
    return {split: paths for split, paths in files.items() if paths}


def _spectrum_files(rows: Sequence[Source], name: str, table: str) -> dict[str, Any]:
    """Return the `files` and `targets` of spectra."""
    counts = [_path(row) for row in rows if row.format == "counts"]
    fluxes = [_path(row) for row in rows if row.format == "fluxes"]
    if not counts or len(counts) + len(fluxes) != len(rows):
        raise UserError(
            f"{name!r} holds no spectra: their `format` in {table} is 'counts' or 'fluxes', "
            f"here it is {_said({row.format for row in rows})}; choose another"
        )
    return {"files": counts} | ({"targets": fluxes} if fluxes else {})


def _problem_files(rows: Sequence[Source], name: str, table: str) -> dict[str, Any]:
    """Return the `files` of a small problem and where their answers are: in files beside them or in a column."""
    formats = {row.format for row in rows}
    if formats == {"table"}:
        return TABLES.get(name, {}) | {"files": _by_split(rows, name, table)}
    if formats not in ({"features", "labels"}, {"features", "targets"}):
        raise UserError(
            f"{name!r} holds no small problem: its `format` in {table} is {_said(formats)}, expected 'table', or "
            "'features' beside 'labels' or 'targets'; choose another"
        )
    (answers,) = formats - {"features"}
    given = {"files": "features", answers: answers}
    return {key: _by_split([row for row in rows if row.format == format], name, table) for key, format in given.items()}


def _said(formats: set[str]) -> str:
    return ", ".join(repr(name) if name else "empty" for name in sorted(formats))


_FILES = {"jets": _jet_files, "spectra": _spectrum_files, "problems": _problem_files}
