import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.jets.images import to_dense
from jetpulse.samples import Block, hash_events, read_block
from jetpulse.seeds import integer_seed
from jetpulse.training.features import Dense, SparseImages
from jetpulse.training.inputs import check_codes, read_split
from jetpulse.training.objectives import load_objective
from toy_jets import assert_one_line
from toys import (
    BINS,
    CPU,
    PIXELS,
    SAMPLES,
    SIZES,
    TRACES,
    load_split,
    random_images,
    write_images,
    write_predictions_file,
    write_pulses,
    write_spectra,
)

LOCALISATION = load_objective("localisation")


def dense(block: Block, pixels: int = PIXELS) -> np.ndarray:
    return to_dense(block.offsets, block.flat["pixel"], block.flat["value"], pixels)


@pytest.mark.parametrize(
    ("found", "trained", "fits"),
    [
        ("1, 2", ["1", "2"], True),
        ("0, 1", ["-1", "1"], False),
        ("0, 1", ["1", "2"], False),
        ("0, 1", ["QCD", "top"], True),
        ("0, 1", [], True),
    ],
)
def test_a_network_is_not_asked_about_classes_of_other_codes(found, trained, fits):
    if fits:
        check_codes("s.h5", {"classes": found}, trained)
        return
    with pytest.raises(UserError) as error:
        check_codes("s.h5", {"classes": found}, trained)
    assert_one_line(error, f"s.h5: has the classes 0, 1, the model was trained on {', '.join(trained)}")


def test_a_batch_by_hand_with_an_empty_image_in_the_middle():
    flat = {"pixel": np.array([0, 3, 1], np.int32), "value": np.array([1.0, 2.0, 5.0], np.float32)}
    block = Block({"event": np.arange(3)}, np.array([0, 2, 2, 3]), flat)
    images = SparseImages(block, (2, 2), CPU)
    batch = images.batch(torch.tensor([2, 1, 0, 2]))
    assert batch.tolist() == [[[0, 5], [0, 0]], [[0, 0], [0, 0]], [[1, 0], [0, 2]], [[0, 5], [0, 0]]]
    assert batch.dtype == torch.float32


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 7), st.data())
def test_batches_are_the_dense_images_in_any_order_and_with_repetitions(seed, n, pixels, data):
    block = random_images(np.random.default_rng(seed), n, max(pixels, 2))
    index = data.draw(st.lists(st.integers(0, n - 1), max_size=20))
    pixels = max(pixels, 2)
    batch = SparseImages(block, (pixels, pixels), CPU).batch(torch.tensor(index, dtype=torch.int64))
    np.testing.assert_array_equal(batch.numpy(), dense(block, pixels)[index])


def test_only_empty_images_give_zeros():
    flat = {"pixel": np.zeros(0, np.int32), "value": np.zeros(0, np.float32)}
    block = Block({"event": np.arange(2)}, np.zeros(3, np.int64), flat)
    assert SparseImages(block, (3, 2), CPU).batch(torch.tensor([1, 0])).tolist() == [[[0, 0]] * 3] * 2


def test_a_split_is_loaded_whole_and_in_order(tmp_path):
    seen = []
    path = write_images(tmp_path / "i.h5", change=lambda block: seen.append(block) or block)
    for split, block in zip(SIZES, seen, strict=True):
        inputs = load_split(path, split)
        assert len(inputs) == SIZES[split]
        np.testing.assert_array_equal(inputs.event, block.entries["event"])
        np.testing.assert_array_equal(inputs.targets["label"].numpy(), block.entries["label"])
        np.testing.assert_array_equal(inputs.features.batch(torch.arange(len(inputs))).numpy(), dense(block))
        assert inputs.features.shape == (PIXELS, PIXELS)
        assert inputs.targets["label"].dtype == torch.int64


def test_a_limit_keeps_the_events_whose_ids_hash_lowest(tmp_path):
    path = write_images(tmp_path / "i.h5")
    everything, some = load_split(path, "train"), load_split(path, "train", 17)
    drawn = hash_events(everything.event, integer_seed(0, "subsample", bits=62))
    lowest = everything.event[np.argsort(drawn)[:17]]
    assert sorted(some.event) == sorted(lowest)
    rows = np.flatnonzero(np.isin(everything.event, lowest))
    np.testing.assert_array_equal(some.targets["label"], everything.targets["label"][rows])
    np.testing.assert_array_equal(
        some.features.batch(torch.arange(17)), everything.features.batch(torch.from_numpy(rows))
    )


