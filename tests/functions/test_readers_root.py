"""What ROOT files may be: trees or RNTuples, closed by their writer or not; and Delphes' own jets."""

from collections import Counter

import awkward as ak
import numpy as np
import pytest
import uproot

from jet_formats import as_ntuples, toy_block, write_example, write_own_tree
from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.kinematics import jet_momenta, pt_eta_phi
from jetpulse.jets.readers import read_jets, rntuple
from toy_jets import assert_one_line


def assert_same(one, other):
    for left, right in zip(one, other, strict=True):
        for name in left.entries:
            np.testing.assert_array_equal(left.entries[name], right.entries[name], strict=True)
        np.testing.assert_array_equal(left.offsets, right.offsets, strict=True)
        np.testing.assert_array_equal(left.flat["constituents"], right.flat["constituents"], strict=True)


@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("name", ["tree", "jetclass", "nanoaod", "delphes"])
def test_an_rntuple_holds_the_same_jets_as_a_tree(tmp_path, name, rows):
    path, options = write_example(name, tmp_path / "jets.root")
    expected = list(read_jets(path, JetSource(**options), rows=rows))
    assert_same(read_jets(as_ntuples(path), JetSource(**options), rows=rows), expected)


def test_blocks_do_not_depend_on_the_clusters_of_an_rntuple(tmp_path):
    tree = write_own_tree(tmp_path / "tree.root", toy_block(20))
    with uproot.open({str(tree): "jets"}) as found:
        arrays = found.arrays()
    with uproot.recreate(tmp_path / "n.root") as file:
        ntuple = file.mkrntuple("jets", {name: arrays[name][:1] for name in arrays.fields})
        for start, stop in ((1, 8), (8, 9), (9, 20)):
            ntuple.extend({name: arrays[name][start:stop] for name in arrays.fields})
    source = JetSource(files=["a"], format="tree")
    for rows in (3, 7, 50):
        found = read_jets(tmp_path / "n.root", source, rows=rows)
        assert_same(found, list(read_jets(tree, source, rows=rows)))


def test_no_more_than_two_clusters_of_an_rntuple_are_held(tmp_path):
    values = ak.Array([[float(i)] * 100 for i in range(40)])
    with uproot.recreate(tmp_path / "n.root") as file:
        ntuple = file.mkrntuple("jets", {"pt": values[:4]})
        for start in range(4, 40, 4):
            ntuple.extend({"pt": values[start : start + 4]})
    with uproot.open(tmp_path / "n.root") as file:
        found = [step["pt"] for step in rntuple.steps(file["jets"], ["pt"], 3)]
    assert ak.concatenate(found).to_list() == values.to_list()
    assert max(array.nbytes for array in found) < values.nbytes / 3


def test_fields_in_collections_without_names_are_found(real_data):
    path = real_data / "more" / "nanoaod2015_rntuple.root"
    fields = {name: f"Muon_{name}" for name in ("pt", "eta", "phi", "mass")}
    (block,) = read_jets(path, JetSource(files=["a"], format="tree", fields=fields), label=0)
    with uproot.open(path) as file:
        (muons,) = ak.unzip(file["Events"].arrays(filter_name="_collection*.Muon_pt"))
    np.testing.assert_array_equal(np.diff(block.offsets), ak.to_numpy(ak.num(muons)))
    pt, _, _ = pt_eta_phi(block.flat["constituents"])
    np.testing.assert_allclose(pt, ak.to_numpy(ak.flatten(muons["Muon_pt"])), rtol=1e-6)
    with pytest.raises(UserError) as error:
        list(read_jets(path, JetSource(files=["a"], format="nanoaod"), label=0))
    assert_one_line(error, path, "no branch 'FatJetPFCand_jetIdx'")


@pytest.mark.parametrize("name", ["tree", "RNTuple tree"])
@pytest.mark.parametrize("appended", [b"\0\0\0\x20\0\4" + bytes(26), bytes(100), b"x"])
def test_a_file_that_goes_on_after_its_end_is_refused(tmp_path, name, appended):
    path, options = write_example(name, tmp_path / "jets.root")
    with path.open("ab") as file:
        file.write(appended)
    with pytest.raises(UserError) as error:
        list(read_jets(path, JetSource(**options)))
    assert_one_line(error, path, f"goes on for {len(appended)} bytes after the end", "hadd")


def test_what_root_has_freed_at_the_end_of_a_file_does_no_harm(tmp_path):
    path, options = write_example("tree", tmp_path / "freed.root")
    with path.open("ab") as file:
        file.write((-50).to_bytes(4, "big", signed=True) + bytes(46))
    assert sum(map(len, read_jets(path, JetSource(**options)))) == 6


def test_clustered_jets_are_those_that_delphes_has_made_itself(real_data):
    path = real_data / "more" / "delphes_issue513.root"
    left_out = Counter()
    source = JetSource(files=["a"], format="delphes", radius=0.5, select={"pt": [15, 5000]})
    (block,) = read_jets(path, source, label=0, left_out=left_out)
    assert left_out == {"constituents: energy-flow objects without momentum": 374}
    event = block.entries["event"]
    pt, eta, phi = pt_eta_phi(jet_momenta(block.flat["constituents"].astype(np.float64), block.offsets))
    with uproot.open({str(path): "Delphes"}) as tree:
        own = tree.arrays([f"Jet.{name}" for name in ("PT", "Eta", "Phi")])
    assert ak.count(own["Jet.PT"]) == 60
    scaled = pt * np.sqrt((2.5 - 0.15 * np.abs(eta)) ** 2 / pt + 1)  # the card's correction of the energy scale
    for i, jets in enumerate(own):
        for *axis, expected in zip(jets["Jet.Eta"], jets["Jet.Phi"], jets["Jet.PT"], strict=True):
            here = np.flatnonzero(event == i)
            nearest = here[np.argmin(np.hypot(eta[here] - axis[0], phi[here] - axis[1]))]
            np.testing.assert_allclose([eta[nearest], phi[nearest]], axis, atol=1e-6)
            np.testing.assert_allclose(scaled[nearest], expected, rtol=1e-6)
