import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.errors import UserError
from jetpulse.jets.images import to_dense
from jetpulse.samples import Block, hash_events
from jetpulse.training.inputs import SparseImages, load_inputs
from toy_jets import assert_one_line
from toys import CPU, PIXELS, SIZES, random_images, write_images


def dense(block: Block, pixels: int = PIXELS) -> np.ndarray:
    return to_dense(block.offsets, block.flat["pixel"], block.flat["value"], pixels)


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
        inputs = load_inputs(path, split, CPU)
        assert len(inputs) == SIZES[split]
        np.testing.assert_array_equal(inputs.event, block.entries["event"])
        np.testing.assert_array_equal(inputs.label.numpy(), block.entries["label"])
        np.testing.assert_array_equal(inputs.features.batch(torch.arange(len(inputs))).numpy(), dense(block))
        assert inputs.features.shape == (PIXELS, PIXELS)
        assert inputs.label.dtype == torch.int64


def test_a_limit_keeps_the_events_whose_ids_hash_lowest(tmp_path):
    path = write_images(tmp_path / "i.h5")
    everything, some = load_inputs(path, "train", CPU), load_inputs(path, "train", CPU, 17)
    lowest = everything.event[np.argsort(hash_events(everything.event))[:17]]
    assert sorted(some.event) == sorted(lowest)
    rows = np.flatnonzero(np.isin(everything.event, lowest))
    np.testing.assert_array_equal(some.label, everything.label[rows])
    np.testing.assert_array_equal(
        some.features.batch(torch.arange(17)), everything.features.batch(torch.from_numpy(rows))
    )


def test_smaller_limits_lie_within_larger_ones_whatever_the_order_in_the_file(tmp_path):
    order = np.random.default_rng(3).permutation(SIZES["train"])
    first = write_images(tmp_path / "a.h5", sizes={"train": SIZES["train"]})
    second = write_images(tmp_path / "b.h5", sizes={"train": SIZES["train"]}, change=lambda block: block.take(order))
    assert not np.array_equal(load_inputs(first, "train", CPU).event, load_inputs(second, "train", CPU).event)
    chosen = []
    for limit in (1, 5, 20, SIZES["train"]):
        events = set(load_inputs(first, "train", CPU, limit).event)
        assert events == set(load_inputs(second, "train", CPU, limit).event)
        assert len(events) == limit
        assert not chosen or chosen[-1] < events
        chosen.append(events)


def test_a_limit_of_all_entries_changes_nothing(tmp_path):
    path = write_images(tmp_path / "i.h5")
    limited, whole = load_inputs(path, "train", CPU, SIZES["train"]), load_inputs(path, "train", CPU)
    np.testing.assert_array_equal(limited.event, whole.event)


def test_a_limit_above_the_entries_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5")
    with pytest.raises(UserError) as error:
        load_inputs(path, "train", CPU, 61)
    assert_one_line(error, path, "max_train 61", "60 entries", "'train'")


def test_an_empty_split_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4, "val": 0, "test": 4})
    with pytest.raises(UserError) as error:
        load_inputs(path, "val", CPU)
    assert_one_line(error, path, "'val' is empty")


def test_a_missing_split_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5", sizes={"train": 4})
    with pytest.raises(UserError) as error:
        load_inputs(path, "test", CPU)
    assert_one_line(error, path, "no group 'test'", "found train")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = write_images(tmp_path / "i.h5", kind="jets")
    with pytest.raises(UserError) as error:
        load_inputs(path, "train", CPU)
    assert_one_line(error, path, "kind 'jets'", "jet-image")
