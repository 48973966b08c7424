"""Reader of JetClass trees (arXiv:2202.03772, Zenodo 6619768): one of ten classes is marked in each jet's entry."""

from collections.abc import Iterator
from pathlib import Path

from jetpulse.config import Fields, JetSource, Label
from jetpulse.jets.readers.base import Chunk
from jetpulse.jets.readers.tree import read_tree

FIELDS = Fields(tree="tree", E="part_energy", px="part_px", py="part_py", pz="part_pz")
LABEL = Label(signal=["label_Tbqq"], background=["label_QCD"])


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets of two classes (or of several, counted as two), ``rows`` entries of the file at a time.

    Raises:
        UserError: no such tree or branch, or damaged data.
    """
    return read_tree(path, FIELDS, None if labelled else source.label or LABEL, source, rows)
