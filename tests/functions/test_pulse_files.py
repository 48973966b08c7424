"""samples.h5 of pulses: from the generator or the user's files, dealt to the splits."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from jetpulse.config import PulseDataset, Waveforms
from jetpulse.errors import UserError
from jetpulse.pulses.files import write_samples
from jetpulse.pulses.generator import generate_block
from jetpulse.samples import SPLITS, assign_splits, read_attributes, read_block, split_sizes
from toy_jets import assert_one_line

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
REFERENCE = {"train": 0.6, "val": 0.0, "test": 0.4, "method": "shuffle", "seed": 123}


def generated(split: dict | None = None, **waveforms: object) -> PulseDataset:
    return PulseDataset(kind="pulses", source={"waveforms": waveforms}, split=split or {})


def from_files(*paths: Path, **split: object) -> PulseDataset:
    return PulseDataset(kind="pulses", source={"files": [str(path) for path in paths]}, split=split)


def write_npz(path: Path, n: int, traces: int = 3, samples: int = 20, **more: np.ndarray) -> Path:
    rng = np.random.default_rng(n)
    content = {"waveform": rng.normal(size=(n, traces, samples)), "label": rng.integers(0, samples, n)}
    np.savez(path, **content | more)
    return path


def in_event_order(path: Path) -> dict[str, np.ndarray]:
    """Return the entries of all splits together, sorted by event."""
    blocks = [read_block(path, split).entries for split in SPLITS]
    order = np.argsort(np.concatenate([block["event"] for block in blocks]))
    return {name: np.concatenate([block[name] for block in blocks])[order] for name in blocks[0]}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_reference_sample_has_its_published_hashes(tmp_path, threads):
    path = tmp_path / "samples.h5"
    counts = write_samples(path, generated(REFERENCE, exact=True), threads)
    assert counts == {"train": 6000, "val": 0, "test": 4000} == split_sizes(path)
    whole = in_event_order(path)
    assert whole["event"].tolist() == list(range(10_000))
    assert hashlib.sha256(whole["waveform"].tobytes()).hexdigest().startswith("27b83dffb75830c7")
    assert hashlib.sha256(whole["label"].astype(np.int64).tobytes()).hexdigest().startswith("9735855471dd1d54")


def test_the_reference_split_is_that_of_scikit_learn_in_the_order_of_events(tmp_path):
    from sklearn.model_selection import train_test_split

    write_samples(tmp_path / "samples.h5", generated(REFERENCE, exact=True))
    parts = train_test_split(np.arange(10_000), test_size=0.4, random_state=123)
    for split, expected in zip(("train", "test"), parts, strict=True):
        assert read_block(tmp_path / "samples.h5", split).entries["event"].tolist() == sorted(expected)


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_every_entry_is_what_its_block_holds(tmp_path, method):
    path, spec = tmp_path / "samples.h5", Waveforms(n=250, block=100, noise=0.1, amplitude_spread=0.2, traces=2)
    write_samples(path, generated(FRACTIONS | {"method": method}, **spec.model_dump()), threads=2)
    made = [generate_block(spec, number) for number in range(3)]
    found = in_event_order(path)
    types = {"waveform": "f4", "label": "i4", "time": "f8", "amplitude": "f4", "pulses": "i4"}
    for name, dtype in types.items():
        expected = np.concatenate([getattr(block, name) for block in made]).astype(dtype)
        np.testing.assert_array_equal(found[name], expected, strict=True)
    np.testing.assert_array_equal(found["event"], np.arange(250), strict=True)


@pytest.mark.parametrize("seed", [0, 7])
def test_an_entry_is_in_the_split_of_its_event(tmp_path, seed):
    write_samples(tmp_path / "samples.h5", generated(FRACTIONS | {"seed": seed}, n=300, block=100))
    for i, split in enumerate(SPLITS):
        event = read_block(tmp_path / "samples.h5", split).entries["event"]
        assert (assign_splits(event, FRACTIONS, seed) == i).all()


@pytest.mark.parametrize("exact", [True, False])
def test_threads_do_not_change_a_byte(tmp_path, exact):
    spec = generated(n=500, block=100, exact=exact)
    counts = [write_samples(tmp_path / f"{threads}.h5", spec, threads) for threads in (1, 2, 3)]
    assert counts[0] == counts[1] == counts[2]
    assert len({(tmp_path / f"{threads}.h5").read_bytes() for threads in (1, 2, 3)}) == 1


def test_more_entries_move_none_of_the_others(tmp_path):
    for n in (250, 400):
        write_samples(tmp_path / f"{n}.h5", generated(n=n, block=100))
    for split in SPLITS:
        few, many = (read_block(tmp_path / f"{n}.h5", split).entries for n in (250, 400))
        np.testing.assert_array_equal(few["waveform"], many["waveform"][: len(few["event"])])


def test_the_file_says_what_it_is(tmp_path):
    spec = generated(n=100, traces=4, samples=50)
    write_samples(tmp_path / "samples.h5", spec)
    found = read_attributes(tmp_path / "samples.h5", "pulses")
    assert (list(found["shape"]), found["outputs"], found["features"]) == ([4, 50], 50, "waveform")
    assert json.loads(found["dataset"]) == found["spec"] == json.loads(spec.model_dump_json())
    assert set(found["units"]) == set(read_block(tmp_path / "samples.h5", "train").entries)


def test_progress_counts_every_entry(tmp_path):
    counted = []
    write_samples(tmp_path / "samples.h5", generated(n=250, block=100), progress=counted.append)
    assert sum(counted) == 250


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_no_entries_are_three_empty_splits(tmp_path, exact, method):
    counts = write_samples(tmp_path / "samples.h5", generated(FRACTIONS | {"method": method}, n=0, exact=exact))
    assert counts == {"train": 0, "val": 0, "test": 0} == split_sizes(tmp_path / "samples.h5")
    block = read_block(tmp_path / "samples.h5", "test").entries
    assert block["waveform"].shape == (0, 3, 100)
    assert {name: str(values.dtype) for name, values in block.items()} == {
        "event": "int64",
        "label": "int32",
        "waveform": "float32",
        "time": "float64",
        "amplitude": "float32",
        "pulses": "int32",
    }


@pytest.mark.parametrize("threads", [1, 2])
def test_one_entry_fits_one_split(tmp_path, threads):
    spec = generated({"train": 0.0, "val": 0.0, "test": 1.0}, n=1)
    assert write_samples(tmp_path / "samples.h5", spec, threads) == {"train": 0, "val": 0, "test": 1}


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_a_split_that_should_have_entries_and_has_none_is_a_one_line_error(tmp_path, method):
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", generated(FRACTIONS | {"method": method}, n=1), threads=2)
    assert_one_line(error, tmp_path / "samples.h5", "split 'train' has none of the 1 entries", "0.6")
    assert list(tmp_path.iterdir()) == []


def test_heights_that_float32_cannot_hold_are_a_one_line_error(tmp_path):
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", generated(n=10, amplitude=1e39, background=0.0), threads=2)
    assert_one_line(error, "source.waveforms: event 0", "waveform is inf")
    assert list(tmp_path.iterdir()) == []


def prefix(path: Path) -> int:
    """Return the first 31 bits of the SHA-256 of a file."""
    return int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16) >> 1


def test_waveforms_in_two_splits_are_refused_or_logged(tmp_path):
    waveform = np.repeat(np.random.default_rng(1).normal(size=(60, 3, 20)), 5, axis=0)
    path = write_npz(tmp_path / "a.npz", 300, waveform=waveform)
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(path))
    assert_one_line(error, f"{path}: entry ", "the very same entry is entry ", "duplicates: keep")
    lines = []
    kept = from_files(path)
    kept = kept.model_copy(update={"source": kept.source.model_copy(update={"duplicates": "keep"})})
    write_samples(tmp_path / "samples.h5", kept, log=lines.append)
    assert any("very same entry" in line for line in lines)
    assert any(line.startswith(f"{path}: each row is taken for an event") for line in lines)
    path = write_npz(tmp_path / "b.npz", 300, waveform=waveform, event=np.repeat(np.arange(60), 5))
    write_samples(tmp_path / "samples.h5", from_files(path))
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(path, path))
    assert_one_line(error, path, "is named twice")


def test_files_before_others_move_no_entry(tmp_path):
    paths = [
        write_npz(tmp_path / f"{i}.npz", 40 + i, waveform=np.random.default_rng(i).normal(size=(40 + i, 3, 20)))
        for i in range(3)
    ]

    def where(*files):
        write_samples(tmp_path / "samples.h5", from_files(*files))
        blocks = {split: read_block(tmp_path / "samples.h5", split).entries for split in SPLITS}
        return {int(event): split for split, block in blocks.items() for event in block["event"]}

    few, many = where(*paths[1:]), where(paths[2], *paths[:2])
    assert {event: many[event] for event in few} == few


def test_files_are_read_in_their_order(tmp_path):
    paths = [write_npz(tmp_path / "b.npz", 30), write_npz(tmp_path / "a.npz", 20)]
    counts = write_samples(tmp_path / "samples.h5", from_files(*paths), threads=2)
    assert sum(counts.values()) == 50
    found = in_event_order(tmp_path / "samples.h5")
    paths = sorted(paths, key=lambda path: prefix(path))  # events of a file follow one another
    assert found["event"].tolist() == [
        (prefix(path) << 32) + i for path in paths for i in range(len(np.load(path)["label"]))
    ]
    contents = [np.load(path) for path in paths]
    for name, dtype in (("waveform", "f4"), ("label", "i4")):
        expected = np.concatenate([content[name] for content in contents]).astype(dtype)
        np.testing.assert_array_equal(found[name], expected, strict=True)
    assert set(found) == {"event", "label", "waveform"}
    attributes = read_attributes(tmp_path / "samples.h5", "pulses")
    assert (list(attributes["shape"]), attributes["outputs"]) == ([3, 20], 20)
    assert set(attributes["units"]) == set(found)


def test_files_are_shuffled_over_all_their_rows(tmp_path):
    paths = [write_npz(tmp_path / "a.npz", 30), write_npz(tmp_path / "b.npz", 20)]
    spec = from_files(*paths, **REFERENCE)
    assert write_samples(tmp_path / "samples.h5", spec) == {"train": 30, "val": 0, "test": 20}
    order = np.random.RandomState(123).permutation(50)
    events = np.concatenate([(prefix(path) << 32) + np.arange(n) for path, n in zip(paths, (30, 20), strict=True)])
    assert read_block(tmp_path / "samples.h5", "test").entries["event"].tolist() == events[np.sort(order[:20])].tolist()


def test_shuffling_never_tears_apart_an_event(tmp_path):
    path = write_npz(tmp_path / "a.npz", 30, event=np.repeat(np.arange(15), 2))
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(path, **REFERENCE))
    assert_one_line(error, path, "the event has the id of that of entry", "method `hash`")
    counts = write_samples(tmp_path / "samples.h5", from_files(path))
    assert all(count % 2 == 0 for count in counts.values())


def test_files_that_differ_in_form_are_a_one_line_error(tmp_path):
    paths = [write_npz(tmp_path / "a.npz", 30), write_npz(tmp_path / "b.npz", 20, traces=2)]
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(*paths))
    assert_one_line(error, f"{paths[1]}: entries are 2 traces of 20 samples", f"{paths[0]} has 3 of 20")
    assert not (tmp_path / "samples.h5").exists()


def test_a_bad_entry_names_its_file_and_leaves_nothing(tmp_path):
    good, bad = write_npz(tmp_path / "a.npz", 30), write_npz(tmp_path / "b.npz", 3, label=np.array([0, 20, 1]))
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(good, bad), threads=2)
    assert_one_line(error, f"{bad}: event 1: label is 20, expected a bin from 0 to 19")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_files_without_entries_are_three_empty_splits(tmp_path):
    counts = write_samples(tmp_path / "samples.h5", from_files(write_npz(tmp_path / "a.npz", 0)))
    assert counts == {"train": 0, "val": 0, "test": 0} == split_sizes(tmp_path / "samples.h5")


def test_an_unset_variable_in_a_path_is_a_one_line_error(tmp_path, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(UserError) as error:
        write_samples(tmp_path / "samples.h5", from_files(Path("$NOWHERE/a.npz")))
    assert_one_line(error, "source.files", "$NOWHERE")


@pytest.mark.parametrize("label", [np.full(300, 7), np.arange(300) % 2])
def test_the_log_says_where_all_labels_are_one(tmp_path, label):
    lines = []
    path = write_npz(tmp_path / "a.npz", 300, label=label)
    write_samples(tmp_path / "samples.h5", from_files(path), log=lines.append)
    assert ["label is 7 in all 300 entries" in line for line in lines[1:]] == [True] * int(label[0] == 7)
