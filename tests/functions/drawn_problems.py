"""Files of small problems, networks that were trained on them, and what these predict, all made up."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from jetpulse.models import build_network
from jetpulse.samples import Block, Writer, dump_json, read_attributes, read_block
from jetpulse.training.inputs import representation_of
from toys import reseal

Arrays = Mapping[str, np.ndarray]
# Parts of the entries in train and val; the rest is test.
_TRAIN, _VAL = 0.6, 0.1


def write_problem(
    path: Path,
    features: np.ndarray,
    label: Sequence[int] | None = None,
    target: Sequence[float] | None = None,
    *,
    columns: Sequence[str] = (),
    classes: Sequence[str] = (),
    target_name: str = "",
    units: Mapping[str, str] = {},
    source: Mapping[str, Any] = {},
    kind: str = "problems",
    splits: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Write a problem's file; ``splits`` are the entries of each split, by default 60, 10 and 30 % in their order."""
    n = len(features)
    if splits is None:
        ends = int(_TRAIN * n), int((_TRAIN + _VAL) * n)
        splits = dict(zip(("train", "val", "test"), np.split(np.arange(n), ends), strict=True))
    entries: dict[str, np.ndarray] = {"event": np.arange(n, dtype=np.int64), "features": features.astype(np.float32)}
    if label is not None:
        entries["label"] = np.asarray(label, np.int64)
        target = label if target is None else target
    if target is not None:
        entries["target"] = np.asarray(target, np.float64)
    attributes = {
        "shape": list(features.shape[1:]),
        "outputs": len(classes) if label is not None else (1 if target is not None else 3),
        "features": "features",
        "columns": ", ".join(columns),
        "classes": ", ".join(classes),
        "target": target_name,
        "dataset": json.dumps({"kind": "problems", "source": dict(source)}),
    }
    with Writer.create(path, kind, spec={"kind": kind}, units=units, **attributes) as writer:
        for split, chosen in splits.items():
            writer.append(split, Block({name: values[chosen] for name, values in entries.items()}))
    return path


def rings(n: int = 200, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, 2) on two rings of radii 0.6 and 2, and their class."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    radius, angle = np.where(label, 2.0, 0.6) + 0.1 * rng.standard_normal(n), rng.uniform(0, 2 * np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label


def write_rings(path: Path, n: int = 200, **options: Any) -> Path:
    """Write two rings."""
    points, label = rings(n)
    return write_problem(path, points, label, columns=("x", "y"), classes=("inner", "outer"), **options)


def write_blobs(path: Path, k: int = 3, n: int = 150, **options: Any) -> Path:
    """Write k clouds of points around a circle."""
    rng = np.random.default_rng(k)
    label = np.arange(n) % k
    angle = 2 * np.pi * label / k
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 3 + 0.5 * rng.standard_normal((n, 2))
    return write_problem(path, points, label, columns=("x", "y"), classes=tuple("abcdefghij"[:k]), **options)


def write_table(path: Path, d: int = 28, n: int = 400, **options: Any) -> Path:
    """Write columns with spikes, few different numbers, constants and outliers; two classes."""
    rng = np.random.default_rng(d)
    label = np.arange(n) % 2
    values = rng.standard_normal((n, d)) + 0.8 * label[:, None] * (np.arange(d) % 2)
    for i, change in enumerate((_spike, _outlier, _steps, _constant)):
        if i < d:
            values[:, i] = change(values[:, i])
    names = tuple(f"column_{i}" for i in range(d))
    return write_problem(path, values, label, columns=names, classes=("background", "signal"), **options)


def _spike(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) % 5, 0.0, np.exp(values))


def _outlier(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) % 40, values, 1e9)


def _steps(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), -1, 1) * 1.09


def _constant(values: np.ndarray) -> np.ndarray:
    return np.full_like(values, 7.0)


