"""Generated spectra with what networks could predict for them, and their files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jetpulse.config import Counts
from jetpulse.samples import Block, Writer
from jetpulse.spectra.generator import expected_counts, generate_block, generate_fresh

Arrays = dict[str, np.ndarray]


def settings(n: int = 400, lines: int = 2, bins: int = 60, **more: Any) -> Counts:
    """Return settings of well separated lines, each absent in half of the spectra."""
    shapes = [
        {"centre": 0.2 + 0.25 * i, "width": 0.06, "flux": 100.0, "spread": 0.3, "absent": 0.5} for i in range(lines)
    ]
    return Counts(n=n, bins=bins, lines=shapes, **more)


def truth_of(spec: Counts) -> tuple[Arrays, dict[str, Any]]:
    """Return a test split's entries and the root attributes of its file, as evaluation gets them."""
    made = generate_block(spec, 0)
    truth = {"event": np.arange(spec.n, dtype=np.int64), "counts": made.counts, "flux": made.flux}
    if not spec.lines:
        del truth["flux"]
    source = {"kind": "spectra", "source": {"counts": spec.model_dump()}}
    return truth, {"dataset": json.dumps(source, sort_keys=True)}


def from_files(truth: Arrays, *, fluxes: bool = True) -> tuple[Arrays, dict[str, Any]]:
    """Return the same entries as if they had been read from files, without their fluxes if so asked."""
    kept = {name: values for name, values in truth.items() if fluxes or name != "flux"}
    return kept, {"dataset": json.dumps({"kind": "spectra", "source": {"files": ["data.h5"]}})}


def principal(truth: Arrays, latent: int = 2, seed: int = 2) -> Arrays:
    """Return the predictions of a linear network: principal components, and Gaussian draws of these."""
    counts = truth["counts"].astype(np.float64)
    mean = counts.mean(axis=0)
    directions = np.linalg.svd(counts - mean, full_matrices=True)[2][:latent]
    coordinates = (counts - mean) @ directions.T
    scale = np.maximum(coordinates.std(axis=0), 1.0)
    drawn = np.random.default_rng(seed).standard_normal(coordinates.shape) * scale
    predicted = {
        "latent": coordinates / scale,
        "latent_sigma": np.tile(np.sqrt(mean.mean()) / scale, (len(counts), 1)),
        "reconstruction": coordinates @ directions + mean,
        "generated": drawn @ directions + mean,
    }
    return {"event": truth["event"]} | {name: values.astype(np.float32) for name, values in predicted.items()}


def perfect_generator(spec: Counts, n: int, seed: int = 7) -> np.ndarray:
    """Return expected counts (n, bins) of new spectra from the settings themselves."""
    return expected_counts(spec, generate_fresh(spec, n, seed, 0).flux)


def write_files(
    folder: Path, truth: Arrays, attributes: Mapping[str, Any], predictions: Sequence[Arrays]
) -> tuple[list[Path], Path]:
    """Write predictions.h5 of every training for a dataset called ``toy``, and samples.h5."""
    samples = folder / "samples.h5"
    with Writer.create(samples, "spectra", spec={}, units={}, **attributes) as writer:
        for split in ("train", "val", "test"):
            writer.append(split, Block(dict(truth)))
    paths = []
    for number, predicted in enumerate(predictions):
        paths.append(folder / f"predictions{number}.h5")
        with Writer.create(paths[-1], "predictions", spec={}, units={}) as writer:
            writer.append("toy", Block(dict(predicted)))
    return paths, samples
