"""Reader of anyone's own ROOT trees: an entry for each jet, lists of the constituents' momenta, a label.

Without names in the config they are those that ``export-jets`` writes: ``constituent_E`` ..., ``label``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np

from jetpulse.config import Fields, JetSource, Label
from jetpulse.jets.readers.base import Chunk, check_counts, event_names, momenta_of
from jetpulse.jets.readers.labels import choose
from jetpulse.jets.readers.root import branches_of, flat_numbers, iterate, jagged_columns, open_tree, require

EXPORTED = Fields(**{name: f"constituent_{name}" for name in ("E", "px", "py", "pz")})
_LABEL = Label(name="label")


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets of a tree, ``rows`` at a time.

    Raises:
        UserError: no such tree or branch, lists of different lengths, or damaged data.
    """
    given = source.fields or Fields()
    fields = given if given.names() else EXPORTED.model_copy(update={"tree": given.tree})
    return read_tree(path, fields, None if labelled else source.label or _LABEL, source, rows)


def read_tree(path: Path, fields: Fields, label: Label | None, source: JetSource, rows: int) -> Iterator[Chunk]:
    """Yield the jets of a tree with these names; the label is not read when it is None."""
    names = fields.names()
    labels = label.names() if label else []
    with open_tree(path, fields.tree) as tree:
        branches = branches_of(tree, path)
        events = event_names(source, branches, exported=names == EXPORTED.names())
        wanted = list(dict.fromkeys([*names.values(), *labels, *events]))
        require(branches, wanted, path)
        for start, arrays in iterate(tree, branches, wanted, path, rows):
            offsets, columns = jagged_columns(_from_fixed(arrays, names.values()), names, path, start)
            counts = np.diff(offsets)
            check_counts(counts, path, start)
            values = {name: flat_numbers(arrays[name], name, path) for name in labels}
            row = np.arange(start, start + len(counts))
            event = {name: flat_numbers(arrays[name], name, path) for name in events}
            yield choose(Chunk(row, None, counts, momenta_of(columns), event=event), label, values, path)


def _from_fixed(arrays: Mapping[str, ak.Array], names: Sequence[str]) -> dict[str, ak.Array]:
    """Return the branches with arrays of a fixed length cut to lists: entries of zeros in all of them are padding."""
    fixed = {name: arrays[name] for name in names if isinstance(ak.type(arrays[name]).content, ak.types.RegularType)}
    if len(fixed) < len(set(names)) or len({ak.type(array).content.size for array in fixed.values()}) != 1:
        return {name: ak.from_regular(array) if name in fixed else array for name, array in arrays.items()}
    filled = np.any([ak.to_numpy(array) != 0 for array in fixed.values()], axis=0)
    cut = {name: ak.unflatten(ak.to_numpy(array)[filled], filled.sum(axis=1)) for name, array in fixed.items()}
    return {**arrays, **cut}
