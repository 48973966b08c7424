"""Tiny image files, experiments and predictions, small enough to train on in milliseconds."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jetpulse import codehash
from jetpulse.config import Experiment
from jetpulse.models import build_network
from jetpulse.samples import Block, Writer, counts_to_offsets
from jetpulse.training.inputs import Inputs, load_inputs

PIXELS = 5
SIZES = {"train": 60, "val": 30, "test": 20}
STEPS = ("centre", "rotate", "normalise")
CPU = torch.device("cpu")
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
    attributes = {"shape": [PIXELS, PIXELS], "dataset": json.dumps({"kind": "jets", "seed": seed}), "classes": 2}
    with Writer.create(path, kind, spec=spec, units={"value": "1"}, **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            writer.append(split, change(random_images(rng, n, first=1000 * number)))
    return path


def write_predictions_file(path: Path, groups: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> Path:
    """Write predictions.h5 of labels and signal probabilities by dataset."""
    with Writer.create(path, "predictions", spec={}, units={}) as writer:
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


def load_both(path: Path) -> tuple[Inputs, Inputs]:
    """Return what a network trains on and what it is validated on."""
    return load_inputs(path, "train", CPU), load_inputs(path, "val", CPU)


def builder(spec: Experiment) -> Callable[[], torch.nn.Module]:
    """Return a function that builds the network of a tiny experiment."""
    return lambda: build_network(spec.model.name, (PIXELS, PIXELS), 2, spec.model.arguments())


def weight_bytes(weights: Mapping[str, torch.Tensor]) -> dict[str, bytes]:
    """Return weights in a form that compares bit by bit."""
    return {name: tensor.numpy().tobytes() for name, tensor in weights.items()}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a csv file by column."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def forget_code() -> None:
    """Clear what ``jetpulse.codehash`` remembers of a package's source."""
    for item in vars(codehash).values():
        if hasattr(item, "cache_clear"):
            item.cache_clear()
