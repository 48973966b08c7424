"""The jet chain's files, from blocks or public files to samples and images; nothing here is simulated."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from jetpulse.config import JetDataset, JetImage, Simulation
from jetpulse.errors import UserError
from jetpulse.jets.files import write_jet_images, write_samples, write_simulated_block
from jetpulse.jets.images import build_images
from jetpulse.samples import Block, Writer, assign_splits, read_attributes, read_block, split_sizes
from top_tagging_file import write_table
from toy_jets import assert_one_line, make_block, momenta, random_jets

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
SIMULATED = JetDataset(kind="jets", source={"simulation": {"jets_per_class": 100, "block": 50}})


def from_files(**files: list[str]) -> JetDataset:
    return JetDataset(kind="jets", source={"files": files})


@pytest.fixture
def raw(tmp_path) -> list[Path]:
    """Two blocks of each class, 50 jets each, two jets to an event."""
    paths = []
    for label, process in enumerate(("qcd", "top")):
        for number in (0, 1):
            made = make_block(random_jets(10 * label + number, 50, most=5), [label] * 50)
            event = (label << 56) | (number << 32) | (np.arange(50) // 2)
            block = Block({**made.entries, "event": event}, made.offsets, made.flat)
            path = tmp_path / f"{process}-{number}.h5"
            with Writer.create(path, "jets-raw", spec={}, units={}, process=process, block=number) as writer:
                writer.append("all", block)
            paths.append(path)
    return paths


@pytest.fixture
def public(tmp_path) -> Path:
    jets = np.stack([momenta([(50.0 + i, 0.0, 0.1), (20.0, 0.3, 0.2)]) for i in range(6)])
    return write_table(tmp_path / "public.h5", jets, [0, 1, 0, 1, 0, 1])


def test_every_simulated_jet_is_in_the_split_of_its_event(tmp_path, raw):
    counts = write_samples(tmp_path / "samples.h5", SIMULATED, raw)
    assert sum(counts.values()) == sum(split_sizes(tmp_path / "samples.h5").values()) == 200
    for i, split in enumerate(FRACTIONS):
        block = read_block(tmp_path / "samples.h5", split)
        assert (assign_splits(block.entries["event"], FRACTIONS) == i).all()
        assert (block.entries["event"] >> 56 == block.entries["label"]).all()
        assert {label: int((block.entries["label"] == label).sum()) for label in (0, 1)} == {
            label: counts[split, label] for label in (0, 1)
        }


def test_constituents_stay_with_their_jet(tmp_path, raw):
    write_samples(tmp_path / "samples.h5", SIMULATED, raw)

    def contents(blocks: list[Block]) -> list[tuple]:
        return sorted(
            (int(block.entries["event"][i]), block.take(np.array([i])).flat["constituents"].tobytes())
            for block in blocks
            for i in range(len(block))
        )

    before = contents([read_block(path, "all") for path in raw])
    assert contents([read_block(tmp_path / "samples.h5", split) for split in FRACTIONS]) == before


def test_classes_are_mixed(tmp_path, raw):
    write_samples(tmp_path / "samples.h5", SIMULATED, raw)
    label = read_block(tmp_path / "samples.h5", "train").entries["label"]
    assert np.count_nonzero(np.diff(label)) > 20


def test_samples_do_not_depend_on_the_order_in_which_blocks_are_named(tmp_path, raw):
    write_samples(tmp_path / "a.h5", SIMULATED, raw)
    write_samples(tmp_path / "b.h5", SIMULATED, raw[::-1])
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_public_files_become_their_splits(tmp_path, public):
    files = {"train": [str(public)], "val": [str(public)], "test": [str(public)]}
    spec = JetDataset(kind="jets", source={"files": files, "duplicates": "keep"})
    counts = write_samples(tmp_path / "samples.h5", spec, [])
    assert split_sizes(tmp_path / "samples.h5") == {"train": 6, "val": 6, "test": 6}
    assert counts["train", 1] == 3
    events = [read_block(tmp_path / "samples.h5", split).entries["event"] for split in FRACTIONS]
    assert len(np.unique(np.concatenate(events))) == 6  # of one content, whatever it is called
    assert read_attributes(tmp_path / "samples.h5", "jets")["spec"]["source"]["format"] == "top-tagging"


def test_the_bytes_do_not_depend_on_pythons_hash_seed(tmp_path, public):
    code = """
