"""Tiny episodes of a stream, and files of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Experiment, ProblemDataset
from jetpulse.config.streams import Stream
from jetpulse.problems.trigger import generate_episodes
from jetpulse.samples import Block, Writer
from toys import specification

SIZES = {"train": 16, "val": 6, "test": 5}
STREAM = Stream(n=27, steps=12, target=5.0, rate=20.0, highest=30.0, levels=7, period=20.0, between=6.0)


def stream(**settings: Any) -> Stream:
    """Return the tiny stream with other settings."""
    return Stream.model_validate(STREAM.model_dump() | settings)


def write_episodes(path: Path, stream: Stream = STREAM, sizes: Mapping[str, int] = SIZES) -> Path:
    """Write samples of consecutive episodes."""
    spec = ProblemDataset.model_validate({"kind": "problems", "source": {"stream": stream.model_dump()}}).model_dump()
    attributes = {"shape": [stream.steps], "outputs": 3, "features": "features", "dataset": json.dumps(spec)}
    first = 0
    with Writer.create(path, "problems", spec=spec, units={}, **attributes) as writer:
        for split, n in sizes.items():
            event = np.arange(first, first + n, dtype=np.int64)
            writer.append(split, Block({"event": event, "features": generate_episodes(stream, first, n)}))
            first += n
    return path


def policy_experiment(training: Mapping[str, Any] | None = None, **model: Any) -> Experiment:
    """Return a tiny experiment of a policy."""
    settings = {"batch": 8, "epochs": 3, "learning_rate": 0.01} | dict(training or {})
    other = {"task": "control", "representation": "samples", "model": {"name": "policy", "hidden": [4]} | model}
    return Experiment.model_validate(specification(settings) | other)
