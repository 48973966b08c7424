"""Where entries wait for their turn makes no difference; a thread that brings them ends when it should."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from jetpulse.config import JetImage
from jetpulse.errors import UserError
from jetpulse.jets.files import write_jet_images
from jetpulse.samples import read_block, read_entries
from jetpulse.training import streaming
from jetpulse.training.files import write_model
from jetpulse.training.inputs import Inputs, make_inputs, read_split
from jetpulse.training.objectives import load_objective
from jetpulse.training.streaming import (
    available_memory,
    choose_place,
    prefetch,
    read_to_disk,
    stored_bytes,
)
from toy_jets import assert_one_line, write_jets
from toys import CPU, experiment, task_experiment, write_images, write_pulses, write_spectra

PLACES = ("device", "host", "disk")
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(streaming, "_ROWS", 7)


def write_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Write a small file of every kind; return each with its task."""
    samples = write_jets(folder)
    write_jet_images(samples, folder / "i.h5", JetImage.model_validate({"kind": "jet-image", "pixels": 7}))
    return {
        "jets": (samples, "classification"),
        "images": (folder / "i.h5", "classification"),
        "pulses": (write_pulses(folder / "p.h5"), "localisation"),
        "spectra": (write_spectra(folder / "s.h5"), "reconstruction"),
    }


def load(path: Path, task: str, place: str, limit: int | None = None, device: torch.device = CPU) -> Inputs:
    return make_inputs(*read_split(path, "train", limit, place), load_objective(task), device, place=place)


def same(first: Inputs, second: Inputs) -> None:
    """Check that all batches of an epoch are the same bits, those that a thread brings too."""
    np.testing.assert_array_equal(first.event, second.event)
    chunks = torch.randperm(len(first), generator=torch.Generator().manual_seed(1)).split(8)
    for chunk, one, other in zip(chunks, first.batches(chunks), second.batches(chunks), strict=True):
        assert torch.equal(one.features.cpu(), other.features.cpu())
        assert list(one.targets) == list(other.targets)
        for name in one.targets:
            assert torch.equal(one.targets[name].cpu(), other.targets[name].cpu())
        assert torch.equal(first.batch(chunk).features, one.features)


@pytest.mark.parametrize("limit", [None, 17])
@pytest.mark.parametrize("place", ["host", "disk"])
def test_every_place_gives_the_same_batches(tmp_path, place, limit):
    for path, task in write_files(tmp_path).values():
        there = load(path, task, place, limit)
        assert there.features.slow == (place == "disk")
        same(load(path, task, "device", limit), there)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("place", PLACES)
def test_a_gpu_gets_the_same_batches_from_every_place(tmp_path, place):
    for path, task in write_files(tmp_path).values():
        there = load(path, task, place, device=CUDA)
        assert there.features.slow == (place != "device")
        same(load(path, task, "device"), there)


@pytest.mark.parametrize("kind", ["images", "spectra"])
def test_every_place_gives_the_same_weights(tmp_path, kind):
    path = write_images(tmp_path / "images.h5") if kind == "images" else write_spectra(tmp_path / "s.h5")
    weights = set()
    for place in ("auto", *PLACES):
        training = {"resident": place, "epochs": 2}
        if kind == "images":
            spec = experiment(training)
        else:
            spec = task_experiment("reconstruction", training | {"normalise": "residual"})
        model = tmp_path / place / "model.safetensors"
        write_model(path, model, spec, 1)
        weights.add(model.read_bytes())
    assert len(weights) == 1


def test_what_is_mapped_is_what_is_in_the_file(tmp_path):
    for path, _ in write_files(tmp_path).values():
        for chosen in (None, np.array([0, 6, 7, 20, 59]), np.zeros(0, np.int64)):
            mapped, read = read_to_disk(path, "train", chosen), read_block(path, "train")
            read = read if chosen is None else read.take(chosen)
            assert (mapped.offsets is None) == (read.offsets is None)
            pairs = [(mapped.entries, read.entries), (mapped.flat, read.flat)]
            if read.offsets is not None:
                pairs.append(({"offsets": mapped.offsets}, {"offsets": read.offsets}))
            for ours, theirs in pairs:
                assert set(ours) == set(theirs)
                for name in ours:
                    assert ours[name].dtype == theirs[name].dtype
                    np.testing.assert_array_equal(ours[name], theirs[name])
    large = read_to_disk(tmp_path / "samples.h5", "train").flat["constituents"]
    assert isinstance(large, np.memmap)