import sys
from jetpulse.config import JetDataset
from jetpulse.jets.files import write_samples
spec = JetDataset(kind="jets", source={"files": {"test": [sys.argv[1]]}})
write_samples(sys.argv[2], spec, [])
"""
    contents = set()
    for seed in range(4):
        path = tmp_path / f"{seed}.h5"
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", code, public, path], env=environment, check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_a_split_without_files_is_empty(tmp_path, public):
    write_samples(tmp_path / "samples.h5", from_files(test=[str(public)]), [])
    assert split_sizes(tmp_path / "samples.h5") == {"train": 0, "val": 0, "test": 6}


def test_a_split_that_lacks_a_class_is_a_one_line_error_and_leaves_no_file(tmp_path):
    path = write_table(tmp_path / "only-top.h5", momenta([(50.0, 0.0, 0.1)])[None], [1])
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(test=[str(path)]), [])
    assert_one_line(error, tmp_path / "samples.h5", "'test' has 1 top and 0 QCD jets")
    assert [p.name for p in tmp_path.iterdir()] == ["only-top.h5"]


def test_an_unphysical_jet_names_the_input_and_leaves_no_file(tmp_path):
    jets = np.stack([momenta([(50.0, 0.0, 0.1)]), -momenta([(50.0, 0.0, 0.1)])])
    path = write_table(tmp_path / "bad.h5", jets, [0, 1])
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(test=[str(path)]), [])
    assert_one_line(error, path, "event 1,", "E is -50 GeV")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.h5"]


def test_a_missing_input_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(test=[str(tmp_path / "no.h5")]), [])
    assert_one_line(error, tmp_path / "no.h5", "no such file")


def test_a_block_beyond_the_last_is_a_one_line_error(tmp_path):
    spec = Simulation(jets_per_class=100, block=50)
    with pytest.raises(UserError) as error:
        write_simulated_block(tmp_path / "a.h5", spec, "qcd", 2)
    assert_one_line(error, "block 2 does not exist", "block 1")


@pytest.mark.parametrize("pixels", [40, 37])
def test_image_files_hold_the_images_of_every_split(tmp_path, raw, pixels):
    write_samples(tmp_path / "samples.h5", SIMULATED, raw)
    spec = JetImage(kind="jet-image", pixels=pixels)
    write_jet_images(tmp_path / "samples.h5", tmp_path / "images.h5", spec, 2)
    for split in FRACTIONS:
        jets, images = (read_block(tmp_path / name, split) for name in ("samples.h5", "images.h5"))
        expected = build_images(jets.flat["constituents"], jets.offsets, pixels, 0.8, spec.steps)
        found = images.offsets, images.flat["pixel"], images.flat["value"]
        for left, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(left, right, strict=True)
        for name in ("event", "label"):
            np.testing.assert_array_equal(images.entries[name], jets.entries[name])


def test_image_files_say_what_they_are(tmp_path, public):
    write_samples(tmp_path / "samples.h5", from_files(test=[str(public)]), [])
    write_jet_images(tmp_path / "samples.h5", tmp_path / "a.h5", JetImage(kind="jet-image", steps=["centre"]))
    write_jet_images(tmp_path / "samples.h5", tmp_path / "b.h5", JetImage(kind="jet-image"))
    centred, normalised = (read_attributes(tmp_path / name, "jet-image") for name in ("a.h5", "b.h5"))
    assert (centred["units"]["value"], normalised["units"]["value"]) == ("GeV", "1")
    assert centred["spec"]["steps"] == ["centre"]
    assert list(centred["shape"]) == [40, 40]
    assert list(centred["edges"]) == [-0.8, 0.8]
    assert centred["axes"] == "eta, phi"
    assert split_sizes(tmp_path / "a.h5") == {"train": 0, "val": 0, "test": 6}


def test_images_of_something_else_are_a_one_line_error(tmp_path, raw):
    with pytest.raises(UserError) as error:
        write_jet_images(raw[0], tmp_path / "images.h5", JetImage(kind="jet-image"))
    assert_one_line(error, raw[0], "'jets-raw'", "'jets'")
    assert not (tmp_path / "images.h5").exists()


def test_no_file_holds_a_python_object(tmp_path, raw):
    write_samples(tmp_path / "samples.h5", SIMULATED, raw)
    with h5py.File(tmp_path / "samples.h5") as handle:
        kinds = []
        handle.visititems(lambda _, item: kinds.append(item.dtype.kind) if isinstance(item, h5py.Dataset) else None)
    assert set(kinds) <= {"i", "f"}
