"""Samples of small problems with answers that are known by construction, and what networks could say of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Experiment
from jetpulse.samples import Block, Writer
from toys import SIZES, specification

CENTRES = 4 * np.array([[1, 0], [-1, 1], [-1, -1], [1, 2], [0, -2]])


def random_entries(rng: np.random.Generator, n: int, classes: int | None, columns: int = 2, first: int = 0) -> Block:
    """Return entries around as many centres as there are classes, or of the number 1000 + 200 x - 50 y."""
    features = rng.standard_normal((n, columns))
    known: dict[str, np.ndarray] = {}
    if classes:
        known["label"] = rng.integers(0, classes, n)
        features[:, :2] += CENTRES[known["label"]]
        known["target"] = known["label"].astype(np.float64)
    else:
        known["target"] = 1000 + 200 * features[:, 0] - 50 * features[:, 1]
    event = np.arange(first, first + n, dtype=np.int64)
    return Block({"event": event, "features": features.astype(np.float32)} | known)


def write_problem(
    path: Path,
    seed: int = 1,
    sizes: Mapping[str, int] = SIZES,
    *,
    classes: int | None = None,
    names: Sequence[str] = ("x", "y"),
    kind: str = "problems",
    change: Callable[[Block], Block] = lambda block: block,
) -> Path:
    """Write samples of a number to be learned, or of so many classes; ``change`` sees every split before."""
    rng = np.random.default_rng(seed)
    dataset = {"kind": "problems", "source": {"houses": {"n": sum(sizes.values())}}}
    attributes = {
        "shape": [len(names)],
        "outputs": classes or 1,
        "features": "features",
        "columns": ", ".join(names),
        "classes": ", ".join(("red", "green", "blue", "white", "black")[: classes or 0]),
        "target": "class" if classes else "price [1000]",
        "dataset": json.dumps(dataset),
    }
    with Writer.create(path, kind, spec=dataset, units=dict.fromkeys(names, "1"), **attributes) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            writer.append(split, change(random_entries(rng, n, classes, len(names), 1000 * number)))
    return path


def write_digits(path: Path, digits: np.ndarray, label: np.ndarray, parts: Mapping[str, slice]) -> Path:
    """Write samples of pictures (n, rows, columns) of the digits 0 to 9."""
    attributes = {
        "shape": list(digits.shape[1:]),
        "outputs": 10,
        "features": "features",
        "columns": "",
        "target": "digit",
    }
    attributes |= {"classes": ", ".join(map(str, range(10))), "dataset": json.dumps({"kind": "problems"})}
    with Writer.create(path, "problems", spec={"kind": "problems"}, units={}, **attributes) as writer:
        for split, part in parts.items():
            entries = {"event": np.arange(len(digits))[part], "features": digits[part].astype(np.float32)}
            known = {"label": label[part].astype(np.int64), "target": label[part].astype(np.float64)}
            writer.append(split, Block(entries | known))
    return path


def problem_experiment(task: str, training: Mapping[str, Any] | None = None, **model: Any) -> Experiment:
    """Return a tiny experiment on a small problem."""
    other = {"task": task, "representation": "samples", "model": model or {"name": "dense", "hidden": [8]}}
    return Experiment.model_validate(specification(training) | other)


def write_predicted(path: Path, groups: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write predictions.h5 of arrays by dataset."""
    with Writer.create(path, "predictions", spec={}, units={}) as writer:
        for name, arrays in groups.items():
            writer.append(name, Block({key: np.asarray(values) for key, values in arrays.items()}))
    return path
