"""Tiny image files, experiments and predictions, small enough to train on in milliseconds."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jetpulse import codehash
from jetpulse.config import Experiment, PulseDataset, SpectrumDataset
from jetpulse.models import build_network
from jetpulse.samples import Block, Writer, counts_to_offsets, dump_json, load_json
from jetpulse.training.descriptions import sealed
from jetpulse.training.inputs import Inputs, make_inputs, read_split
from jetpulse.training.objectives import Objective, load_objective
from toy_jets import momenta

PIXELS = 5
SIZES = {"train": 60, "val": 30, "test": 20}
STEPS = ("centre", "rotate", "normalise")
CPU = torch.device("cpu")
CLASSIFICATION = load_objective("classification")
# As in every training of these tests; more threads than free cores make tiny networks a hundred times slower.
torch.set_num_threads(1)


def random_images(rng: np.random.Generator, n: int, pixels: int = PIXELS, first: int = 0) -> Block:
    """Return n sparse images, one in seven empty; signal is brighter in the first rows, with much overlap."""
    counts = np.where(rng.random(n) < 1 / 7, 0, rng.integers(1, pixels * pixels // 2 + 1, n))
    chosen = [np.sort(rng.choice(pixels * pixels, count, replace=False)) for count in counts]
    pixel = np.concatenate([np.zeros(0, int), *chosen]).astype(np.int32)
    label = rng.integers(0, 2, n).astype(np.int8)
    brighter = np.repeat(label, counts) * (pixel < 2 * pixels)
    value = (rng.random(len(pixel)) + brighter).astype(np.float32)
    entries = {"event": np.arange(first, first + n, dtype=np.int64), "label": label}
    return Block(entries, counts_to_offsets(counts), {"pixel": pixel, "value": value})


def write_images(
    path: Path,
    seed: int = 1,
    sizes: Mapping[str, int] = SIZES,
    *,
    kind: str = "jet-image",
    steps: Sequence[str] = STEPS,
    change: Callable[[Block], Block] = lambda block: block,
) -> Path:
    """Write a representation's file of random images; ``change`` sees every split before it is written."""
    rng = np.random.default_rng(seed)
    spec = {"kind": "jet-image", "pixels": PIXELS, "half_width": 0.8, "steps": list(steps)}
    attributes = {"shape": [PIXELS, PIXELS], "dataset": json.dumps({"kind": "jets", "seed": seed}), "outputs": 2}
    with Writer.create(path, kind, spec=spec, units={"value": "1"}, **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            writer.append(split, change(random_images(rng, n, first=1000 * number)))
    return path


def write_observables(
    path: Path,
    seed: int = 1,
    sizes: Mapping[str, int] = SIZES,
    columns: Sequence[str] = ("mass", "pt", "tau32", "d2"),
) -> Path:
    """Write observables of very different size, of which the first two tell the classes apart."""
    rng = np.random.default_rng(seed)
    spec = {"kind": "jet-observables", "columns": list(columns)}
    attributes = {"shape": [len(columns)], "outputs": 2, "features": "features", "dataset": json.dumps({"seed": seed})}
    with Writer.create(path, "jet-observables", spec=spec, units=dict.fromkeys(columns, "1"), **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            label = rng.integers(0, 2, n).astype(np.int8)
            values = rng.normal(size=(n, len(columns)))
            values[:, :2] += 1.5 * label[:, None]
            features = (600 * 0.01 ** np.arange(len(columns)) * (values + 5)).astype(np.float32)
            event = np.arange(n, dtype=np.int64) + 1000 * number
            writer.append(split, Block({"event": event, "label": label, "features": features}))
    return path


TRACES, SAMPLES, BINS = 2, 16, 12


def write_pulses(path: Path, seed: int = 1, sizes: Mapping[str, int] = SIZES, *, time: bool = True) -> Path:
    """Write samples of a wide bump at one place of all traces, with a little noise; ``time`` says where."""
    rng = np.random.default_rng(seed)
    settings = {"n": sum(sizes.values()), "traces": TRACES, "samples": SAMPLES, "duration": 2.0}
    spec = PulseDataset.model_validate({"kind": "pulses", "source": {"waveforms": settings}}).model_dump()
    attributes = {"shape": [TRACES, SAMPLES], "outputs": SAMPLES, "features": "waveform", "dataset": json.dumps(spec)}
    with Writer.create(path, "pulses", spec=spec, units={}, **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            place = rng.uniform(3, SAMPLES - 4, n)
            bump = 3 * np.exp(-0.5 * (np.arange(SAMPLES) - place[:, None, None]) ** 2)
            waveform = (bump + 0.1 * rng.standard_normal((n, TRACES, SAMPLES))).astype(np.float32)
            entries = {"event": np.arange(n) + 1000 * number, "label": np.rint(place).astype(np.int32)}
            known = {"time": place / (SAMPLES - 1) * 2.0} if time else {}
            writer.append(split, Block(entries | {"waveform": waveform} | known))
    return path


def write_spectra(path: Path, seed: int = 1, sizes: Mapping[str, int] = SIZES) -> Path:
    """Write samples of spectra around 100 counts with one line of varying flux."""
    rng = np.random.default_rng(seed)
    settings = {"n": sum(sizes.values()), "bins": BINS, "background": [100.0]}
    spec = SpectrumDataset.model_validate({"kind": "spectra", "source": {"counts": settings}}).model_dump()
    attributes = {"shape": [BINS], "outputs": 0, "features": "counts", "dataset": json.dumps(spec)}
    with Writer.create(path, "spectra", spec=spec, units={}, **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            flux = rng.uniform(0, 100, (n, 1))
            counts = rng.poisson(100 + flux * np.exp(-0.5 * (np.arange(BINS) - 5) ** 2)).astype(np.float32)
            writer.append(split, Block({"event": np.arange(n) + 1000 * number, "counts": counts, "flux": flux}))
    return path


def write_predictions_file(
    path: Path, groups: Mapping[str, tuple[Sequence[int], Sequence[float]]], spec: Mapping[str, Any] | None = None
) -> Path:
    """Write predictions.h5 of labels and signal probabilities by dataset."""
    with Writer.create(path, "predictions", spec=spec or {}, units={}) as writer:
        for name, (label, score) in groups.items():
            signal = np.asarray(score, np.float64)
            entries = {"event": np.arange(len(label)), "label": np.asarray(label, np.int8)}
            writer.append(name, Block(entries | {"probability": np.stack([1 - signal, signal], axis=1)}))
    return path


def specification(training: Mapping[str, Any] | None = None, **model: Any) -> dict[str, Any]:
    """Return an experiment of a tiny dense network as the config would spell it."""
    return {
        "dataset": "toys",
        "representation": "images",
        "model": {"name": "dense", "hidden": [6], "dropout": 0.2} | model,
        "training": {"batch": 16, "epochs": 5, "patience": None, "device": "cpu"} | dict(training or {}),
    }


def experiment(training: Mapping[str, Any] | None = None, **model: Any) -> Experiment:
    """Return a tiny experiment."""
    return Experiment.model_validate(specification(training, **model))


NETWORKS: dict[str, dict[str, Any]] = {
    "localisation": {"name": "pulse-cnn", "trace_channels": 3, "trace_blocks": 0, "channels": 4, "blocks": 1},
    "reconstruction": {"name": "autoencoder", "hidden": []},
    "variational": {"name": "vae", "latent": 2},
    "adversarial": {"name": "gan", "latent": 2, "hidden": [4], "parts": 2, "critic": [5]},
    "regression": {"name": "dense", "hidden": [6]},
}


def task_experiment(task: str, training: Mapping[str, Any] | None = None, **model: Any) -> Experiment:
    """Return a tiny experiment of a task on waveforms, spectra or a small problem."""
    other = {"task": task, "representation": "samples", "model": model or NETWORKS[task]}
    return Experiment.model_validate(specification(training) | other)


def padded(jets: Sequence, longest: int | None = None) -> torch.Tensor:
    """Return jets given by pT, eta, phi as a batch of four-momenta, filled up with zeros."""
    batch = np.zeros((len(jets), longest or max(map(len, jets), default=0), 4), np.float32)
    for row, jet in zip(batch, jets, strict=True):
        row[: len(jet)] = momenta(jet)
    return torch.from_numpy(batch)


def load_split(
    path: Path, split: str, limit: int | None = None, objective: Objective = CLASSIFICATION, **options: Any
) -> Inputs:
    """Return one split of a file on the CPU."""
    return make_inputs(*read_split(path, split, limit), objective, CPU, **options)


def load_both(path: Path) -> tuple[Inputs, Inputs]:
    """Return what a network trains on and what it is validated on."""
    return load_split(path, "train"), load_split(path, "val")


def builder(
    spec: Experiment, shape: tuple[int, ...] = (PIXELS, PIXELS), outputs: int = 2
) -> Callable[[], torch.nn.Module]:
    """Return a function that builds the network of a tiny experiment."""
    return lambda: build_network(spec.model.name, shape, outputs, spec.model.arguments())


def weight_bytes(weights: Mapping[str, torch.Tensor]) -> dict[str, bytes]:
    """Return weights in a form that compares bit by bit."""
    return {name: tensor.numpy().tobytes() for name, tensor in weights.items()}


def reseal(model: Path, /, **changes: Any) -> None:
    """Change model.json and make its checksums again, of the weights and the history too: as if so trained."""
    path = model.with_name("model.json")
    there = {"weights": model, "history": model.with_name("history.csv")}
    files = {name: file.read_bytes() for name, file in there.items() if file.exists()}
    dump_json(path, sealed((load_json(path) if path.exists() else {}) | changes, **files))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a csv file by column."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def forget_code() -> None:
    """Clear what ``jetpulse.codehash`` remembers of a package's source."""
    for item in vars(codehash).values():
        if hasattr(item, "cache_clear"):
            item.cache_clear()
