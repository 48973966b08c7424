"""The files of small problems: samples with splits, generated or read, and a choice of their columns."""

import fnmatch
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from jetpulse.config import Columns, ProblemDataset
from jetpulse.errors import UserError
from jetpulse.problems.entries import Entries, Part
from jetpulse.problems.remarks import Remarks
from jetpulse.samples import (
    SPLITS,
    Block,
    Writer,
    assign_splits,
    describe_events,
    iterate_blocks,
    read_attributes,
    row_ids,
    shuffle_splits,
)
from jetpulse.samples.duplicates import Duplicates, hash_examples

Progress = Callable[[int], None]
ACTIONS = 3  # of a trigger: threshold down, as it is, up
_ROWS = 20_000


def open_entries(spec: ProblemDataset) -> Entries:
    """Return a dataset's entries, which are made or read when they are asked for.

    Raises:
        UserError: files that cannot be read or do not belong together.
    """
    name = spec.source.module
    return import_module(f"jetpulse.problems.{name}").entries(getattr(spec.source, name, spec.source))


def write_samples(
    path: str | Path,
    spec: ProblemDataset,
    progress: Progress = lambda n: None,
    log: Callable[[str], None] = lambda line: None,
) -> Counter:
    """Write samples.h5 of a dataset, kind ``problems``; return the number of entries by split.

    Every split is a group: ``event`` int64 (n), ``features`` float32 (n, *shape); of classes ``label`` int64 (n) and
    the same as a number, ``target`` float64 (n); of numbers ``target`` alone; of episodes none of these. The event is
    the number of a generated entry, or what ``jetpulse.samples.events`` says. Attributes: ``shape``, ``outputs``
    (classes, 1 number or 3 actions), ``columns`` and ``classes`` (names, joined by ", "), ``target`` (name and unit).
    ``log`` gets lines for what is worth knowing about the classes, events, equal rows and columns.

    Rows of files without columns that name an event are assigned by their values, so that equal ones share a split.

    Raises:
        UserError: a bad file, one named twice, entries of a single class, the same row or event in two splits, or a
            split that ends up empty.
    """
    entries, counts, seen, ends = open_entries(spec), Counter(), set(), set()
    keep = spec.source.duplicates == "keep"
    by_value = bool(entries.files) and not entries.events and not keep
    shuffled = spec.split.method == "shuffle" and not entries.events
    remedy = "assign rows by `method: hash`, equal ones together" if shuffled else "remove it from one of them"
    duplicates = Duplicates(entries.files, keep, remedy=remedy)
    remarks = Remarks(entries.columns, entries.target)
    definition = spec.model_dump(exclude={"question"})
    with Writer.create(path, "problems", spec=definition, units=entries.units, packages=entries.packages) as writer:
        empty = np.zeros(0, np.int64 if entries.answers == "classes" else np.float64)
        for split in SPLITS:
            writer.append(split, _block(empty.astype(np.int64), np.zeros((0, *entries.shape)), empty, entries))
        for splits, parts in _alike(entries.parts):
            deal = _dealer(spec, splits, parts)
            for part in parts:
                number, take_events, row = entries.parts.index(part), part.take_events(), 0
                for features, answers in part.chunks():
                    block = _block(take_events(len(features)), features, answers, entries)
                    where = deal(hash_examples(block).view(np.int64) if by_value else block.entries["event"])
                    for i, split in enumerate(SPLITS):
                        chosen = np.flatnonzero(where == i)
                        if entries.files:
                            duplicates.add(split, block.take(chosen), row_ids(number, row + chosen))
                        writer.append(split, block.take(chosen))
                        counts[split] += len(chosen)
                        if entries.answers == "classes":
                            seen.update((split, int(label)) for label in np.unique(answers[chosen]))
                    if entries.files and entries.columns:
                        remarks.add(features, answers, row)
                    if entries.answers == "number" and len(answers):
                        ends |= {float(answers.min()), float(answers.max())}
                    row += len(features)
                    progress(len(features))
        duplicates.check(log)
        if entries.files and len(ends) == 1:
            raise UserError(f"{path}: {entries.target} is {ends.pop():g} in all entries; there is nothing to learn")
        _check_splits(path, spec, counts, "; equal rows share one unless `duplicates: keep`" if by_value else "")
        writer.describe(**_attributes(entries, definition, {label for _, label in seen}, path))
    lines = [*describe_events(dict.fromkeys(entries.files, entries.events)), *remarks.lines()]
    for line in [*lines, *_about_classes(entries, seen)]:
        log(line)
    return counts