def write_digits(path: Path, k: int = 10, n: int = 120, side: int = 8, **options: Any) -> Path:
    """Write pictures whose bright pixel tells the class."""
    rng = np.random.default_rng(k)
    label = np.arange(n) % k
    pictures = rng.uniform(0, 6, (n, side, side))
    pictures[np.arange(n), label % side, label // side + 2] = 16
    return write_problem(path, pictures, label, classes=tuple(map(str, range(k))), **options)


def write_line(path: Path, n: int = 60, **options: Any) -> Path:
    """Write y = 3 x + 1 with noise of 0.1."""
    rng = np.random.default_rng(n)
    x = rng.uniform(0, 1, n)
    y = 3 * x + 1 + 0.1 * rng.standard_normal(n)
    source = {"points": {"shape": "line", "n": n}}
    return write_problem(path, x[:, None], None, y, columns=("x",), target_name="y", source=source, **options)


def write_houses(path: Path, d: int = 8, n: int = 400, **options: Any) -> Path:
    """Write columns with a number that depends on them."""
    rng = np.random.default_rng(d)
    values = rng.standard_normal((n, d))
    price = np.exp(5 + 0.4 * values[:, 0] + 0.2 * values[:, -1] + 0.05 * rng.standard_normal(n))
    names = tuple(f"column_{i}" for i in range(d))
    return write_problem(path, values, None, price, columns=names, target_name="price [1000]", **options)


def write_stream(path: Path, n: int = 12, steps: int = 50, **options: Any) -> Path:
    """Write episodes of a rate that changes."""
    rng = np.random.default_rng(steps)
    rate = 5 + np.abs(np.cumsum(rng.standard_normal((n, steps)), axis=1))
    return write_problem(path, rate, **options)


def write_network(
    model: Path,
    samples: Path,
    name: str = "dense",
    task: str = "classification",
    *,
    change: Mapping[str, Any] = {},
    extra: Mapping[str, torch.Tensor] = {},
    seed: int = 1,
    **arguments: Any,
) -> Path:
    """Write a network with weights of a seed for the entries of ``samples``, as a training does.

    Args:
        model: path of model.safetensors.
        samples: a problem's file.
        name: of the network.
        task: what it has learned.
        change: tensors that replace those of the network.
        extra: tensors beside them, of the normalisation.
        seed: of the weights.
        arguments: of the network.
    """
    attributes = read_attributes(samples)
    shape = tuple(int(n) for n in attributes["shape"])
    outputs = 1 if task == "regression" else int(attributes["outputs"])
    torch.manual_seed(seed)
    network = build_network(name, shape, outputs, arguments)
    tensors = dict(network.state_dict()) | {key: torch.as_tensor(value) for key, value in change.items()}
    model.parent.mkdir(parents=True, exist_ok=True)
    description = {
        "model": name,
        "arguments": arguments,
        "shape": list(shape),
        "outputs": outputs,
        "task": task,
        "seed": seed,
        "training": {"threads": 1, "normalise": "none"},
        "representation": representation_of(attributes),
    }
    dump_json(model.with_name("model.json"), description)
    save_file({key: value.contiguous() for key, value in (tensors | dict(extra)).items()}, model)
    reseal(model)
    return model


def probabilities(label: np.ndarray, k: int, seed: int = 1, sharpness: float = 2.0) -> np.ndarray:
    """Return probabilities (n, k) of a classifier that is mostly right."""
    logits = np.random.default_rng(seed).standard_normal((len(label), k))
    logits[np.arange(len(label)), label] += sharpness
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


def write_predictions(path: Path, samples: Path, *, seed: int = 1, dataset: str = "toy", **arrays: np.ndarray) -> Path:
    """Write predictions of the test split: ``arrays``, or those of something that is mostly right."""
    truth = read_block(samples, "test").entries
    entries = {"event": truth["event"]}
    if not arrays and "label" in truth:
        arrays = {"probability": probabilities(truth["label"], int(read_attributes(samples)["outputs"]), seed)}
    elif not arrays:
        rng = np.random.default_rng(seed)
        arrays = {"prediction": truth["target"] * (1 + 0.1 * rng.standard_normal(len(truth["target"])))}
    entries |= {key: truth[key] for key in ("label", "target") if key in truth}
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer.create(path, "predictions", spec={}, units={}) as writer:
        writer.append(dataset, Block(entries | arrays))
    return path
