"""What the readers of ROOT files share: trees opened with errors a person can act on, branches in steps of entries."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from jetpulse.errors import UserError, plain
from jetpulse.jets.readers import rntuple
from jetpulse.jets.readers.base import MOST_AT_ONCE, check_lengths, missing_name, reading
from jetpulse.samples import counts_to_offsets

_MAGIC = b"root"
_TREES = ("TTree", "TNtuple", "TNtupleD", *rntuple.KINDS)
_HEADER = 20  # bytes of it that are looked at
_LARGE = 1_000_000  # added to the version of files whose positions have eight bytes


@contextmanager
def open_tree(path: Path, name: str | None) -> Iterator[Any]:
    """Open a tree of a ROOT file, or an RNTuple; without a name the only one that the file has.

    Raises:
        UserError: not a ROOT file, damaged, truncated or never closed, no such tree, or several to choose from.
    """
    _check_header(path)
    with reading(path, "the ROOT file"):
        # In a mapping, so that a colon in the path is not taken for the beginning of a tree's name.
        file = uproot.open({str(path): None}, object_cache=None, array_cache=None)
    with file:
        with reading(path, "the ROOT file"):
            kinds = {key: str(kind) for key, kind in file.classnames(cycle=False).items()}
        trees = [key for key, kind in kinds.items() if kind in _TREES]
        if name is None and len(trees) != 1:
            found = ", ".join(trees) or f"none, but {', '.join(sorted(set(kinds.values()))) or 'nothing'}"
            raise UserError(f"{path}: expected one tree, found {plain(found)}; name the tree in `fields.tree`")
        name = trees[0] if name is None else name
        if name in kinds and name not in trees:
            raise UserError(f"{path}: {name!r} is of type {plain(kinds[name])}, expected a tree (TTree) or an RNTuple")
        if name not in trees:
            raise missing_name(path, "tree", name, trees)
        with reading(path, f"tree {plain(name)!r}"):
            tree = file[name]
            if tree.num_entries < 0:
                raise ValueError(f"{tree.num_entries} entries")
        yield tree


def _check_header(path: Path) -> None:
    """Refuse what is not a ROOT file, or shorter or longer than its header says (TFile: version, begin, end)."""
    with reading(path, "the file"), path.open("rb") as file:
        header = file.read(_HEADER)
        if not header.startswith(_MAGIC):
            raise UserError(f"{path}: not a ROOT file; check the path and the format")
        size = path.stat().st_size
        large = len(header) == _HEADER and struct.unpack(">i", header[4:8])[0] >= _LARGE
        end = struct.unpack(">q", header[12:20])[0] if large else int.from_bytes(header[12:16], "big")
        if len(header) < _HEADER or size < end:
            raise UserError(f"{path}: the file is truncated ({size} bytes of {end}); fetch or make it again")
        file.seek(max(end, 0))
        beyond = file.read(4)
    # What ROOT has freed at the end of a file stays there, headed by its length with a minus.
    if beyond and not (len(beyond) == 4 and struct.unpack(">i", beyond)[0] < 0):
        raise UserError(
            f"{path}: the file goes on for {size - end} bytes after the end that its header tells, as if its writer "
            "had been stopped, so that events are missing; make it again, or let ROOT save what is there "
            "(hadd NEW.root OLD.root)"
        )


def branches_of(tree: Any, path: Path) -> dict[str, Any]:
    """Return the branches of a tree by name, those inside of others without the names of these; of RNTuples paths."""
    with reading(path, f"tree {plain(tree.name)!r}"):
        if rntuple.is_ntuple(tree):
            return rntuple.fields_of(tree)
        return {str(branch.name): branch for branch in tree.itervalues(recursive=True)}


def require(branches: Mapping[str, Any], names: Sequence[str], path: Path) -> None:
    """Refuse a tree that lacks a branch.

    Raises:
        UserError: names the branch and the nearest ones.
    """
    for name in names:
        if name not in branches:
            raise missing_name(path, "branch", name, branches)


def iterate(
    tree: Any, branches: Mapping[str, Any], names: Sequence[str], path: Path, rows: int
) -> Iterator[tuple[int, dict[str, ak.Array]]]:
    """Yield (first entry, arrays by name) in steps of ``rows`` entries; no branch is read as a whole.

    Raises:
        UserError: damaged data.
    """
    start = 0
    if rntuple.is_ntuple(tree):
        keys = {name: branches[name] for name in names}
        steps = rntuple.steps(tree, keys.values(), rows)
    else:
        keys, wanted = {name: branches[name].name for name in names}, {id(branches[name]) for name in names}
        steps = tree.iterate(filter_branch=lambda branch: id(branch) in wanted, step_size=rows, library="ak", how=dict)
    while start < tree.num_entries:
        with reading(path, f"events from {start}"):
            found = next(steps, None)
            if found is None:
                raise ValueError(f"the tree ends there, but claims {tree.num_entries} entries")
            arrays = {name: found[key] for name, key in keys.items()}
            lengths = {len(array) for array in arrays.values()}
            if len(lengths) != 1 or not max(lengths):
                raise ValueError("branches of different lengths")
            for name, array in arrays.items():
                if problem := ak.validity_error(array):
                    raise ValueError(f"branch {plain(name)}: {problem}")
        yield start, arrays
        start += lengths.pop()


def flat_numbers(array: ak.Array, name: str, path: Path) -> np.ndarray:
    """Return a branch with one number (or truth value) for each entry, (n).

    Raises:
        UserError: it holds something else.
    """
    with reading(path, f"branch {plain(name)!r}"):
        if array.ndim != 1 or not _is_numeric(array):
            raise UserError(f"{path}: branch {name!r} holds {_kind(array)}, expected one number for each entry")
        return ak.to_numpy(array)


def jagged_numbers(array: ak.Array, name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (n) and values (total) of a branch with a list of numbers for each entry.

    Raises:
        UserError: it holds something else, or more than is believed.
    """
    with reading(path, f"branch {plain(name)!r}"):
        if array.ndim != 2 or not _is_numeric(array):
            raise UserError(f"{path}: branch {name!r} holds {_kind(array)}, expected a list of numbers for each entry")
        counts = ak.to_numpy(ak.num(array, axis=1)).astype(np.int64)
        if not is_fixed(array) and counts.sum() > 8 * MOST_AT_ONCE:
            raise UserError(f"{path}: branch {name!r} has {counts.sum()} values in {len(counts)} entries; not believed")
        return counts, ak.to_numpy(ak.flatten(array, axis=1))


def jagged_columns(
    arrays: Mapping[str, ak.Array], names: Mapping[str, str], path: Path, start: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the offsets (n + 1) and the columns (total) of branches that belong together, by the keys of ``names``.

    Raises:
        UserError: lists of different lengths, with the event; or no lists of numbers.
    """
    counts, columns, first = None, {}, ""
    for key, name in names.items():
        found, columns[key] = jagged_numbers(arrays[name], name, path)
        if counts is None:
            counts, first = found, name
        check_lengths(found, counts, (name, first), path, start)
    return counts_to_offsets(counts), columns


def is_fixed(array: ak.Array) -> bool:
    """Return whether a branch holds arrays of one length, which are padded where there is less."""
    return isinstance(ak.type(array).content, ak.types.RegularType)


def _is_numeric(array: ak.Array) -> bool:
    while array.ndim > 1:
        array = ak.flatten(array, axis=1)
    kind = ak.type(array).content
    return isinstance(kind, ak.types.NumpyType) and np.dtype(kind.primitive).kind in "iufb"


def _kind(array: ak.Array) -> str:
    return plain(ak.type(array).content)[:60]
