"""Model, history and predictions as files: complete, whole or not there, the same bytes twice."""

import hashlib
import json
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from jetpulse.errors import UserError
from jetpulse.samples import dump_json, load_json, read_attributes, read_block
from jetpulse.training import loop
from jetpulse.training.files import write_model
from jetpulse.training.trained import load_model, write_predictions
from toy_jets import assert_one_line
from toys import CPU, PIXELS, SIZES, STEPS, experiment, read_rows, reseal, write_images

# All of the toys' network.
ARGUMENTS = {"hidden": [6], "dropout": 0.2, "activation": "relu", "one_logit": False}


class StoppedError(Exception):
    """Stands for whatever ends a job too early."""


@pytest.fixture(autouse=True)
def _checkpoint_every_epoch(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images.h5")


@pytest.fixture
def model(images, tmp_path) -> Path:
    write_model(images, tmp_path / "seed1" / "model.safetensors", experiment(), 1)
    return tmp_path / "seed1" / "model.safetensors"


def stop_after(epoch: int):
    def report(row):
        if row["epoch"] == epoch:
            raise StoppedError

    return report


def leave_checkpoint(images: Path, folder: Path, **options) -> None:
    """Start a training that stops after two epochs."""
    with pytest.raises(StoppedError):
        write_model(
            images, folder / "model.safetensors", experiment(), 1, checkpoints=folder, report=stop_after(2), **options
        )
    assert len(list(folder.iterdir())) == 1


def resumed(images: Path, folder: Path, spec=None, seed: int = 1, **options) -> bool:
    """Train to the end; return whether the checkpoint in ``folder`` was used."""
    lines: list[str] = []
    target = folder.parent / "again" / "model.safetensors"
    write_model(images, target, spec or experiment(), seed, checkpoints=folder, log=lines.append, **options)
    return any("resuming" in line for line in lines)


def test_a_training_leaves_three_files_and_nothing_else(model):
    assert sorted(path.name for path in model.parent.iterdir()) == ["history.csv", "model.json", "model.safetensors"]


def test_the_description_is_complete(model, images):
    described = load_json(model.with_name("model.json"))
    versions = described.pop("versions")
    assert described.pop("training_size") > 0
    assert set(described.pop("checksums")) == {"weights", "history", "description"}
    assert set(versions) == {"jetpulse", "python", "torch"}
    assert versions["torch"] == torch.__version__
    assert described == {
        "model": "dense",
        "arguments": ARGUMENTS,
        "shape": [PIXELS, PIXELS],
        "outputs": 2,
        "parameters": PIXELS * PIXELS * 6 + 6 + 6 * 2 + 2,
        "task": "classification",
        "seed": 1,
        "best_epoch": 5,  # without patience the last weights count
        "epochs": 5,
        "training": experiment().training.model_dump(exclude={"resident", "tensorboard"}),
        "representation": read_attributes(images)["spec"],
        "dataset": {"kind": "jets", "seed": 1},
    }


def test_the_history_has_one_row_per_epoch(model):
    rows = read_rows(model.with_name("history.csv"))
    assert list(rows[0]) == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_the_weights_hold_no_pickle(model):
    assert sum(tensor.numel() for tensor in load_file(model).values()) == 170
    assert model.read_bytes()[8:9] == b"{"


def test_the_same_training_writes_the_same_bytes_interrupted_or_not(model, images, tmp_path):
    target = tmp_path / "second" / "model.safetensors"
    folder = tmp_path / "checkpoints"
    with pytest.raises(StoppedError):
        write_model(images, target, experiment(), 1, checkpoints=folder, report=stop_after(3))
    assert not target.parent.exists()
    write_model(images, target, experiment(), 1, checkpoints=folder)
    for name in ("history.csv", "model.json", "model.safetensors"):
        assert model.with_name(name).read_bytes() == target.with_name(name).read_bytes()
    assert list(folder.iterdir()) == []


def test_what_a_killed_training_has_left_of_a_checkpoint_is_removed_in_the_end(images, tmp_path):
    leave_checkpoint(images, tmp_path / "c")
    (checkpoint,) = (tmp_path / "c").iterdir()
    checkpoint.with_name(f".{checkpoint.name}.123.tmp").write_bytes(b"half")
    assert resumed(images, tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_a_checkpoint_belongs_to_one_training_at_a_time(images, tmp_path):
    leave_checkpoint(images, tmp_path / "c")
    (checkpoint,) = (tmp_path / "c").iterdir()

    def second(row: dict) -> None:
        content = checkpoint.read_bytes()
        with pytest.raises(UserError) as error:
            write_model(images, tmp_path / "second" / "model.safetensors", experiment(), 1, checkpoints=tmp_path / "c")
        assert_one_line(error, f"checkpoint {checkpoint} is in use by process {os.getpid()} on")
        assert checkpoint.read_bytes() == content

    write_model(
        images, tmp_path / "m" / "model.safetensors", experiment(), 1, checkpoints=tmp_path / "c", report=second
    )
    assert list((tmp_path / "c").iterdir()) == []


def test_a_model_has_the_mode_that_the_umask_says(images, tmp_path):
    before = os.umask(0o022)
    try:
        write_model(images, tmp_path / "m" / "model.safetensors", experiment(), 1)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "m").iterdir()} == {0o644}


