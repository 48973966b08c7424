"""Files of jets with something wrong with them, each with the words that its message must have."""

import os
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import uproot

from jet_formats import (
    delphes_groups,
    list_columns,
    lists,
    momenta_lists,
    nano_groups,
    padded,
    toy_block,
    wide_columns,
    write_delphes,
    write_example,
    write_jetclass,
    write_nanoaod,
    write_npz,
    write_own_tree,
    write_parquet,
    write_tree,
)
from top_tagging_file import write_table
from toy_jets import make_block

BLOCK = toy_block()
MOMENTA, COUNTS = BLOCK.flat["constituents"], np.diff(BLOCK.offsets)
LABEL = BLOCK.entries["label"]


def truncated(name: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        written, _ = write_example(name, path)
        os.truncate(written, written.stat().st_size // 2)
        return written

    return write


def text(path: Path) -> Path:
    path.write_text("E,px,py,pz\n1,2,3,4\n")
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def changed(place: tuple[int, int], value: float) -> np.ndarray:
    """Return the constituents with one number changed."""
    values = MOMENTA.copy()
    values[place] = value
    return values


def npz(**arrays) -> Callable[[Path], Path]:
    return lambda path: write_npz(path.with_suffix(".npz"), BLOCK, **arrays)


def table(**options) -> Callable[[Path], Path]:
    return lambda path: write_table(path, padded(BLOCK, 5), LABEL, **options)


def parquet(**columns) -> Callable[[Path], Path]:
    left = {name: value for name, value in (list_columns(BLOCK) | columns).items() if value is not None}
    return lambda path: write_parquet(path, left)


def tree(columns: dict, flat: dict | None = None, name: str = "jets") -> Callable[[Path], Path]:
    return lambda path: write_tree(path, name, {"constituent": columns}, {"label": LABEL} if flat is None else flat)


def flags(format: str, **columns) -> Callable[[Path], Path]:
    """Return a function that writes jets with these columns of flags."""
    flat = {name: np.asarray(values) for name, values in columns.items()}

    def write(path: Path) -> Path:
        if format == "parquet":
            return write_parquet(path, list_columns(BLOCK) | flat)
        names = ("energy", "px", "py", "pz") if format == "jetclass" else ("E", "px", "py", "pz")
        group = "part" if format == "jetclass" else "constituent"
        return write_tree(path, "tree", {group: momenta_lists(BLOCK, names)}, flat)

    return write


def nano(group: str, name: str, event: int, values: list) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        groups = nano_groups()
        groups[group][name][event] = values
        return write_nanoaod(path, groups)

    return write


def without(groups: dict, group: str) -> dict:
    return {name: parts for name, parts in groups.items() if name != group}


def hdf5(**datasets) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        with h5py.File(path, "w") as handle:
            for name, value in datasets.items():
                handle[name.replace("__", "/")] = value
        return path

    return write


def many_trees(path: Path) -> Path:
    with uproot.recreate(path) as file:
        for name in ("one", "two"):
            file.mktree(name, {"x": np.int32}).extend({"x": np.arange(3, dtype=np.int32)})
    return path


def no_tree(path: Path) -> Path:
    with uproot.recreate(path) as file:
        file["numbers"] = np.histogram([1.0, 2.0])
    return path


def no_jets(path: Path) -> Path:
    return write_npz(path.with_suffix(".npz"), make_block([]))


def unequal(path: Path) -> Path:
    """Write a tree in which the list of one branch is shorter."""
    columns = {f"constituent_{name}": values for name, values in momenta_lists(BLOCK).items()}
    columns["constituent_pz"] = ak.Array([[0.0], *columns["constituent_pz"].to_list()[1:]])
    assert COUNTS[0] != 1
    flat = {**columns, "label": LABEL}
    with uproot.recreate(path) as file:
        file.mktree("jets", {name: ak.Array(value).type.content for name, value in flat.items()}).extend(flat)
    return path


def object_array(path: Path) -> Path:
    return write_npz(path.with_suffix(".npz"), BLOCK, constituents=np.array([{"a": 1}] * len(MOMENTA), object))


def latin_names(path: Path) -> Path:
    """Write a tree whose branch has a name that is not UTF-8: one byte is changed in the file, its length is kept."""
    written = write_tree(path, "jets", {"constituent": momenta_lists(BLOCK)}, {"label": LABEL, "QQQQ": LABEL})
    written.write_bytes(written.read_bytes().replace(b"QQQQ", b"Q\xe9\xffQ"))
    return written


def claims_more(path: Path) -> Path:
    """Write an archive whose header claims 2^50 constituents."""
    written = write_npz(path.with_suffix(".npz"), BLOCK)
    whole = written.read_bytes()
    shape = f"({len(MOMENTA)}, 4), ".encode()
    huge = b"(%d, 4), " % 2**50
    place = whole.index(shape)
    padding = len(huge) - len(shape)
    rest = whole[place + len(shape) :]
    written.write_bytes(whole[:place] + huge + rest.replace(b" " * padding, b"", 1))
    return written


SWAPPED = np.ascontiguousarray(MOMENTA[:, [1, 2, 3, 0]])

# What is wrong: the format, the file, words of the message, further keys of the source.
CASES: dict[str, tuple] = {
    **{f"no {f}": (f, lambda path: path, ["no such file"]) for f in ("npz", "tree")},
    **{f"a folder for {f}": (f, folder, ["is a folder", f]) for f in ("top-tagging", "npz", "parquet", "nanoaod")},
    **{f"empty {f}": (f, empty, ["the file is empty (0 bytes)", f]) for f in ("top-tagging", "npz", "parquet", "tree")},
    "text as HDF5": ("top-tagging", text, ["not an HDF5 file"]),
    "text as npz": ("npz", text, ["not an npz archive"]),
    "text as parquet": ("parquet", text, ["not a parquet file"]),
    "text as ROOT": ("jetclass", text, ["not a ROOT file"]),
    "truncated HDF5": ("top-tagging", truncated("top-tagging"), ["truncated", "fetch"]),
    "truncated npz": ("npz", truncated("npz"), ["truncated", "fetch"]),
    "truncated parquet": ("parquet", truncated("parquet"), ["cannot be read", "fetch"]),
    "truncated tree": ("tree", truncated("tree"), ["truncated", "fetch"]),
    "truncated NanoAOD": ("nanoaod", truncated("nanoaod"), ["truncated", "fetch"]),
    "table of another key": ("top-tagging", table(key="jets"), ["no pandas table under key 'table'", "found jets"]),
    "table of float64": (
        "top-tagging",
        hdf5(table__table=np.zeros(3, [("values_block_0", "<f8", (8,)), ("values_block_1", "<i8", (2,))])),
        ["<f8", "float32"],
    ),
    "table of texts": (
        "top-tagging",
        hdf5(table__table=np.zeros(3, [("values_block_0", "S4", (8,)), ("values_block_1", "<i8", (2,))])),
        ["expected rows of float32"],
    ),
    "table without label": ("top-tagging", table(label_names=("ttv", "is_top")), ["'is_signal_new'", "is_top"]),
    "label that is no class": ("npz", npz(label=LABEL + 1), ["event 1", "label is 2", "0 (QCD) or 1 (top)"]),
    "label that is NaN": ("npz", npz(label=np.where(LABEL, np.nan, 0)), ["event 1", "label is nan"]),
    "npz without counts": ("npz", npz(counts=None), ["lacks counts", "found constituents, label"]),
    "npz without label": ("npz", npz(label=None), ["lacks label"]),
    "npz of objects": ("npz", object_array, ["Python objects"]),
    "npz of texts": ("npz", npz(constituents=MOMENTA.astype("U8")), ["<U8", "float32"]),
    "npz of three columns": ("npz", npz(constituents=MOMENTA[:, :3]), ["(total, 4)"]),
    "npz of complex numbers": ("npz", npz(constituents=MOMENTA.astype(complex)), ["complex128"]),
    "negative counts": ("npz", npz(counts=np.where(np.arange(6) == 2, -3, COUNTS)), ["event 2", "-3 constituents"]),
    "huge counts": (
        "npz",
        npz(counts=np.where(np.arange(6) == 3, 2**62, COUNTS)),
        ["event 3", "expected 0 to 100000", "damaged"],
    ),
    "counts of too many": ("npz", npz(counts=COUNTS + 1), ["counts add up to", f"{len(MOMENTA)} constituents"]),
    "counts of too few": ("npz", npz(counts=COUNTS - (COUNTS > 1)), ["counts add up to"]),
    "labels of other jets": ("npz", npz(label=LABEL[:-1]), ["label has 5 entries, counts 6"]),
    "a header that claims too much": ("npz", claims_more, ["constituents", "make"]),
    "no jets": ("npz", no_jets, ["needs both"]),
    "a jet without constituents": (
        "npz",
        npz(counts=np.append(COUNTS, 0), label=np.append(LABEL, 0)),
        ["event 6", "no constituents"],
    ),
    "NaN": ("npz", npz(constituents=changed((0, 2), np.nan)), ["event 0, constituent 0", "py is nan"]),
    "infinity": ("npz", npz(constituents=changed((-1, 0), np.inf)), ["event 5", "E is inf"]),
    "beyond float32": (
        "npz",
        npz(constituents=np.where(np.arange(4) == 3, 1e300, MOMENTA.astype(np.float64))),
        ["pz is inf", "finite"],
    ),
    "negative energy": ("npz", npz(constituents=-MOMENTA), ["event 0, constituent 0", "E is -", "positive"]),
    "energy below momentum": (
        "npz",
        npz(constituents=changed((0, 0), 0.99 * MOMENTA[0, 0])),
        ["event 0, constituent 0", "less than |p|"],
    ),
    "MeV": ("npz", npz(constituents=1e4 * MOMENTA), ["median jet pT", "unit: MeV"]),
    "columns px, py, pz, E": ("npz", npz(constituents=SWAPPED), ["px, py, pz, E", "expected E, px, py, pz"]),
    "px for E in a tree": (
        "tree",
        lambda path: (
            write_own_tree(path, make_block([]))
            and write_tree(
                path,
                "jets",
                {"constituent": dict(zip(("E", "px", "py", "pz"), (lists(c, BLOCK) for c in SWAPPED.T), strict=True))},
                {"label": LABEL},
            )
        ),
        ["px, py, pz, E"],
    ),
    "unsorted": (
        "npz",
        npz(constituents=np.concatenate([MOMENTA[: COUNTS[0]][::-1], MOMENTA[COUNTS[0] :]])),
        ["constituent 1", "larger pT", "order: repair"],
        {"order": "refuse"},
    ),
    "no such column": ("parquet", parquet(pz=None), ["no column 'pz'", "found py"]),
    "no label column": ("parquet", parquet(label=None), ["no column 'label'"]),
    "numbers in place of lists": ("parquet", parquet(px=np.zeros(6)), ["'px'", "double", "a list of numbers"]),
    "lists in place of labels": ("parquet", parquet(label=pa.array([[0]] * 6)), ["'label'", "one number"]),
    "texts in lists": ("parquet", parquet(px=pa.array([["a"]] * 6)), ["'px'", "a list of numbers"]),
    "lists of other lengths": ("parquet", parquet(px=pa.array([[1.0]] * 6)), ["event 0: px has 1 entries, E"]),
    "a missing list": ("parquet", parquet(px=pa.array([None] * 6, pa.list_(pa.float32()))), ["'px'", "null"]),
    "a missing number": (
        "parquet",
        lambda path: write_parquet(path, wide_columns(BLOCK) | {"PX_0": pa.array([None, *[1.0] * 5])}),
        ["'PX_0'", "1 missing values"],
    ),
    "a missing column of many": (
        "parquet",
        lambda path: write_parquet(path, {k: v for k, v in wide_columns(BLOCK).items() if k != "PY_3"}),
        ["no column 'PY_3'"],
    ),
    "no such tree": (
        "tree",
        lambda path: write_own_tree(path, BLOCK),
        ["no tree 'events'", "found jets"],
        {"fields": {"tree": "events"}},
    ),
    "no tree at all": ("tree", no_tree, ["expected one tree, found none"]),
    "a choice of trees": ("tree", many_trees, ["found one, two", "fields.tree"]),
    "no such branch": ("tree", lambda path: write_own_tree(path, BLOCK), ["no branch 'lable'"], {"label": "lable"}),
    "no such branches": ("tree", tree({"E": [[1.0]]}, {"label": np.array([0])}), ["no branch 'constituent_px'"]),
    "branches of other lengths": ("tree", unequal, ["event 0", "constituent_pz has 1 entries"]),
    "numbers in place of a branch of lists": (
        "tree",
        lambda path: write_own_tree(path, BLOCK),
        ["branch 'label'", "a list of numbers"],
        {"fields": dict(zip(("pt", "eta", "phi"), ["label"] * 3, strict=True))},
    ),
    "lists in place of a branch of labels": (
        "tree",
        lambda path: write_own_tree(path, BLOCK),
        ["branch 'constituent_E'", "one number"],
        {"label": "constituent_E"},
    ),
    "a tree of another experiment": ("jetclass", lambda path: write_own_tree(path, BLOCK), ["no tree 'tree'", "jets"]),
    "classes that are not there": (
        "jetclass",
        lambda path: write_jetclass(path, BLOCK),
        ["no branch 'label_Wqq'"],
        {"label": ["label_Wqq"]},
    ),
    **{
        f"{value} as a flag in {format}": (
            format,
            flags(format, one=LABEL, two=[0, 0, value, value, 0, 0]),
            ["event 2", f"two is {value:g}", "expected 0 or 1", "(2 such jets here)"],
            {"label": label},
        )
        for format, value, label in [
            ("parquet", np.nan, {"signal": ["one", "two"]}),
            ("tree", -1, {"signal": ["one"], "background": ["two"]}),
            ("jetclass", 0.5, {"signal": ["two"]}),
            ("tree", 2, "two"),
            ("parquet", 255, "two"),
        ]
    },
    "a jet of both classes": (
        "jetclass",
        flags("jetclass", one=LABEL, two=np.ones(6)),
        ["event 1: one and two are both 1", "(3 such jets here)"],
        {"label": {"signal": ["one"], "background": ["two"]}},
    ),
    "every jet of some class": (
        "tree",
        flags("tree", one=LABEL, two=1 - LABEL),
        ["every jet is of one of one, two", "say which is background"],
        {"label": {"signal": ["one", "two"]}},
    ),
    "NanoAOD without candidates": (
        "nanoaod",
        lambda path: write_nanoaod(path, without(nano_groups(), "PFCand")),
        ["no branch 'PFCand_pt'"],
    ),
    "data without labels": (
        "nanoaod",
        lambda path: write_nanoaod(path, without(nano_groups(), "GenPart")),
        ["no branch 'GenPart_pdgId'", "give the file a label"],
    ),
    "a link to no jet": ("nanoaod", nano("FatJetPFCand", "jetIdx", 2, [0, 7]), ["event 2", "jetIdx is 7", "0 to 0"]),
    "a negative link": ("nanoaod", nano("FatJetPFCand", "pfCandIdx", 2, [-1, 0]), ["event 2", "pfCandIdx is -1"]),
    "a mother that is not there": (
        "nanoaod",
        nano("GenPart", "genPartIdxMother", 0, [-1, 0, 0, 1, 99]),
        ["event 0", "genPartIdxMother is 99"],
    ),
    "a candidate that is not finite": ("nanoaod", nano("PFCand", "eta", 2, [np.nan, 0.0]), ["event 2", "nan"]),
    "Delphes without energy flow": (
        "delphes",
        lambda path: write_delphes(path, without(delphes_groups(), "EFlowPhoton")),
        ["no branch 'EFlowPhoton.ET'"],
        {"select": {"pt": [100, 900]}},
    ),
    "an object that is not finite": (
        "delphes",
        lambda path: write_delphes(
            path, delphes_groups() | {"EFlowPhoton": {k: [[np.inf], []] for k in ("ET", "Eta", "Phi")}}
        ),
        ["event 0", "not finite"],
        {"select": {"pt": [100, 900]}},
    ),
    "nothing in the window": (
        "npz",
        npz(),
        ["0 top and 0 QCD jets"],
        {"select": {"pt": [5000, 6000]}},
    ),
    "names that are not UTF-8": ("tree", latin_names, ["no branch 'other'"], {"label": "other"}),
}
