"""Small files of jets in every format that is read, written with the formats' own libraries."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from jetpulse.samples import Block
from top_tagging_file import write_table
from toy_jets import make_block, random_jets

Lists = Sequence[Sequence[float]]
TOP = {"pdgId": [6, 24, 5, 2, -1], "genPartIdxMother": [-1, 0, 0, 1, 1]}


def toy_block(n: int = 6, seed: int = 1, most: int = 5) -> Block:
    """Return jets of a few constituents, hardest first, labels 0, 1, 0, ..."""
    return make_block(random_jets(seed, n, most))


def lists(values: np.ndarray, block: Block) -> ak.Array:
    """Return values of the constituents as a list for each jet."""
    return ak.unflatten(values, np.diff(block.offsets))


def write_tree(
    path: Path,
    name: str,
    groups: Mapping[str, Mapping[str, Any]],
    flat: Mapping[str, np.ndarray] | None = None,
    separator: str = "_",
) -> Path:
    """Write a tree whose branches are lists, GROUP_NAME with a common length for each group, and numbers (flat)."""
    arrays = {group: ak.zip({key: ak.Array(part) for key, part in parts.items()}) for group, parts in groups.items()}
    everything = {**arrays, **{key: np.asarray(value) for key, value in (flat or {}).items()}}
    types = {key: value.type.content if key in arrays else value.dtype for key, value in everything.items()}
    with uproot.recreate(path) as file:
        tree = file.mktree(
            name,
            types,
            counter_name=lambda group: f"n{group}",
            field_name=lambda group, key: f"{group}{separator}{key}" if group else key,
        )
        tree.extend(everything)
    return path


def momenta_lists(block: Block, names: Sequence[str] = ("E", "px", "py", "pz")) -> dict[str, ak.Array]:
    """Return the four components as lists."""
    return {name: lists(column, block) for name, column in zip(names, block.flat["constituents"].T, strict=True)}


def write_own_tree(path: Path, block: Block) -> Path:
    """Write a tree as `export-jets` does."""
    return write_tree(path, "jets", {"constituent": momenta_lists(block)}, {"label": block.entries["label"]})


def write_jetclass(path: Path, block: Block) -> Path:
    """Write the branches of JetClass that are read, label 1 as Tbqq, 0 as QCD."""
    label = block.entries["label"]
    flat = {"label_QCD": (label == 0).astype(np.float32), "label_Tbqq": label == 1, "label_Hbb": 0 * label}
    return write_tree(path, "tree", {"part": momenta_lists(block, ("energy", "px", "py", "pz"))}, flat)


def write_npz(path: Path, block: Block, **changed: Any) -> Path:
    """Write an archive, some of its arrays changed or (None) left out."""
    arrays = {
        "constituents": block.flat["constituents"],
        "counts": np.diff(block.offsets),
        "label": block.entries["label"],
    }
    np.savez(path, **{name: value for name, value in (arrays | changed).items() if value is not None})
    return path


def write_parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    """Write columns."""
    pq.write_table(pa.table(dict(columns)), path)
    return path


def list_columns(block: Block) -> dict[str, Any]:
    """Return list columns as `export-jets` writes them."""
    offsets = pa.array(block.offsets.astype(np.int32))
    columns = zip(("E", "px", "py", "pz"), block.flat["constituents"].T, strict=True)
    momenta = {name: pa.ListArray.from_arrays(offsets, pa.array(column)) for name, column in columns}
    return {**momenta, "label": pa.array(block.entries["label"])}


def padded(block: Block, constituents: int) -> np.ndarray:
    """Return the momenta (n, constituents, 4), filled up with zeros."""
    values = np.zeros((len(block), constituents, 4), np.float32)
    for i, (first, last) in enumerate(zip(block.offsets[:-1], block.offsets[1:], strict=True)):
        values[i, : last - first] = block.flat["constituents"][first:last]
    return values


def wide_columns(block: Block, constituents: int = 5) -> dict[str, Any]:
    """Return the columns of the public table: E_0, PX_0, ..., truth, ttv, is_signal_new."""
    values = padded(block, constituents)
    names = [(f"{name}_{i}", i, k) for i in range(constituents) for k, name in enumerate(("E", "PX", "PY", "PZ"))]
    columns: dict[str, Any] = {name: values[:, i, k] for name, i, k in names}
    columns |= {f"truth{name}": np.zeros(len(block)) for name in ("E", "PX", "PY", "PZ")}
    return columns | {"ttv": np.zeros(len(block), int), "is_signal_new": block.entries["label"].astype(np.int64)}


def nano_groups(jets: int = 2) -> dict[str, dict[str, Any]]:
    """Return the collections of three events: one of ``jets`` jets, an empty one, and one of a single jet.

    The first jet of the first event lies on a hadronic top, the others far from it; each has two candidates.
    """
    eta, phi = [0.1, *[-2.0] * (jets - 1)], [0.2, *[2.5] * (jets - 1)]
    around = [value + shift for value in eta for shift in (-0.1, 0.1)]
    links = [i for i in range(jets) for _ in (0, 1)]
    return {
        "FatJet": {"eta": [eta, [], [1.0]], "phi": [phi, [], [1.0]]},
        "FatJetPFCand": {"jetIdx": [links, [], [0, 0]], "pfCandIdx": [list(range(2 * jets)), [], [1, 0]]},
        "PFCand": {
            "pt": [[50.0, 100.0] * jets, [], [20.0, 30.0]],
            "eta": [around, [], [0.9, 1.1]],
            "phi": [[value for value in phi for _ in (0, 1)], [], [1.0, 1.0]],
            "mass": [[0.14, 0.0] * jets, [], [0.0, 0.14]],
        },
        "GenPart": {
            "pdgId": [TOP["pdgId"], [], []],
            "genPartIdxMother": [TOP["genPartIdxMother"], [], []],
            "eta": [[0.1, 0.2, 0.0, 0.3, 0.1], [], []],
            "phi": [[0.2, 0.3, 0.1, 0.2, 0.4], [], []],
        },
    }


def with_types(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, ak.Array]]:
    """Return the collections as arrays of the types that the experiments' files have."""
    whole = ("jetIdx", "pfCandIdx", "pdgId", "genPartIdxMother", "PID", "M1")
    return {
        group: {
            name: ak.values_astype(ak.Array([list(event) for event in part]), np.int32 if name in whole else np.float32)
            for name, part in parts.items()
        }
        for group, parts in groups.items()
    }


