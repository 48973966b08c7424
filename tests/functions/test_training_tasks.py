"""The training chain's files for other kinds than jets: from samples to predictions in the units of the samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from jetpulse.errors import UserError
from jetpulse.samples import load_json, read_attributes, read_block
from jetpulse.training.files import write_model
from jetpulse.training.objectives import load_objective
from jetpulse.training.trained import load_model, write_predictions
from toy_jets import assert_one_line, edited
from toy_problems import write_problem
from toys import (
    BINS,
    CPU,
    NETWORKS,
    SAMPLES,
    SIZES,
    TRACES,
    read_rows,
    reseal,
    task_experiment,
    write_pulses,
    write_spectra,
)

# What predictions hold beside `event`.
STORED = {
    "localisation": {"label", "probability"},
    "reconstruction": {"latent", "reconstruction"},
    "variational": {"latent", "latent_sigma", "reconstruction", "generated"},
    "adversarial": {"generated"},
    "regression": {"target", "prediction"},
}
WRITERS = {"localisation": write_pulses, "regression": write_problem}


def write(task: str, path: Path, **options) -> Path:
    return WRITERS.get(task, write_spectra)(path, **options)


def train(task: str, samples: Path, folder: Path, seed: int = 1, model: dict | None = None, **training) -> Path:
    settings = {"normalise": "none" if task in WRITERS else "residual", "epochs": 3} | training
    write_model(samples, folder / "m.safetensors", task_experiment(task, settings, **(model or {})), seed)
    return folder / "m.safetensors"


def predict(model: Path, path: Path, samples: Path) -> dict[str, np.ndarray]:
    write_predictions(model, path, {"toys": samples}, device="cpu")
    return read_block(path, "toys").entries


@pytest.mark.parametrize("task", NETWORKS)
def test_every_task_goes_from_samples_to_predictions_with_the_same_bytes_twice(task, tmp_path):
    samples = write(task, tmp_path / "s.h5")
    models = [train(task, samples, tmp_path / name) for name in ("a", "b")]
    for name in ("m.safetensors", "model.json", "history.csv"):
        assert models[0].with_name(name).read_bytes() == models[1].with_name(name).read_bytes()
    predicted, _ = (predict(model, model.with_name("p.h5"), samples) for model in models)
    assert models[0].with_name("p.h5").read_bytes() == models[1].with_name("p.h5").read_bytes()
    stored = read_block(samples, "test").entries
    assert set(predicted) == {"event"} | STORED[task]
    np.testing.assert_array_equal(predicted["event"], stored["event"])
    assert all(np.isfinite(values).all() and len(values) == SIZES["test"] for values in predicted.values())
    for name in STORED[task] & {"reconstruction", "generated"}:
        assert predicted[name].shape == (SIZES["test"], BINS)
        assert predicted[name].dtype == np.float32
    if task == "localisation":
        np.testing.assert_array_equal(predicted["label"], stored["label"])
        assert predicted["probability"].shape == (SIZES["test"], SAMPLES)
        np.testing.assert_allclose(predicted["probability"].sum(1), 1, rtol=0, atol=1e-12)
    attributes = read_attributes(tmp_path / "a" / "p.h5", "predictions")
    assert attributes["spec"]["task"] == task
    assert set(attributes["units"]) == STORED[task] - {"label", "target"}
    columns = [f"{split}_{name}" for split in ("train", "val") for name in ("loss", *load_objective(task).metrics)]
    assert list(read_rows(models[0].with_name("history.csv"))[0]) == ["epoch", *columns]


@pytest.mark.parametrize("task", NETWORKS)
def test_another_seed_gives_other_weights(task, tmp_path):
    samples = write(task, tmp_path / "s.h5")
    first, second = (train(task, samples, tmp_path / str(seed), seed) for seed in (1, 2))
    assert first.read_bytes() != second.read_bytes()


def test_the_description_tells_the_kind_and_shape(tmp_path):
    described = load_json(train("localisation", write_pulses(tmp_path / "s.h5"), tmp_path).with_name("model.json"))
    assert described["representation"] == {"kind": "pulses", "shape": [TRACES, SAMPLES]}
    assert (described["shape"], described["outputs"]) == ([TRACES, SAMPLES], SAMPLES)
    assert described["dataset"]["source"]["waveforms"]["duration"] == 2.0


@pytest.mark.parametrize("normalise", ["none", "residual", "standard", "principal"])
def test_reconstructions_are_given_back_in_counts(tmp_path, normalise):
    samples = write_spectra(tmp_path / "s.h5")
    settings = {"normalise": normalise, "components": 3}
    model = train("reconstruction", samples, tmp_path, epochs=40, learning_rate=0.03, **settings)
    predicted = predict(model, tmp_path / "p.h5", samples)
    counts = read_block(samples, "test").entries["counts"]
    assert predicted["reconstruction"].shape == counts.shape
    # Counts around 100 with a Poisson error of 10 and a line of up to 100.
    assert np.abs(predicted["reconstruction"] - counts).mean() < 20
    network, described, normalisation = load_model(model, CPU)
    assert described["shape"] == ([3] if normalise == "principal" else [BINS])
    inputs = torch.from_numpy(counts)
    inputs = inputs if normalisation is None else normalisation.apply(inputs)
    latent = network.eval().encode(inputs).detach()
    np.testing.assert_allclose(predicted["latent"], latent, rtol=1e-4, atol=1e-5)


def test_generated_spectra_are_counts_and_depend_on_the_seed(tmp_path):
    samples = write_spectra(tmp_path / "s.h5")
    found = [
        predict(train("adversarial", samples, tmp_path / str(seed), seed, epochs=60), tmp_path / f"{seed}.h5", samples)
        for seed in (1, 2)
    ]
    assert 50 < found[0]["generated"].mean() < 200
    assert not np.array_equal(found[0]["generated"], found[1]["generated"])


def test_the_pulse_network_learns_where_the_pulse_is(tmp_path):
    samples = write_pulses(tmp_path / "s.h5", sizes={"train": 200, "val": 40, "test": 40})
    model = train("localisation", samples, tmp_path, epochs=40, learning_rate=0.02)
    predicted = predict(model, tmp_path / "p.h5", samples)
    assert (predicted["probability"].argmax(1) == predicted["label"]).mean() > 0.6


@pytest.mark.parametrize("task", ["localisation", "variational"])
def test_no_validation_split_is_needed_without_patience(task, tmp_path):
    samples = write(task, tmp_path / "s.h5", sizes={"train": 30, "val": 0, "test": 5})
    model = train(task, samples, tmp_path, patience=None)
    assert not [name for name in read_rows(model.with_name("history.csv"))[0] if name.startswith("val_")]
    assert load_json(model.with_name("model.json"))["best_epoch"] == 3
    with pytest.raises(UserError) as error:
        train(task, samples, tmp_path, patience=1)
    assert_one_line(error, samples, "'val' is empty")


def test_without_patience_a_validation_split_is_watched_all_the_same(tmp_path):
    rows = read_rows(train("localisation", write_pulses(tmp_path / "s.h5"), tmp_path).with_name("history.csv"))
    assert all(float(row["val_loss"]) > 0 for row in rows)


def spoil(path: Path, split: str, row: int, label: int) -> Path:
    with edited(path) as handle:
        handle[split]["label"][row] = label
    return path


@pytest.mark.parametrize(
    ("split", "label", "fragment"),
    [
        ("train", 16, "is 16, expected the number of a class or bin, from 0 to 15"),
        ("val", -1, "is -1, expected"),
        ("val", 2, "2 lies outside the bins 3 to 12"),
    ],
)
def test_labels_that_the_network_cannot_name_are_refused_before_training(tmp_path, split, label, fragment):
    samples = spoil(write_pulses(tmp_path / "s.h5"), split, 7, label)
    with pytest.raises(UserError) as error:
        train("localisation", samples, tmp_path / "m", model={"name": "pulse-reference"})
    assert_one_line(error, samples, f"split {split!r}: entry 7: label {fragment}")
    assert not (tmp_path / "m").exists()


def test_no_features_are_made_dense_to_check_labels(tmp_path, monkeypatch):
    from jetpulse.training import features

    largest = []
    batch = features.Dense.batch
    monkeypatch.setattr(features.Dense, "batch", lambda self, index: largest.append(len(index)) or batch(self, index))
    train("localisation", write_pulses(tmp_path / "s.h5"), tmp_path, patience=None, batch=16)
    assert max(largest) == SIZES["val"]  # evaluated at once; 60 entries to train on come 16 by 16


def test_samples_of_another_shape_or_kind_are_refused(tmp_path):
    pulses, spectra = write_pulses(tmp_path / "p.h5"), write_spectra(tmp_path / "s.h5")
    model = train("reconstruction", spectra, tmp_path / "m")
    with pytest.raises(UserError) as error:
        predict(model, tmp_path / "out.h5", pulses)
    assert_one_line(error, pulses, "'pulses'", "trained on", "'spectra'")
    assert not (tmp_path / "out.h5").exists()


def test_all_entries_the_same_are_refused(tmp_path):
    samples = write_spectra(tmp_path / "s.h5")
    with edited(samples) as handle:
        handle["train"]["counts"][:] = 7
    with pytest.raises(UserError) as error:
        train("reconstruction", samples, tmp_path / "m")
    assert_one_line(error, samples, "all entries of split 'train' are the same")


def test_a_normalisation_that_is_not_one_is_refused(tmp_path):
    model = train("reconstruction", write_spectra(tmp_path / "s.h5"), tmp_path)
    tensors = load_file(model)
    del tensors["normalisation/centre"]
    save_file(tensors, model)
    reseal(model)
    with pytest.raises(UserError) as error:
        load_model(model, CPU)
    assert_one_line(error, model, "does not hold the weights")


@pytest.mark.parametrize("task", NETWORKS)
def test_sixteen_bits_and_a_running_mean_suit_every_task(task, tmp_path):
    samples = write(task, tmp_path / "s.h5")
    full = train(task, samples, tmp_path / "a", average=0.9)
    half = train(task, samples, tmp_path / "b", average=0.9, precision="bfloat16")
    weights, other = load_file(full), load_file(half)
    assert {tensor.dtype for name, tensor in other.items() if name != "normalisation/target"} == {torch.float32}
    assert weights.keys() == other.keys()
    assert full.read_bytes() != half.read_bytes()
    first, second = (float(read_rows(m.with_name("history.csv"))[-1]["val_loss"]) for m in (full, half))
    assert second == pytest.approx(first, rel=0.1)


def test_a_model_without_the_normalisation_that_it_was_trained_with_is_refused(tmp_path):
    samples = write_spectra(tmp_path / "samples.h5")
    model = train("reconstruction", samples, tmp_path / "model", 1)
    tensors = {name: value for name, value in load_file(model).items() if not name.startswith("normalisation/")}
    save_file(tensors, model, {"format": "pt"})
    reseal(model)
    with pytest.raises(UserError, match="no normalisation"):
        load_model(model, torch.device("cpu"))
