"""Augmented trainings and their files: where the random numbers come from, what is read, what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from jetpulse.config import Experiment, JetImage
from jetpulse.errors import UserError
from jetpulse.jets.files import write_jet_images
from jetpulse.samples import load_json, read_attributes
from jetpulse.training import loop
from jetpulse.training.augmentation import of_epoch, read_augmented
from jetpulse.training.files import write_model
from jetpulse.training.inputs import read_split
from toy_jets import assert_one_line, write_jets
from toys import CLASSIFICATION, CPU, experiment, load_split, write_spectra

EVERYTHING = {"rotation": True, "flip": True, "boost": 1.0, "smear": 0.1, "direction": 0.01, "drop": 0.1}
SMALL = {"name": "particle-transformer", "width": 8, "heads": 2, "blocks": 1, "pair_width": 4, "constituents": 10}


class StoppedError(Exception):
    """Stands for whatever ends a job too early."""


IMAGE = JetImage.model_validate({"kind": "jet-image", "pixels": 7, "steps": ["centre", "flip-phi", "normalise"]})


@pytest.fixture
def samples(tmp_path) -> Path:
    return write_jets(tmp_path)


@pytest.fixture
def images(samples, tmp_path) -> Path:
    write_jet_images(samples, tmp_path / "images.h5", IMAGE)
    return tmp_path / "images.h5"


def spec(network: str, **training) -> Experiment:
    settings = {"augment": EVERYTHING, "epochs": 4} | training
    if network == "images":
        return experiment(settings)
    made = experiment(settings).model_dump() | {"representation": "samples", "model": SMALL}
    return Experiment.model_validate({key: made[key] for key in ("dataset", "representation", "model", "training")})


def read(path: Path, constituents: Path | None, augment: dict, seed: int = 1, **training):
    settings = spec("images", augment=augment, **training).training
    return read_augmented(path, constituents, settings, CLASSIFICATION, CPU, seed, "device")


def features(inputs, index: list[int]) -> torch.Tensor:
    return inputs.batch(torch.tensor(index, dtype=torch.int64)).features


def test_every_epoch_and_seed_has_changes_of_its_own_which_do_not_depend_on_what_was_read_before(samples):
    inputs = read(samples, None, EVERYTHING)
    first = features(inputs, [3, 1, 2])
    features(inputs, [7, 8])
    assert torch.equal(features(inputs, [3, 1, 2]), first)
    assert first.dtype == torch.float32
    others = [of_epoch(inputs, 1), of_epoch(inputs, 2), read(samples, None, EVERYTHING, seed=2)]
    seen = [first, *(features(other, [3, 1, 2]) for other in others)]
    for number, one in enumerate(seen):
        for other in seen[:number]:
            assert one.shape != other.shape or not torch.equal(one, other)
    assert torch.equal(features(of_epoch(others[0], 0), [3, 1, 2]), first)
    assert inputs.batch(torch.tensor([3, 1])).targets["label"].tolist() == [1, 1]
    assert features(inputs, []).shape == (0, 0, 4)


def test_batches_made_ahead_are_the_same(samples):
    inputs = read(samples, None, EVERYTHING)
    assert inputs.features.slow
    chunks = torch.randperm(60, generator=torch.Generator().manual_seed(1)).split(7)
    for chunk, made in zip(chunks, inputs.batches(chunks), strict=True):
        assert torch.equal(made.features, inputs.batch(chunk).features)
        assert torch.equal(made.targets["label"], inputs.targets["label"][chunk])


def test_images_are_made_by_the_steps_of_their_representation(images, samples):
    # Massless constituents keep their places relative to each other in a boost.
    inputs, stored = read(images, samples, {"boost": 0.5}), load_split(images, "train")
    assert inputs.features.shape == (7, 7)
    index = list(range(60))
    torch.testing.assert_close(features(inputs, index), features(stored, index), rtol=1e-5, atol=1e-5)
    assert not torch.equal(features(read(images, samples, {"rotation": True}), index), features(stored, index))
    np.testing.assert_array_equal(inputs.event, stored.event)
    assert torch.equal(inputs.targets["label"], stored.targets["label"])
    assert inputs.representation() == IMAGE.model_dump()


def test_a_limit_chooses_the_same_jets_as_without_augmentation(images, samples):
    few = read(images, samples, {"boost": 0.5}, max_train=17)
    np.testing.assert_array_equal(few.event, read_split(images, "train", 17, seed=1)[0].entries["event"])


@pytest.mark.parametrize("network", ["images", "constituents"])
def test_a_resumed_training_ends_with_the_same_bytes(network, images, samples, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    inputs = (images, samples) if network == "images" else (samples, None)

    def stop(row):
        if row["epoch"] == 2:
            raise StoppedError

    def write(name: str, **options) -> Path:
        model = tmp_path / name / "model.safetensors"
        write_model(inputs[0], model, spec(network), 1, constituents=inputs[1], **options)
        return model

    whole, lines = write("whole"), []
    with pytest.raises(StoppedError):
        write("resumed", checkpoints=tmp_path / "c", report=stop)
    resumed = write("resumed", checkpoints=tmp_path / "c", log=lines.append)
    assert any("resuming" in line for line in lines)
    for name in ("model.safetensors", "history.csv", "model.json"):
        assert whole.with_name(name).read_bytes() == resumed.with_name(name).read_bytes()
    described = load_json(whole.with_name("model.json"))
    expected = IMAGE.model_dump() if network == "images" else {"kind": "jets"}
    assert described["representation"] == expected
    assert described["training"]["augment"] == EVERYTHING
    assert described["dataset"] == read_attributes(samples)["spec"]


def test_augmentation_changes_what_is_learned_and_not_what_is_validated(images, samples, tmp_path):
    weights = {}
    for name, augmentation in {"with": {"rotation": True}, "without": None}.items():
        model = tmp_path / name / "model.safetensors"
        settings = spec("images", augment=augmentation, learning_rate=1e-30, epochs=1)
        write_model(images, model, settings, 1, constituents=samples if augmentation else None)
        weights[name] = (tmp_path / name / "history.csv").read_text().splitlines()[1].split(",")
    assert weights["with"][1] != weights["without"][1]  # the loss in training
    assert weights["with"][3:] == weights["without"][3:]  # in validation


def refused(*arguments, **options) -> pytest.ExceptionInfo[UserError]:
    with pytest.raises(UserError) as error:
        read(*arguments, **options)
    return error


def test_images_need_their_constituents(images):
    assert_one_line(refused(images, None, EVERYTHING), images, "training.augment", "--constituents")


def test_constituents_of_another_dataset_are_refused(images, tmp_path):
    other = write_jets(tmp_path, seed=2, name="other.h5")
    assert_one_line(refused(images, other, EVERYTHING), other, images, "other jets")


def test_constituents_of_other_events_are_refused(images, tmp_path):
    other = write_jets(tmp_path, sizes=(61, 30, 20), name="other.h5")
    assert_one_line(refused(images, other, EVERYTHING), other, images, "other jets")


def test_images_are_no_constituents(images):
    assert_one_line(refused(images, images, EVERYTHING), images, "kind 'jet-image'", "'jets'")


def test_constituents_without_augmentation_are_refused(images, samples, tmp_path):
    with pytest.raises(UserError) as error:
        write_model(images, tmp_path / "m.safetensors", spec("images", augment=None), 1, constituents=samples)
    assert_one_line(error, samples, "training.augment")


def test_entries_that_have_no_constituents_are_refused(tmp_path):
    assert_one_line(refused(write_spectra(tmp_path / "s.h5"), None, EVERYTHING), "kind 'spectra'", "training.augment")