def write_nanoaod(path: Path, groups: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """Write a NanoAOD file of collections."""
    return write_tree(path, "Events", with_types(groups or nano_groups()))


def delphes_groups() -> dict[str, dict[str, Any]]:
    """Return two events: a jet of four objects on a hadronic top beside a lone photon; and a jet without a top."""
    return {
        "EFlowTrack": {"PT": [[300.0, 200.0], [500.0]], "Eta": [[0.1, 0.2], [-1.0]], "Phi": [[0.2, 0.1], [3.1]]},
        "EFlowPhoton": {"ET": [[50.0, 5.0], []], "Eta": [[0.0, -2.0], []], "Phi": [[0.3, -2.0], []]},
        "EFlowNeutralHadron": {"ET": [[30.0], [90.0]], "Eta": [[0.3], [-1.1]], "Phi": [[0.2], [-3.1]]},
        "Particle": {
            "PID": [TOP["pdgId"], []],
            "M1": [TOP["genPartIdxMother"], []],
            "Eta": [[0.1, 0.2, 0.0, 0.3, 0.1], []],
            "Phi": [[0.2, 0.3, 0.1, 0.2, 0.4], []],
        },
    }


def write_delphes(path: Path, groups: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """Write a Delphes file of collections."""
    return write_tree(path, "Delphes", with_types(groups or delphes_groups()), separator=".")


def as_ntuples(path: Path) -> Path:
    """Write the trees of a file again as RNTuples, their collections as lists of records; return its path."""
    with uproot.open(path) as file:
        content = {name: tree.arrays() for name, tree in file.items(cycle=False)}
    with uproot.recreate(path) as file:
        for name, arrays in content.items():
            file.mkrntuple(name, _collections(arrays))
    return path


def _collections(arrays: ak.Array) -> dict[str, ak.Array]:
    """Return lists of numbers that share the beginning of their names, up to a dot, as one list of records."""
    records: dict[str, dict[str, ak.Array]] = {}
    for name in arrays.fields:
        group, dot, field = name.partition(".")
        if not dot:
            records[name] = arrays[name]
        else:
            records.setdefault(group, {})[field] = arrays[name]
    return {name: ak.zip(part) if isinstance(part, dict) else part for name, part in records.items()}


# For each format: how to write a small file of it with both classes, and what its config needs beside the path.
EXAMPLES: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "top-tagging": (lambda path: write_table(path, padded(toy_block(), 5), toy_block().entries["label"]), {}),
    "npz": (lambda path: write_npz(path.with_suffix(".npz"), toy_block()), {}),
    "parquet": (lambda path: write_parquet(path, list_columns(toy_block())), {}),
    "wide parquet": (lambda path: write_parquet(path, wide_columns(toy_block())), {}),
    "tree": (lambda path: write_own_tree(path, toy_block()), {}),
    "jetclass": (lambda path: write_jetclass(path, toy_block()), {}),
    "nanoaod": (write_nanoaod, {}),
    "delphes": (write_delphes, {"select": {"pt": [400, 700]}}),
    "RNTuple tree": (lambda path: as_ntuples(write_own_tree(path, toy_block())), {}),
    "RNTuple delphes": (lambda path: as_ntuples(write_delphes(path)), {"select": {"pt": [400, 700]}}),
}


def write_example(name: str, path: Path) -> tuple[Path, dict[str, Any]]:
    """Write the example of a format; return its path and the dataset's `source`."""
    write, options = EXAMPLES[name]
    written = write(path)
    return written, {"files": [str(written)], "format": name.rpartition(" ")[2], **options}
