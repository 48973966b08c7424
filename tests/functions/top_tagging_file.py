"""Small files in the public top-tagging layout, written with h5py alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from jetpulse.config import JetSource
from jetpulse.jets.readers import read_jets
from jetpulse.samples import Block

TRUTH = ["truthE", "truthPX", "truthPY", "truthPZ"]


def momentum_names(constituents: int) -> list[str]:
    """Return E_0, PX_0, ... and the four truth columns."""
    return [f"{c}_{i}" for i in range(constituents) for c in ("E", "PX", "PY", "PZ")] + TRUTH


def names_as_pickle(names: Sequence[str]) -> bytes:
    """Return the list of names as pandas 0.15 stored it: a pickle of protocol 0, spelt out."""
    lines = ["(lp0"]
    for i, name in enumerate(names, start=1):
        lines += [f"{'' if i == 1 else 'a'}V{name}", f"p{i}"]
    return "\n".join([*lines, "a."]).encode("ascii")


def write_table(
    path: Path,
    momenta: np.ndarray,
    labels: Sequence[int],
    names: Sequence[str] | None = None,
    label_names: Sequence[str] = ("ttv", "is_signal_new"),
    key: str = "table",
    **options,
) -> Path:
    """Write jets (n, constituents, 4), zero-padded, with column names that may be wrong on purpose."""
    n, constituents, _ = np.shape(momenta)
    width = 4 * constituents + len(TRUTH)
    blocks = [("values_block_0", "<f4", (width,)), ("values_block_1", "<i8", (2,))]
    table = np.zeros(n, [("index", "<i8"), *blocks])
    table["index"] = np.arange(n)
    table["values_block_0"][:, :-4] = np.reshape(momenta, (n, -1))
    table["values_block_1"][:, 1] = labels
    with h5py.File(path, "w") as handle:
        dataset = handle.create_dataset(f"{key}/table", data=table, chunks=(2,), maxshape=(None,), **options)
        dataset.attrs["values_block_0_kind"] = np.bytes_(names_as_pickle(names or momentum_names(constituents)))
        dataset.attrs["values_block_1_kind"] = np.bytes_(names_as_pickle(label_names))
    return path


def read_top_tagging(path: Path, prefix: int = 0, rows: int = 10_000) -> Iterator[Block]:
    """Read a file as it is, nothing checked or sorted."""
    return read_jets(path, JetSource(files=[str(path)]), lambda: prefix, rows=rows)