def _about_classes(entries: Entries, seen: Collection[tuple[str, int]]) -> Iterator[str]:
    """Yield lines on classes (split, class) that are numbered anew, and on those that are not in the training split."""
    names = entries.classes or tuple(map(str, range(max((label for _, label in seen), default=-1) + 1)))
    if entries.recoded:
        yield "classes by their codes: " + ", ".join(f"{code} is class {i}" for i, code in enumerate(names))
    for label, name in enumerate(names):
        splits = [split for split in SPLITS if (split, label) in seen]
        if splits and "train" not in splits:
            yield f"class {name} is in {' and '.join(splits)} only, not in train, where it could be learned"


def _block(event: np.ndarray, features: np.ndarray, answers: np.ndarray | None, entries: Entries) -> Block:
    """Return entries as a block."""
    found = {"event": event, "features": features.astype(np.float32)}
    if entries.answers == "classes":
        found["label"] = answers.astype(np.int64)
    if entries.answers != "episodes":
        found["target"] = answers.astype(np.float64)
    return Block(found)


def _attributes(entries: Entries, definition: dict, seen: Collection[int], path: str | Path) -> dict:
    outputs, classes = 1 if entries.answers == "number" else ACTIONS, entries.classes
    if entries.answers == "classes":
        if len(seen) == 1 and not classes:
            raise UserError(f"{path}: all entries are of class {next(iter(seen))}; two classes are needed at least")
        outputs = len(classes) or int(max(seen, default=1)) + 1
        classes = classes or tuple(map(str, range(outputs)))
    return {
        "shape": list(entries.shape),
        "outputs": outputs,
        "features": "features",
        "columns": ", ".join(entries.columns),
        "classes": ", ".join(classes),
        "target": entries.target,
        "dataset": json.dumps(definition, sort_keys=True),
    }


def _alike(parts: Sequence[Part]) -> Iterator[tuple[tuple[str, ...], list[Part]]]:
    """Yield parts by the splits that they are dealt to."""
    for splits in dict.fromkeys(part.splits for part in parts):
        yield splits, [part for part in parts if part.splits == splits]


def _dealer(spec: ProblemDataset, splits: Sequence[str], parts: Sequence[Part]) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that says for event ids (n,), given in order, to which index of ``SPLITS`` each goes."""
    shares = {split: getattr(spec.split, split) if split in splits else 0.0 for split in SPLITS}
    total = sum(shares.values())
    # One split gets all its entries whatever its share of the others is.
    fractions = {split: share / total if total else float(split == splits[0]) for split, share in shares.items()}
    if spec.split.method == "hash":
        return lambda event: assign_splits(event, fractions, spec.split.seed)
    where, position = shuffle_splits(sum(part.count() for part in parts), fractions, spec.split.seed), 0

    def deal(event: np.ndarray) -> np.ndarray:
        nonlocal position
        position += len(event)
        return where[position - len(event) : position]

    return deal


def _check_splits(path: str | Path, spec: ProblemDataset, counts: Counter, remark: str) -> None:
    for split in SPLITS:
        if counts.total() and spec.has(split) and not counts[split]:
            raise UserError(
                f"{path}: split {split!r} has none of the {counts.total()} entries, its fraction is "
                f"{getattr(spec.split, split):g}; add entries or change the split{remark}"
            )


def write_columns(samples: str | Path, path: str | Path, spec: Columns, progress: Progress = lambda n: None) -> None:
    """Write some of the columns of a samples file, kind ``problem-columns``: groups and attributes as there.

    Columns keep their order.

    Raises:
        UserError: not a table of numbers, a pattern that fits none of its columns, or no column left.
    """
    source = read_attributes(samples, "problems")
    names = source["columns"].split(", ") if source["columns"] else []
    if not names:
        raise UserError(f"{samples}: its entries are no rows of a table; use the representation `samples`")
    for pattern in spec.columns + spec.without:
        if not fnmatch.filter(names, pattern):
            raise UserError(f"{samples}: no column fits {pattern!r}; there are: {', '.join(names)}")
    chosen = [
        i
        for i, name in enumerate(names)
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in spec.columns)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in spec.without)
    ]
    if not chosen:
        raise UserError(f"{samples}: `without` leaves none of the columns {', '.join(names)}; leave out fewer")
    kept = [names[i] for i in chosen]
    attributes = {
        "shape": [len(kept)],
        "columns": ", ".join(kept),
        **{name: source[name] for name in ("outputs", "features", "classes", "target", "dataset")},
    }
    units = {name: unit for name, unit in source["units"].items() if name in kept or name not in names}
    with Writer.create(path, "problem-columns", spec=spec.model_dump(), units=units, **attributes) as writer:
        for split in SPLITS:
            for block in iterate_blocks(samples, split, _ROWS):
                writer.append(split, Block(block.entries | {"features": block.entries["features"][:, chosen]}))
                progress(len(block))