def test_the_checkpoint_stays_until_the_model_is_stored(images, tmp_path):
    (tmp_path / "m").write_text("a file where the model's folder should be")
    with pytest.raises(UserError):
        write_model(images, tmp_path / "m" / "model.safetensors", experiment(), 1, checkpoints=tmp_path / "c")
    assert resumed(images, tmp_path / "c")


def test_a_checkpoint_of_the_very_same_training_is_resumed(images, tmp_path):
    leave_checkpoint(images, tmp_path / "c", code="abc")
    assert resumed(images, tmp_path / "c", code="abc")
    assert not resumed(images, tmp_path / "c", code="abc")


@pytest.mark.parametrize(
    "other",
    [
        {"code": "abd"},
        {"seed": 2},
        {"spec": experiment({"learning_rate": 0.002})},
        {"spec": experiment({"epochs": 6})},
        {"spec": experiment(dropout=0.3)},
    ],
    ids=["code", "seed", "training", "epochs", "network"],
)
def test_a_checkpoint_of_another_training_is_not_resumed(images, tmp_path, other):
    leave_checkpoint(images, tmp_path / "c", code="abc")
    assert not resumed(images, tmp_path / "c", **({"code": "abc"} | other))
    assert len(list((tmp_path / "c").iterdir())) == 1


def test_a_checkpoint_of_other_data_is_not_resumed(images, tmp_path):
    leave_checkpoint(images, tmp_path / "c")
    assert not resumed(write_images(images, seed=2), tmp_path / "c")


def test_a_checkpoint_of_another_torch_is_not_resumed(images, tmp_path, monkeypatch):
    leave_checkpoint(images, tmp_path / "c")
    monkeypatch.setattr(torch, "__version__", "1.0.0")
    assert not resumed(images, tmp_path / "c")


def test_what_only_describes_the_experiment_does_not_stop_it_from_being_resumed(images, tmp_path):
    leave_checkpoint(images, tmp_path / "c")
    assert resumed(images, tmp_path / "c", experiment().model_copy(update={"seeds": [1, 7], "test_on": ["others"]}))


def test_the_history_for_tensorboard_is_no_part_of_the_result(model, images, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    target, spec = tmp_path / "events" / "model.safetensors", experiment({"tensorboard": True})
    with pytest.raises(StoppedError):
        write_model(images, target, spec, 1, checkpoints=tmp_path / "c", report=stop_after(3))
    write_model(images, target, spec, 1, checkpoints=tmp_path / "c")
    for name in ("history.csv", "model.safetensors"):
        assert model.with_name(name).read_bytes() == target.with_name(name).read_bytes()
    (events,) = (target.parent / "tensorboard").iterdir()
    found = accumulator.EventAccumulator(str(events)).Reload()
    assert sorted(found.Tags()["scalars"]) == ["train/accuracy", "train/loss", "val/accuracy", "val/loss"]
    rows = read_rows(target.with_name("history.csv"))
    assert [event.step for event in found.Scalars("val/loss")] == [1, 2, 3, 4, 5]
    written = [event.value for event in found.Scalars("val/loss")]
    assert written == pytest.approx([float(row["val_loss"]) for row in rows], rel=1e-6)


def test_tensorboard_that_is_not_installed_is_an_error(images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "m" / "model.safetensors", experiment({"tensorboard": True}), 1)
    assert_one_line(error, "training.tensorboard", "pip install tensorboard")


def test_a_file_name_without_the_right_ending_is_refused(images, tmp_path):
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "model.pt", experiment(), 1)
    assert_one_line(error, tmp_path / "model.pt", ".safetensors")


def test_a_training_that_fails_leaves_nothing(images, tmp_path):
    spec = experiment({"optimiser": "sgd", "learning_rate": 1e30})
    with pytest.raises(UserError):
        write_model(images, tmp_path / "m" / "model.safetensors", spec, 1, checkpoints=tmp_path / "c")
    assert not (tmp_path / "m").exists()


def test_predictions_carry_event_and_label_and_repeat_what_the_network_says(model, images, tmp_path):
    write_predictions(model, tmp_path / "p.h5", {"toys": images}, device="cpu")
    predicted, stored = read_block(tmp_path / "p.h5", "toys"), read_block(images, "test")
    np.testing.assert_array_equal(predicted.entries["event"], stored.entries["event"])
    np.testing.assert_array_equal(predicted.entries["label"], stored.entries["label"])
    probability = predicted.entries["probability"]
    assert probability.shape == (SIZES["test"], 2)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(1), 1, rtol=0, atol=1e-15)
    network, _, normalisation = load_model(model, CPU)
    dense = torch.zeros(SIZES["test"], PIXELS * PIXELS)
    owner = np.repeat(np.arange(SIZES["test"]), np.diff(stored.offsets))
    dense[owner, torch.from_numpy(stored.flat["pixel"]).long()] = torch.from_numpy(stored.flat["value"])
    expected = torch.softmax(network.eval()(dense).double(), 1).detach().numpy()
    np.testing.assert_allclose(probability, expected, rtol=1e-6)
    assert normalisation is None