def test_scratch_files_have_no_names(tmp_path, monkeypatch):
    monkeypatch.setattr(streaming.tempfile, "tempdir", str(tmp_path))
    samples = write_jets(tmp_path)
    mapped = read_to_disk(samples, "train")
    assert list(tmp_path.iterdir()) == [samples]
    assert mapped.flat["constituents"].shape[1] == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    samples = write_jets(tmp_path)
    with Path("/dev/full").open("w+b", buffering=0) as full, pytest.raises(UserError) as error:
        monkeypatch.setattr(streaming.tempfile, "TemporaryFile", lambda **_: full)
        read_to_disk(samples, "train")
    assert_one_line(error, streaming.tempfile.gettempdir(), "No space left", "TMPDIR")


def test_an_empty_split_and_a_limit_above_the_entries_are_refused_wherever_they_wait(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4, "val": 0})
    for place in ("host", "disk"):
        with pytest.raises(UserError) as error:
            read_split(path, "val", place=place)
        assert_one_line(error, path, "'val' is empty")
        with pytest.raises(UserError) as error:
            read_split(path, "train", 5, place)
        assert_one_line(error, path, "max_train 5", "4 entries")
    with pytest.raises(UserError) as error:
        read_entries(path, "train", "weight")
    assert_one_line(error, path, "train/weight")


def test_the_bytes_of_a_split_by_hand(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4, "val": 3})
    train, val = read_block(path, "train"), read_block(path, "val")
    expected = [len(b) * 9 + 8 * (len(b) + 1) + 8 * b.offsets[-1] for b in (train, val)]
    assert stored_bytes(path, "train") == expected[0]
    assert stored_bytes(path, "train", "val", "test") == sum(expected)


def test_the_first_place_with_room_is_chosen(monkeypatch):
    monkeypatch.setattr(streaming, "available_memory", lambda: 1000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 10_000))
    assert [choose_place("auto", CPU, size) for size in (0, 500, 501)] == ["device", "device", "disk"]
    assert [choose_place("auto", CUDA, size) for size in (50, 51, 500, 501)] == ["device", "host", "host", "disk"]
    assert [choose_place(place, CUDA, 10**9) for place in PLACES] == list(PLACES)


def test_available_memory_is_within_that_of_the_machine():
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 10_000_000 < available_memory() <= physical


def test_a_control_group_limits_the_memory(tmp_path, monkeypatch):
    # A job in a group of 3000 bytes, of which 1200 are used, 200 of those for files that nobody uses.
    texts = {"memory.max": "3000\n", "memory.current": "1200\n", "memory.stat": "anon 1000\ninactive_file 200\n"}
    group = tmp_path / "job"
    group.mkdir()
    for name, text in texts.items():
        (group / name).write_text(text)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cgroup").write_text("0::/job\n")
    real = {"/proc/self/cgroup": tmp_path / "cgroup", "/sys/fs/cgroup": tmp_path}
    monkeypatch.setattr(streaming, "Path", lambda name: real.get(name, Path(name)))
    assert available_memory() == 2000


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "jetpulse-prefetch"]


def test_what_is_made_ahead_comes_in_order_and_not_too_early():
    made = []
    stream = prefetch(lambda i: made.append(i) or i * i, range(20), ahead=2)
    for number, value in enumerate(stream):
        assert value == number * number
        time.sleep(0.002)
        assert len(made) <= number + 4  # this one, two that wait, one that is being handed over
    assert made == list(range(20))
    assert threads() == []
    assert list(prefetch(str, [])) == []


def test_what_is_raised_in_the_thread_is_raised_in_its_place():
    def make(number: int) -> int:
        if number == 3:
            raise UserError("no 3")
        return number

    seen = []
    with pytest.raises(UserError, match="no 3"):
        seen.extend(prefetch(make, range(10)))
    seen = []
    with pytest.raises(UserError, match="no 3"):
        for value in prefetch(lambda i: i, (make(i) for i in range(10))):
            seen.append(value)
    assert seen == [0, 1, 2]
    assert threads() == []


@pytest.mark.parametrize("ahead", [1, 5])
def test_a_caller_that_stops_early_leaves_no_thread(ahead):
    for value in prefetch(lambda i: i, iter(int, 1), ahead):
        assert value == 0
        assert len(threads()) == 1
        break
    assert threads() == []
    stream = prefetch(lambda i: i, iter(int, 1), ahead)
    next(stream)
    stream.close()
    assert threads() == []


def test_batches_can_be_closed_wherever_entries_wait(tmp_path):
    path = write_jets(tmp_path)
    for place in PLACES:
        inputs = load(path, "classification", place)
        stream = inputs.batches(torch.arange(60).split(5))
        assert len(next(stream)) == 5
        stream.close()
        assert threads() == []
