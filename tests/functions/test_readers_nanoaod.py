"""Real CMS jets: the sum of the constituents is the jet that the file itself stores."""

from collections import Counter

import awkward as ak
import numpy as np
import uproot

from jetpulse.config import JetDataset, JetImage, JetSource
from jetpulse.jets.checks import check_jets
from jetpulse.jets.files import write_jet_images, write_samples
from jetpulse.jets.kinematics import jet_momenta, mass, pt_eta_phi
from jetpulse.jets.readers import read_jets
from jetpulse.samples import read_attributes, read_block, split_sizes

BITS = 10  # of the mantissa of FatJet_pt, FatJet_mass and PFCand_pt in the file; rawFactor has 6, angles have 12


def step(value: np.ndarray, bits: int) -> np.ndarray:
    """Return by how much a number changes with the last of so many bits of its mantissa."""
    return 2.0 ** (np.floor(np.log2(np.abs(value))) - bits)


def stored(path):
    """Return pt, eta, mass before corrections, rawFactor and the number of candidates of every jet, and its event."""
    names = ("pt", "eta", "mass", "rawFactor", "nConstituents")
    with uproot.open({str(path): "Events"}) as tree:
        arrays = tree.arrays([f"FatJet_{name}" for name in names])
    flat = {name: ak.to_numpy(ak.flatten(arrays[f"FatJet_{name}"])).astype(np.float64) for name in names}
    event = np.repeat(np.arange(len(arrays)), ak.to_numpy(ak.num(arrays["FatJet_pt"])))
    raw = 1 - flat["rawFactor"]
    return flat | {"raw_pt": flat["pt"] * raw, "raw_mass": flat["mass"] * raw, "raw": raw, "event": event}


def test_constituents_sum_to_the_stored_jets_within_the_stored_precision(real_data):
    path = real_data / "nano_tt_v15.root"
    left_out = Counter()
    (block,) = read_jets(path, JetSource(files=[str(path)], format="nanoaod"), label=0, left_out=left_out)
    jets = stored(path)
    # Candidates are stored for the jets within |eta| 2.5 and for no others.
    inside = np.abs(jets["eta"]) <= 2.5
    assert left_out == {"jets: without stored candidates": 2}
    assert (~inside).sum() == 2
    jets = {name: values[inside] for name, values in jets.items()}
    assert block.entries["event"].tolist() == jets["event"].tolist()
    assert np.diff(block.offsets).tolist() == jets["nConstituents"].tolist()
    momenta = jet_momenta(block.flat["constituents"], block.offsets)
    pt, _, _ = pt_eta_phi(momenta)
    # The jet's pT and the correction that is taken back are rounded to their last bit. The candidates' pT were cut (not
    # rounded: their sum is 0.08 % too small in the mean) twice on their way, in MiniAOD and in NanoAOD, to 10 bits.
    candidate_pt, _, _ = pt_eta_phi(block.flat["constituents"])
    rounded = step(jets["pt"], BITS) / jets["pt"] / 2 + step(jets["rawFactor"], 6) / jets["raw"] / 2
    precision = rounded + 2 * np.add.reduceat(step(candidate_pt, BITS), block.offsets[:-1]) / pt
    found = pt / jets["raw_pt"] - 1
    assert (np.abs(found) < precision).all(), np.abs(found / precision).max()
    assert np.median(np.abs(found)) < 0.001
    assert precision.max() < 0.004
    # The mass has the same errors, and that of the angles between candidates: half a step of 12 bits, below 4, on both.
    angle = np.sqrt(2) * step(np.array(3.0), 12) / 2 * jets["pt"] / jets["mass"]
    found = mass(momenta) / jets["raw_mass"] - 1
    assert (np.abs(found) < precision + angle).all(), np.abs(found / (precision + angle)).max()
    assert np.median(np.abs(found)) < 0.0015
    assert (precision + angle).max() < 0.007


def test_labels_of_real_jets_come_from_the_generator(real_data):
    path = real_data / "nano_tt_v15.root"
    left_out = Counter()
    (block,) = read_jets(path, JetSource(files=[str(path)], format="nanoaod"), left_out=left_out)
    # Most jets of this sample are tops of 200 GeV, too slow to keep all their quarks within 0.8.
    assert Counter(block.entries["label"].tolist()) == {1: 3, 0: 10}
    assert left_out == {"jets: without stored candidates": 2, "jets: neither contain a top nor are free of one": 49}
    top = block.take(np.flatnonzero(block.entries["label"] == 1))
    pt, _, _ = pt_eta_phi(jet_momenta(top.flat["constituents"], top.offsets))
    assert (pt > 300).all()


def test_the_chain_runs_on_real_cms_jets(tmp_path, real_data):
    source = {"files": {"test": str(real_data / "nano_tt_v15.root")}, "format": "nanoaod"}
    lines = []
    counts = write_samples(tmp_path / "samples.h5", JetDataset(kind="jets", source=source), [], log=lines.append)
    assert counts == {("test", 0): 10, ("test", 1): 3}
    assert "left out: 2 jets: without stored candidates" in lines
    assert read_attributes(tmp_path / "samples.h5", "jets")["versions"]["uproot"]
    block = read_block(tmp_path / "samples.h5", "test")
    assert check_jets(block, "samples.h5", "refuse") is block
    write_jet_images(tmp_path / "samples.h5", tmp_path / "images.h5", JetImage(kind="jet-image"))
    assert split_sizes(tmp_path / "images.h5")["test"] == 13
