"""Entries that are generated for every epoch: new ones each time, the same again for the same seed and epoch."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from jetpulse.config import PulseDataset, SpectrumDataset
from jetpulse.config.training import FIXED, Fresh
from jetpulse.errors import UserError
from jetpulse.pulses import files as pulse_files
from jetpulse.samples import load_json, read_block
from jetpulse.spectra import files as spectra_files
from jetpulse.training import loop
from jetpulse.training.files import write_model
from jetpulse.training.fresh import fresh_inputs
from jetpulse.training.inputs import Inputs
from jetpulse.training.objectives import load_objective
from toy_jets import assert_one_line
from toys import load_split, read_rows, task_experiment

LOCALISATION, RECONSTRUCTION = load_objective("localisation"), load_objective("reconstruction")
WAVEFORMS = {"n": 40, "seed": 5, "samples": 30, "duration": 4.0, "traces": 2}
COUNTS = {"n": 40, "seed": 5, "bins": 20}
OBJECTIVES = {"pulses": LOCALISATION, "spectra": RECONSTRUCTION}


def write(kind: str, path: Path, settings: dict | None = None) -> Path:
    """Write a tiny dataset the way that the workflow does."""
    if kind == "pulses":
        source = {"waveforms": WAVEFORMS | (settings or {})}
        pulse_files.write_samples(path, PulseDataset.model_validate({"kind": "pulses", "source": source}))
    else:
        source = {"counts": COUNTS | (settings or {})}
        spectra_files.write_samples(path, SpectrumDataset.model_validate({"kind": "spectra", "source": source}))
    return path


@pytest.fixture(scope="module")
def splits(tmp_path_factory) -> dict[str, Inputs]:
    folder = tmp_path_factory.mktemp("fresh")
    return {
        kind: load_split(write(kind, folder / f"{kind}.h5"), "train", objective=objective)
        for kind, objective in OBJECTIVES.items()
    }


def make(like: Inputs, kind: str, seed: int = 5, epoch: int = 0, entries: int = 30, **settings) -> Inputs:
    return fresh_inputs(like, Fresh(entries=entries, settings=settings), OBJECTIVES[kind], seed, epoch, None)


def features(inputs: Inputs) -> torch.Tensor:
    return inputs.features.batch(torch.arange(len(inputs)))


def rows(inputs: Inputs) -> set[bytes]:
    return {row.numpy().tobytes() for row in features(inputs)}


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_the_same_seed_and_epoch_give_the_same_entries(splits, kind):
    first, again = make(splits[kind], kind, epoch=3), make(splits[kind], kind, epoch=3)
    assert torch.equal(features(first), features(again))
    for name, values in first.targets.items():
        assert torch.equal(values, again.targets[name])
    np.testing.assert_array_equal(first.event, again.event)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_no_entry_comes_twice_or_is_in_the_dataset(splits, kind, tmp_path):
    # Blocks as large as an epoch: of one stream of random numbers both would be the same.
    path = write(kind, tmp_path / "d.h5", {"n": 200, "block": 30})
    stored = set()
    for split in ("train", "val", "test"):
        stored |= rows(load_split(path, split, objective=OBJECTIVES[kind]))
    assert len(stored) == 200
    # Seed 5 is the dataset's own too.
    made = [make(splits[kind], kind, seed, epoch) for seed in (5, 6) for epoch in (0, 1, 2)]
    seen = set().union(*map(rows, made))
    assert len(seen) == 6 * 30
    assert not seen & stored
    assert len(set(np.concatenate([inputs.event for inputs in made[:3]]))) == 90


@pytest.mark.parametrize("kind", OBJECTIVES)
@pytest.mark.parametrize("entries", [1, 2, 30])
def test_there_are_as_many_as_asked_for_and_of_the_datasets_shape(splits, kind, entries):
    made = make(splits[kind], kind, entries=entries, epoch=2)
    assert len(made) == entries
    assert features(made).shape == (entries, *splits[kind].features.shape)
    assert features(made).dtype == torch.float32
    assert made.representation() == splits[kind].representation()


def test_targets_are_those_of_the_coincident_pulse(splits):
    made = make(splits["pulses"], "pulses", entries=200, background=0.0)
    label, time = made.targets["label"], made.targets["time"]
    assert (time.dtype, label.dtype) == (torch.float32, torch.int64)
    assert torch.equal(time.round().long(), label)  # times are in bins
    assert 0.05 * 29 <= time.min() < time.max() <= 0.95 * 29
    assert splits["pulses"].targets.keys() == made.targets.keys()


def test_settings_change_what_is_generated(splits):
    few, many = (make(splits["pulses"], "pulses", background=mean) for mean in (0.0, 30.0))
    assert features(many).max() > features(few).max() + 3
    faint, bright = (make(splits["spectra"], "spectra", background=[mean]) for mean in (10.0, 1000.0))
    assert features(bright).mean() > features(faint).mean() + 500


@pytest.mark.parametrize("key", FIXED)
def test_settings_that_belong_to_the_dataset_are_refused(key):
    with pytest.raises(ValidationError, match=f"{key} must be as in the dataset; remove it"):
        Fresh(settings={key: 1})


def test_a_dataset_of_files_cannot_go_on(splits):
    document = json.loads(splits["pulses"].attributes["dataset"])
    document["source"] = {"waveforms": None, "files": ["mine.h5"]}
    attributes = splits["pulses"].attributes | {"dataset": json.dumps(document)}
    like = Inputs(
        splits["pulses"].features, splits["pulses"].targets, splits["pulses"].event, attributes, torch.device("cpu")
    )
    with pytest.raises(UserError) as error:
        make(like, "pulses")
    assert_one_line(error, "training.fresh", "not generated")


class StoppedError(Exception):
    """Stands for whatever ends a job too early."""


@pytest.mark.parametrize(("kind", "task"), [("pulses", "localisation"), ("spectra", "reconstruction")])
def test_a_training_on_fresh_entries_ends_with_the_same_bytes_interrupted_or_not(tmp_path, monkeypatch, kind, task):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    path = write(kind, tmp_path / "d.h5")
    normalise = "standard" if kind == "spectra" else "none"
    spec = task_experiment(task, {"fresh": {"entries": 50}, "steps": 14, "normalise": normalise, "average": 0.9})
    lines, whole, resumed = [], tmp_path / "a" / "m.safetensors", tmp_path / "b" / "m.safetensors"
    write_model(path, whole, spec, 1, log=lines.append)
    assert any("50 new entries an epoch to train on" in line for line in lines)
    # Four steps in an epoch of 50 entries, the last epoch has two.
    assert len(read_rows(whole.with_name("history.csv"))) == 4

    def stop(row):
        if row["epoch"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        write_model(path, resumed, spec, 1, checkpoints=tmp_path / "c", report=stop)
    write_model(path, resumed, spec, 1, checkpoints=tmp_path / "c", log=lines.append)
    assert "resuming" in lines[-1]
    for name in ("m.safetensors", "model.json", "history.csv"):
        assert whole.with_name(name).read_bytes() == resumed.with_name(name).read_bytes()
    split = spec.model_copy(update={"training": spec.training.model_copy(update={"fresh": None})})
    write_model(path, resumed, split, 1)
    assert whole.read_bytes() != resumed.read_bytes()
    assert load_json(whole.with_name("model.json"))["training"]["fresh"] == {"entries": 50, "settings": {}}
    assert len(read_block(path, "train")) < 50
