"""Padding in every format that can have it, and numbers that look like momenta but are none."""

from collections import Counter

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
import uproot

from jet_formats import lists, padded, toy_block, wide_columns, write_npz, write_parquet, write_tree
from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.kinematics import COLUMNS, pt_eta_phi
from jetpulse.jets.readers import read_jets
from top_tagging_file import write_table
from toy_jets import assert_one_line

BLOCK = toy_block()
LABEL, COUNTS = BLOCK.entries["label"], np.diff(BLOCK.offsets)
WIDTH = 7
FIELDS = {name: name for name in COLUMNS}
PADDED = "constituents: padding at the end of a jet"


def filled(value: float) -> np.ndarray:
    """Return the momenta (n, WIDTH, 4), filled up with a value."""
    values = padded(BLOCK, WIDTH)
    values[(values == 0).all(axis=2)] = value
    return values


def write_fixed_tree(path, values):
    columns = {name: values[:, :, i] for i, name in enumerate(COLUMNS)}
    types = {name: np.dtype((np.float32, (WIDTH,))) for name in columns}
    with uproot.recreate(path) as file:
        file.mktree("t", {**types, "label": np.int8}).extend({**columns, "label": LABEL})
    return path


def write_fixed_ntuple(path, values):
    with uproot.recreate(path) as file:
        columns = {name: np.ascontiguousarray(values[:, :, i]) for i, name in enumerate(COLUMNS)}
        file.mkrntuple("t", {**columns, "label": LABEL})
    return path


def write_lists(path, values):
    part = {name: ak.from_regular(ak.Array(values[:, :, i])) for i, name in enumerate(COLUMNS)}
    return write_tree(path, "t", {"": part}, {"label": LABEL})


def write_list_columns(path, values):
    columns = {name: pa.array(list(values[:, :, i])) for i, name in enumerate(COLUMNS)}
    return write_parquet(path, columns | {"label": LABEL})


def write_fixed_columns(path, values):
    columns = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values[:, :, i]).ravel()), WIDTH)
        for i, name in enumerate(COLUMNS)
    }
    return write_parquet(path, columns | {"label": LABEL})


def write_wide(path, values):
    columns = wide_columns(BLOCK, WIDTH)
    return write_parquet(
        path, columns | {f"{name.upper()}_{i}": values[:, i, k] for i in range(WIDTH) for k, name in enumerate(COLUMNS)}
    )


def write_wide_with_nulls(path, values):
    """Write a table as pandas does: NaN are missing values."""
    columns = {name: pa.array(values) for name, values in wide_columns(BLOCK, WIDTH).items()}
    for i in range(WIDTH):
        for k, name in enumerate(COLUMNS):
            columns[f"{name.upper()}_{i}"] = pa.array(values[:, i, k], from_pandas=True)
    return write_parquet(path, columns)


def write_flat(path, values):
    return write_npz(
        path.with_suffix(".npz"), BLOCK, constituents=values.reshape(-1, 4), counts=np.full(len(BLOCK), WIDTH)
    )


WRITERS = {
    "fixed tree": (write_fixed_tree, {"format": "tree", "fields": FIELDS}),
    "fixed RNTuple": (write_fixed_ntuple, {"format": "tree", "fields": FIELDS}),
    "tree of lists": (write_lists, {"format": "tree", "fields": FIELDS}),
    "parquet of lists": (write_list_columns, {"format": "parquet", "fields": FIELDS}),
    "fixed parquet": (write_fixed_columns, {"format": "parquet", "fields": FIELDS}),
    "wide parquet": (write_wide, {"format": "parquet"}),
    "wide parquet by pandas": (write_wide_with_nulls, {"format": "parquet"}),
    "top-tagging": (lambda path, values: write_table(path, values, LABEL), {"format": "top-tagging"}),
    "npz": (write_flat, {"format": "npz"}),
}


def read(path, options, left_out=None, **arguments):
    return list(read_jets(path, JetSource(files=["a"], **options), left_out=left_out, **arguments))


