"""Reader of anyone's own ROOT trees: an entry for each jet, lists of the constituents' momenta, a label.

Without names in the config they are those that ``export-jets`` writes: ``constituent_E`` ..., ``label``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jetpulse.config import Fields, JetSource, Label
from jetpulse.jets.readers.base import Chunk, check_counts, event_names
from jetpulse.jets.readers.labels import choose
from jetpulse.jets.readers.momenta import momenta_of_lists
from jetpulse.jets.readers.root import branches_of, flat_numbers, is_fixed, iterate, jagged_columns, open_tree, require

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
            fixed = all(is_fixed(arrays[name]) for name in names.values())
            offsets, columns = jagged_columns(arrays, names, path, start)
            counts, momenta, left_out = momenta_of_lists(offsets, columns, fixed, path, start)
            check_counts(counts, path, start)
            values = {name: flat_numbers(arrays[name], name, path) for name in labels}
            row = np.arange(start, start + len(counts))
            event = {name: flat_numbers(arrays[name], name, path) for name in events}
            yield choose(Chunk(row, None, counts, momenta, left_out, event), label, values, path)
