"""Readers of all formats: the same jets whatever they are written in."""

from collections import Counter

import awkward as ak
import numpy as np
import pytest
import uproot

from jet_formats import (
    EXAMPLES,
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
from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.checks import check_jets
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.jets.readers import read_jets
from top_tagging_file import write_table
from toy_jets import assert_one_line, momenta

BLOCK = toy_block()
SAME = {
    "npz": lambda path: write_npz(path.with_suffix(".npz"), BLOCK),
    "npz in Fortran order": lambda path: write_npz(
        path.with_suffix(".npz"), BLOCK, constituents=np.asfortranarray(BLOCK.flat["constituents"])
    ),
    "parquet": lambda path: write_parquet(path, list_columns(BLOCK)),
    "wide parquet": lambda path: write_parquet(path, wide_columns(BLOCK)),
    "tree": lambda path: write_own_tree(path, BLOCK),
    "jetclass": lambda path: write_jetclass(path, BLOCK),
}


def read(path, format="tree", prefix=0, rows=10_000, left_out=None, **options):
    """Return what a file holds: event, label, counts, constituents of all blocks."""
    source = JetSource(files=[str(path)], format=format, **options)
    blocks = list(read_jets(path, source, lambda: prefix, None, rows, left_out))
    return (
        np.concatenate([block.entries["event"] for block in blocks]),
        np.concatenate([block.entries["label"] for block in blocks]),
        np.concatenate([np.diff(block.offsets) for block in blocks]),
        np.concatenate([block.flat["constituents"] for block in blocks]),
    )


@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("name", SAME)
def test_every_format_holds_the_same_jets(tmp_path, name, rows):
    format = name.removeprefix("wide ").removesuffix(" in Fortran order")
    found = read(SAME[name](tmp_path / "jets"), format, 3, rows=rows)
    expected = np.arange(6) + (3 << 32), BLOCK.entries["label"], np.diff(BLOCK.offsets), BLOCK.flat["constituents"]
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_label_from_the_config_stands_in_place_of_the_files(tmp_path, name):
    path, source = write_example(name, tmp_path / "jets")
    blocks = list(read_jets(path, JetSource(**source), label=1))
    assert {int(label) for block in blocks for label in block.entries["label"]} == {1}


def test_the_npz_of_real_jets_and_the_public_file_are_identical(real_data):
    blocks = {
        name: list(read_jets(path, JetSource(files=[str(path)], format=format), rows=300))
        for name, path, format in [
            ("public", real_data / "top_landscape_test_first1000.h5", "top-tagging"),
            ("compact", real_data / "top_landscape_test_first1000.npz", "npz"),
        ]
    }
    for one, other in zip(*blocks.values(), strict=True):
        np.testing.assert_array_equal(one.offsets, other.offsets, strict=True)
        np.testing.assert_array_equal(one.flat["constituents"], other.flat["constituents"], strict=True)
        for key in ("event", "label"):
            np.testing.assert_array_equal(one.entries[key], other.entries[key], strict=True)


@pytest.mark.parametrize("with_energy", [True, False])
def test_a_tree_of_ones_own_with_pt_eta_phi(tmp_path, with_energy):
    pt, eta, phi = pt_eta_phi(BLOCK.flat["constituents"])
    columns = {"pt": pt, "eta": eta, "phi": phi} | ({"e": BLOCK.flat["constituents"][:, 0]} if with_energy else {})
    groups = {"pf": {name: lists(values, BLOCK) for name, values in columns.items()}}
    path = write_tree(tmp_path / "own.root", "events", groups, {"is_top": BLOCK.entries["label"] == 1})
    fields = {"pt": "pf_pt", "eta": "pf_eta", "phi": "pf_phi"} | ({"E": "pf_e"} if with_energy else {})
    _, label, counts, found = read(path, fields=fields, label="is_top")
    np.testing.assert_allclose(found, BLOCK.flat["constituents"], rtol=3e-7)  # massless; a few roundings of float32
    np.testing.assert_array_equal(counts, np.diff(BLOCK.offsets))
    np.testing.assert_array_equal(label, BLOCK.entries["label"])


def test_masses_enter_the_energy(tmp_path):
    groups = {
        "pf": {name: ak.Array([[value]]) for name, value in [("pt", 3.0), ("eta", 0.0), ("phi", 0.0), ("m", 4.0)]}
    }
    path = write_tree(tmp_path / "own.root", "events", groups)
    fields = {"pt": "pf_pt", "eta": "pf_eta", "phi": "pf_phi", "mass": "pf_m"}
    (block,) = read_jets(path, JetSource(files=[str(path)], format="tree", fields=fields), label=0)
    assert block.flat["constituents"].tolist() == [[5.0, 3.0, 0.0, 0.0]]


def test_arrays_of_a_fixed_length_are_padded_with_zeros(tmp_path):
    values = padded(BLOCK, 7)
    path = tmp_path / "fixed.root"
    with uproot.recreate(path) as file:
        columns = {name: values[:, :, i] for i, name in enumerate(("E", "px", "py", "pz"))}
        types = {name: np.dtype((np.float32, (7,))) for name in columns}
        file.mktree("t", {**types, "label": np.int32}).extend({**columns, "label": BLOCK.entries["label"].astype("i4")})
    _, _, counts, found = read(path, fields={"E": "E", "px": "px", "py": "py", "pz": "pz"})
    np.testing.assert_array_equal(counts, np.diff(BLOCK.offsets))
    np.testing.assert_array_equal(found, BLOCK.flat["constituents"])


def test_jetclass_leaves_other_classes_out_and_others_can_be_chosen(tmp_path):
    flat = {"label_QCD": [1, 0, 0, 0, 1, 0], "label_Tbqq": [0, 1, 0, 0, 0, 0], "label_Hbb": [0, 0, 1, 1, 0, 1]}
    flat = {name: np.array(values, np.int32) for name, values in flat.items()}
    path = write_tree(tmp_path / "j.root", "tree", {"part": momenta_lists(BLOCK, ("energy", "px", "py", "pz"))}, flat)
    left_out = Counter()
    event, label, counts, found = read(path, "jetclass", left_out=left_out)
    assert (event.tolist(), label.tolist()) == ([0, 1, 4], [0, 1, 0])
    assert left_out == {"jets: neither signal nor background": 3}
    kept = BLOCK.take(np.array([0, 1, 4]))
    np.testing.assert_array_equal(counts, np.diff(kept.offsets))
    np.testing.assert_array_equal(found, kept.flat["constituents"])
    chosen = {"signal": ["label_Hbb", "label_Tbqq"], "background": "label_QCD"}
    source = JetSource(files=[str(path)], format="jetclass", label=chosen)
    assert [b.entries["label"].tolist() for b in read_jets(path, source)] == [[0, 1, 1, 1, 0, 1]]
    source = JetSource(files=[str(path)], format="jetclass", label=["label_Hbb"])
    assert [b.entries["label"].tolist() for b in read_jets(path, source)] == [[0, 0, 1, 1, 0, 1]]


def test_momenta_in_mev_are_scaled(tmp_path):
    values = BLOCK.flat["constituents"] * 1000
    path = write_npz(tmp_path / "mev.npz", BLOCK, constituents=values)
    np.testing.assert_allclose(read(path, "npz", unit="MeV")[3], BLOCK.flat["constituents"], rtol=2e-7)


def test_jets_of_more_than_fits_at_once_come_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("jetpulse.jets.readers.npz.MOST_AT_ONCE", 6)
    path = write_npz(tmp_path / "a.npz", BLOCK)
    blocks = list(read_jets(path, JetSource(files=[str(path)], format="npz"), rows=100))
    assert len(blocks) > 1
    assert np.concatenate([block.entries["event"] for block in blocks]).tolist() == list(range(6))
    np.testing.assert_array_equal(
        np.concatenate([block.flat["constituents"] for block in blocks]), BLOCK.flat["constituents"]
    )


def test_delphes_objects_become_jets(tmp_path):
    path = write_delphes(tmp_path / "d.root")
    event, label, counts, found = read(path, "delphes", select={"pt": [100, 1000]})
    assert (event.tolist(), label.tolist(), counts.tolist()) == ([0, 1], [1, 0], [4, 2])
    first = momenta([(300, 0.1, 0.2), (200, 0.2, 0.1), (50, 0, 0.3), (30, 0.3, 0.2)], np.float32)
    second = momenta([(500, -1, 3.1), (90, -1.1, -3.1)], np.float32)
    for jet, expected in ((found[:4], first), (found[4:], second)):
        by_pt = np.argsort(-np.hypot(jet[:, 1], jet[:, 2]))
        np.testing.assert_allclose(jet[by_pt], expected, rtol=1e-6, atol=2e-4)  # phi is float32


def test_delphes_jets_that_contain_a_top_in_part_are_left_out(tmp_path):
    groups = delphes_groups()
    groups["Particle"]["Eta"] = [[0.1, 0.2, 2.0, 0.3, 0.1], []]  # the b quark is elsewhere
    left_out = Counter()
    event, label, _, _ = read(
        write_delphes(tmp_path / "d.root", groups), "delphes", select={"pt": [100, 1000]}, left_out=left_out
    )
    assert (event.tolist(), label.tolist()) == ([1], [0])
    assert left_out["jets: neither contain a top nor are free of one"] == 1


def test_delphes_tracks_have_their_mass_if_the_file_has_it(tmp_path):
    groups = delphes_groups()
    groups["EFlowTrack"]["Mass"] = [[0.0, 0.0], [1200.0]]
    path = write_delphes(tmp_path / "d.root", groups)
    constituents = read(path, "delphes", select={"pt": [100, 1000]})[3]
    pt = np.hypot(constituents[:, 1], constituents[:, 2])
    energy = constituents[np.abs(pt - 500) < 1, 0]
    np.testing.assert_allclose(energy, np.hypot(500 * np.cosh(1.0), 1200), rtol=1e-6)


def test_nanoaod_jets_are_made_of_the_candidates_that_are_linked_to_them(tmp_path):
    event, label, counts, found = read(write_nanoaod(tmp_path / "n.root"), "nanoaod")
    assert event.tolist() == [0, 0, 2]  # the event that holds both shares its id
    assert label.tolist() == [1, 0, 0]
    assert counts.tolist() == [2, 2, 2]
    pt, eta, _ = pt_eta_phi(found)
    np.testing.assert_allclose(pt, [50, 100, 50, 100, 30, 20], rtol=1e-6)
    np.testing.assert_allclose(eta, [0.0, 0.2, -2.1, -1.9, 1.1, 0.9], atol=1e-6)
    np.testing.assert_allclose(found[0, 0], np.hypot(50.0, 0.14), rtol=1e-6)


def test_nanoaod_jets_without_candidates_are_left_out_and_candidates_without_weight_dropped(tmp_path):
    groups = nano_groups()
    groups["FatJetPFCand"] = {"jetIdx": [[0, 0], [], [0, 0]], "pfCandIdx": [[0, 1], [], [1, 0]]}
    groups["PFCand"]["pt"][2] = [0.0, 30.0]
    left_out = Counter()
    event, _, counts, _ = read(write_nanoaod(tmp_path / "n.root", groups), "nanoaod", left_out=left_out)
    assert (event.tolist(), counts.tolist()) == ([0, 2], [2, 1])
    assert left_out["jets: without stored candidates"] == 1


def test_a_w_that_no_top_made_is_background(tmp_path):
    groups = nano_groups()
    groups["GenPart"]["pdgId"][0] = [23, 24, 5, 2, -1]  # the W is not of a top any more, neither is the b
    assert read(write_nanoaod(tmp_path / "n.root", groups), "nanoaod")[1].tolist() == [0, 0, 0]


def test_copies_of_a_w_are_followed_up_to_the_top(tmp_path):
    groups = nano_groups()
    extra = {"pdgId": 24, "genPartIdxMother": 1, "eta": 0.2, "phi": 0.3}
    for name, value in extra.items():
        groups["GenPart"][name][0] = [*groups["GenPart"][name][0], value]
    groups["GenPart"]["genPartIdxMother"][0] = [-1, 0, 0, 5, 5, 1]
    assert read(write_nanoaod(tmp_path / "n.root", groups), "nanoaod")[1].tolist() == [1, 0, 0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_read_passes_the_checks(tmp_path, name):
    path, source = write_example(name, tmp_path / "jets")
    for block in read_jets(path, JetSource(**source)):
        assert len(check_jets(block, path, "repair")) == len(block)


def _in_table(path):
    return write_table(path, padded(BLOCK, 5), BLOCK.entries["label"], label_names=("eventNumber", "is_signal_new"))


def _in_tree(path):
    flat = {"label": BLOCK.entries["label"] == 1, "eventNumber": np.zeros(6, np.uint64)}
    return write_tree(path, "own", {"pf": momenta_lists(BLOCK)}, flat)


def _in_jetclass(path):
    flat = {"label_QCD": BLOCK.entries["label"] == 0, "label_Tbqq": BLOCK.entries["label"] == 1}
    groups = {"part": momenta_lists(BLOCK, ("energy", "px", "py", "pz"))}
    return write_tree(path, "tree", groups, {**flat, "eventNumber": np.zeros(6)})


OWN = {name: f"pf_{name}" for name in ("E", "px", "py", "pz")}
NAMED = {
    "top-tagging": (_in_table, {}),
    "tree": (_in_tree, {"fields": OWN}),
    "jetclass": (_in_jetclass, {}),
    "parquet": (lambda path: write_parquet(path, wide_columns(BLOCK) | {"eventNumber": np.zeros(6, np.uint8)}), {}),
    "npz": (lambda path: write_npz(path.with_suffix(".npz"), BLOCK, eventNumber=np.zeros(6, np.int32)), {}),
}


@pytest.mark.parametrize("format", NAMED)
def test_any_column_may_name_the_event(tmp_path, format):
    write, options = NAMED[format]
    path = write(tmp_path / "jets")
    assert read(path, format, rows=4, event="eventNumber", **options)[0].tolist() == [0] * 6
    assert read(path, format, 0, 4, **options)[0].tolist() == [*range(6)]  # but is not taken for it unasked
    with pytest.raises(UserError) as error:
        read(path, format, event=["eventNumber", "evenNumber"], **options)
    assert_one_line(error, path, "evenNumber")


@pytest.mark.parametrize("name", ["constituents", "counts"])
def test_what_jets_are_made_of_names_no_event(tmp_path, name):
    with pytest.raises(UserError) as error:
        read(write_npz(tmp_path / "a.npz", BLOCK), "npz", event=name)
    assert_one_line(error, tmp_path / "a.npz", f"{name} cannot name events")