@pytest.mark.parametrize("value", [0.0, -99.0, np.nan, -0.5])
@pytest.mark.parametrize("name", WRITERS)
def test_padding_is_no_constituent(tmp_path, name, value):
    write, options = WRITERS[name]
    left_out = Counter()
    (block,) = read(write(tmp_path / "jets", filled(value)), options, left_out)
    np.testing.assert_array_equal(block.offsets, BLOCK.offsets)
    np.testing.assert_array_equal(block.flat["constituents"], BLOCK.flat["constituents"], strict=True)
    assert left_out in ({}, {PADDED: WIDTH * len(BLOCK) - len(BLOCK.flat["constituents"])})


@pytest.mark.parametrize("value", [-99.0, np.nan])
@pytest.mark.parametrize("name", WRITERS)
def test_the_same_in_the_middle_of_a_jet_is_damage(tmp_path, name, value):
    jet = int(np.flatnonzero(COUNTS > 1)[0])
    for place in (0, slice(1, None)):  # the first constituent; other values in one column of all the padding
        values = filled(value)
        values[jet, place, slice(None) if place == 0 else 2] = value if place == 0 else -1.0
        write, options = WRITERS[name]
        path = write(tmp_path / f"jets{place == 0}", values)
        with pytest.raises(UserError) as error:
            for block in read(path, options):
                check_jets(block, path)
        assert_one_line(error, path)


def write_polar(path, **changed):
    pt, eta, phi = pt_eta_phi(BLOCK.flat["constituents"])
    columns = {"pt": pt, "eta": eta, "phi": phi} | changed
    return write_tree(
        path, "t", {"": {name: lists(values, BLOCK) for name, values in columns.items()}}, {"label": LABEL}
    )


POLAR = {"format": "tree", "fields": {name: name for name in ("pt", "eta", "phi")}}


def test_angles_in_degrees_and_logarithms_of_pt_are_refused(tmp_path):
    pt, _, phi = pt_eta_phi(BLOCK.flat["constituents"])
    for name, values, words in (
        ("phi", np.degrees(phi), ["phi is", "expected radians"]),
        ("pt", np.log(pt / pt.max()), ["pt is -", "logarithm"]),
    ):
        path = write_polar(tmp_path / name, **{name: values})
        with pytest.raises(UserError) as error:
            read(path, POLAR)
        assert_one_line(error, path, "event 0, constituent", *words)
    (turned,) = read(write_polar(tmp_path / "turned", phi=phi + 2 * np.pi * (phi < 0)), POLAR)  # from 0 to 2 pi
    np.testing.assert_allclose(turned.flat["constituents"][:, 1:3], BLOCK.flat["constituents"][:, 1:3], atol=1e-4)


def test_a_negative_mass_is_one_of_rounding_or_refused(tmp_path):
    pt = pt_eta_phi(BLOCK.flat["constituents"])[0]
    options = POLAR | {"fields": POLAR["fields"] | {"mass": "m"}}
    (block,) = read(write_polar(tmp_path / "rounded", m=-1e-3 * pt), options)
    np.testing.assert_allclose(block.flat["constituents"], BLOCK.flat["constituents"], rtol=1e-5, atol=1e-4)
    path = write_polar(tmp_path / "missing", m=np.where(np.arange(len(pt)) == 1, -99.0, 0.0))
    with pytest.raises(UserError) as error:
        read(path, options)
    assert_one_line(error, path, "mass is -99 (1 of ")


def test_constituents_without_transverse_momentum_are_left_out_and_counted(tmp_path):
    pt, eta, phi = pt_eta_phi(BLOCK.flat["constituents"])
    last = BLOCK.offsets[1:] - 1
    more = [jet for jet in range(len(BLOCK)) if COUNTS[jet] > 1]
    pt[last[more]], eta[last[more]], phi[last[more]] = 0.0, 999.9, -999.0
    along = BLOCK.flat["constituents"].copy()
    along[last[more], 1:3] = 0.0
    for path, options in (
        (write_polar(tmp_path / "polar", pt=pt, eta=eta, phi=phi), POLAR),
        (write_npz(tmp_path / "a.npz", BLOCK, constituents=along), {"format": "npz"}),
    ):
        left_out = Counter()
        (block,) = read(path, options, left_out)
        assert left_out == {"constituents: without transverse momentum": len(more)}
        assert np.diff(block.offsets).tolist() == [count - (count > 1) for count in COUNTS]
        kept = np.delete(BLOCK.flat["constituents"], last[more], axis=0)
        np.testing.assert_allclose(block.flat["constituents"], kept, rtol=1e-5, atol=1e-4)