def test_smaller_limits_lie_within_larger_ones_whatever_the_order_in_the_file(tmp_path):
    order = np.random.default_rng(3).permutation(SIZES["train"])
    first = write_images(tmp_path / "a.h5", sizes={"train": SIZES["train"]})
    second = write_images(tmp_path / "b.h5", sizes={"train": SIZES["train"]}, change=lambda block: block.take(order))
    assert not np.array_equal(load_split(first, "train").event, load_split(second, "train").event)
    chosen = []
    for limit in (1, 5, 20, SIZES["train"]):
        events = set(load_split(first, "train", limit).event)
        assert events == set(load_split(second, "train", limit).event)
        assert len(events) == limit
        assert not chosen or chosen[-1] < events
        chosen.append(events)


def test_every_seed_draws_entries_of_its_own(tmp_path):
    path = write_images(tmp_path / "i.h5")
    chosen = [read_split(path, "train", 30, seed=seed)[0].entries["event"] for seed in (1, 1, 2, 3)]
    assert chosen[0].tolist() == chosen[1].tolist()
    shared = [len(np.intersect1d(chosen[i], chosen[j])) for i, j in ((0, 2), (0, 3), (2, 3))]
    assert all(5 < n < 25 for n in shared)  # half of 60 entries each: 15 are expected
    inside = set(read_split(path, "train", 10, seed=2)[0].entries["event"])
    assert inside < set(chosen[2])


def test_a_limit_of_all_entries_changes_nothing(tmp_path):
    path = write_images(tmp_path / "i.h5")
    limited, whole = load_split(path, "train", SIZES["train"]), load_split(path, "train")
    np.testing.assert_array_equal(limited.event, whole.event)


def test_a_limit_above_the_entries_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5")
    with pytest.raises(UserError) as error:
        load_split(path, "train", 61)
    assert_one_line(error, path, "max_train 61", "60 entries", "'train'")


def test_an_empty_split_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4, "val": 0, "test": 4})
    with pytest.raises(UserError) as error:
        load_split(path, "val")
    assert_one_line(error, path, "'val' is empty")


def test_a_missing_split_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4})
    with pytest.raises(UserError) as error:
        load_split(path, "test")
    assert_one_line(error, path, "no group 'test'", "found train")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {"train": ([0, 1], [0.1, 0.9])})
    with pytest.raises(UserError) as error:
        load_split(path, "train")
    assert_one_line(error, path, "kind 'predictions'", "jet-image")


def test_dense_entries_are_handed_out_in_any_order_and_with_repetitions():
    values = np.arange(12, dtype=np.float64).reshape(3, 2, 2)
    features = Dense(values, CPU)
    batch = features.batch(torch.tensor([2, 0, 2]))
    assert batch.dtype == torch.float32
    np.testing.assert_array_equal(batch.numpy(), values[[2, 0, 2]])
    assert features.shape == (2, 2)
    assert features.batch(torch.zeros(0, dtype=torch.int64)).shape == (0, 2, 2)


def test_waveforms_have_labels_and_times_in_bins(tmp_path):
    path = write_pulses(tmp_path / "p.h5")
    inputs, stored = load_split(path, "val", objective=LOCALISATION), read_block(path, "val").entries
    batch = inputs.batch(torch.tensor([4, 1]))
    assert len(batch) == 2
    np.testing.assert_array_equal(batch.features.numpy(), stored["waveform"][[4, 1]])
    np.testing.assert_array_equal(batch.targets["label"].numpy(), stored["label"][[4, 1]])
    # A trace lasts 2.0 from its first to its last bin.
    np.testing.assert_allclose(batch.targets["time"], stored["time"][[4, 1]] / 2.0 * (SAMPLES - 1), rtol=1e-6)
    assert torch.equal(inputs.targets["time"].round().long(), inputs.targets["label"])
    assert inputs.targets["label"].dtype == torch.int64
    assert inputs.representation() == {"kind": "pulses", "shape": [TRACES, SAMPLES]}


def test_waveforms_without_times_have_labels_alone(tmp_path):
    inputs = load_split(write_pulses(tmp_path / "p.h5", time=False), "train", objective=LOCALISATION)
    assert list(inputs.targets) == ["label"]


def test_spectra_need_no_targets(tmp_path):
    path = write_spectra(tmp_path / "s.h5")
    inputs = load_split(path, "test", objective=load_objective("reconstruction"))
    assert inputs.targets == {}
    assert inputs.representation() == {"kind": "spectra", "shape": [BINS]}
    np.testing.assert_array_equal(inputs.batch(torch.arange(20)).features, read_block(path, "test").entries["counts"])


def test_entries_without_a_target_that_is_needed_are_refused(tmp_path):
    with pytest.raises(UserError) as error:
        load_split(write_spectra(tmp_path / "s.h5"), "train", objective=LOCALISATION)
    assert_one_line(error, "'spectra'", "'label'")