def test_predictions_have_a_group_for_every_dataset_and_the_same_bytes_twice(model, images, tmp_path):
    other = write_images(tmp_path / "other.h5", seed=5, sizes={"test": 3})
    for name in ("a.h5", "b.h5"):
        write_predictions(model, tmp_path / name, {"toys": images, "others": other}, device="cpu")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    attributes = read_attributes(tmp_path / "a.h5", "predictions")
    assert attributes["spec"] == {
        "model": "dense",
        "arguments": ARGUMENTS,
        "task": "classification",
        "seed": 1,
        "weights": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    with h5py.File(tmp_path / "a.h5") as handle:
        assert {name: len(group["event"]) for name, group in handle.items()} == {"toys": 20, "others": 3}
        assert handle["toys/label"].dtype == np.int8
        assert handle["toys/probability"].dtype == np.float64


def test_another_representation_is_refused_and_nothing_is_left(model, tmp_path):
    other = write_images(tmp_path / "other.h5", steps=STEPS[:1])
    with pytest.raises(UserError) as error:
        write_predictions(model, tmp_path / "p.h5", {"others": other}, device="cpu")
    assert_one_line(error, other, "['centre']", "trained on", "'normalise'")
    assert not [path for path in tmp_path.iterdir() if "p.h5" in path.name]


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        load_model(tmp_path / "model.safetensors", CPU)
    assert_one_line(error, tmp_path / "model.json", "no such file")


def test_a_description_without_weights_is_refused(model):
    model.unlink()
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model, "no such file")


def other_weights(model: Path) -> None:
    save_file({"layers.1.weight": torch.zeros(6, 24)}, model)
    reseal(model)


def infinite_weights(model: Path) -> None:
    tensors = load_file(model)
    tensors["layers.1.weight"][2, 3] = torch.inf
    save_file(tensors, model)
    reseal(model)


def cut_weights(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-4])
    reseal(model)


def other_network(model: Path) -> None:
    reseal(model, model="jet-cnn")


def unknown_network(model: Path) -> None:
    reseal(model, model="gone")


def other_shape(model: Path) -> None:
    reseal(model, shape=[4, 4])


@pytest.mark.parametrize(
    "change", [other_weights, infinite_weights, cut_weights, other_network, unknown_network, other_shape]
)
def test_weights_that_do_not_fit_the_description_are_refused(model, change):
    change(model)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model, "does not hold the weights")


@pytest.mark.parametrize("key", ["model", "shape", "outputs", "arguments"])
def test_an_incomplete_description_is_refused(model, key):
    description = load_json(model.with_name("model.json"))
    del description[key]
    dump_json(model.with_name("model.json"), description)
    reseal(model)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model.with_name("model.json"), repr(key), "train the model again")


@pytest.mark.parametrize("key", ["training", "task", "representation", "seed"])
def test_an_incomplete_description_does_not_predict(model, images, tmp_path, key):
    description = load_json(model.with_name("model.json"))
    del description[key]
    dump_json(model.with_name("model.json"), description)
    reseal(model)
    with pytest.raises(UserError) as error:
        write_predictions(model, tmp_path / "p.h5", {"toys": images}, device="cpu")
    assert_one_line(error, model.with_name("model.json"), repr(key))


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_any_digit_or_bit_that_has_changed_is_refused(model, name):
    path = model.with_name(name)
    content = bytearray(path.read_bytes())
    content[content.index(b'"half_width": 0.8') + 16 if name == "model.json" else -5] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, path, "checksum", "again")


def test_a_description_without_checksums_is_refused(model):
    description = load_json(model.with_name("model.json"))
    del description["checksums"]
    dump_json(model.with_name("model.json"), description)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model.with_name("model.json"), "no checksums")


def test_a_description_that_is_not_json_is_refused(model):
    model.with_name("model.json").write_text("{")
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model.with_name("model.json"), "not valid JSON")


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a GPU")
def test_training_and_prediction_on_a_gpu_that_is_not_there_are_refused(images, model, tmp_path):
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "m" / "model.safetensors", experiment({"device": "cuda"}), 1)
    assert_one_line(error, "no GPU")
    with pytest.raises(UserError) as error:
        write_predictions(model, tmp_path / "p.h5", {"toys": images}, device="cuda")
    assert_one_line(error, "no GPU")
    assert json.loads(model.with_name("model.json").read_text())["seed"] == 1
    assert not (tmp_path / "m").exists()
