"""The figures' files: read results, draw, write SVG."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jetpulse.config import JetImage
from jetpulse.errors import UserError
from jetpulse.evaluation.calibration import read_temperature
from jetpulse.evaluation.classification import is_probability, read_scores
from jetpulse.evaluation.predictions import read_predictions
from jetpulse.figures import classification, jets, training
from jetpulse.figures.style import CLASS_NAMES, save_figure
from jetpulse.jets.images import average_image, build_images, to_dense
from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass, pt_eta_phi
from jetpulse.samples import Block, load_json, read_attributes, read_block, split_sizes

_MOST = 20_000  # jets of a dataset that its figures show at most


def plot_jet_figures(samples: Path, spec: JetImage, average: Path, single: Path, distributions: Path) -> int:
    """Draw a dataset's average images after each step, single jets and distributions; return the jets used."""
    read_attributes(samples, "jets")
    split = next((name for name, n in split_sizes(samples).items() if n), None)
    if split is None:
        raise UserError(f"{samples}: holds no jets; there is nothing to draw")
    block = read_block(samples, split, 0, _MOST)
    save_figure(_average(block, spec), average)
    save_figure(_single(block, spec), single)
    constituents, offsets = block.flat["constituents"], block.offsets
    momenta = jet_momenta(constituents, offsets)
    quantities = {
        "jet mass [GeV]": mass(momenta),
        "number of constituents": np.diff(offsets).astype(float),
        r"jet $p_T$ [GeV]": pt_eta_phi(momenta)[0],
        r"leading constituent's $p_T$ / jet $p_T$": leading_fraction(constituents, offsets),
    }
    save_figure(jets.distributions(quantities, block.entries["label"]), distributions)
    return len(block)


def _unit(steps: Sequence[str]) -> str:
    if "normalise" in steps:
        return r"$p_T$ / hardest pixel's"
    return r"$p_T$ / sum" if "normalise-sum" in steps else r"$p_T$ [GeV]"


def _average(block: Block, spec: JetImage):
    images, units = {}, {}
    for n in range(len(spec.steps) + 1):
        steps = spec.steps[:n]
        stage = f"+ {steps[-1]}" if steps else "around the jet axis"
        units[stage] = _unit(steps)
        for label in CLASS_NAMES:
            chosen = block.take(np.flatnonzero(block.entries["label"] == label))
            sparse = build_images(chosen.flat["constituents"], chosen.offsets, spec.pixels, spec.half_width, steps)
            images[stage, label] = average_image(*sparse, spec.pixels)
    return jets.average_images(images, spec.half_width, units)


def _single(block: Block, spec: JetImage, each: int = 4):
    chosen = np.concatenate([np.flatnonzero(block.entries["label"] == label)[:each] for label in CLASS_NAMES])
    few = block.take(chosen)
    sparse = build_images(few.flat["constituents"], few.offsets, spec.pixels, spec.half_width, spec.steps)
    dense = to_dense(*sparse, spec.pixels)
    return jets.single_jets(dense, few.entries["label"].tolist(), spec.half_width, _unit(spec.steps))


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a history.csv as float64 arrays (epochs,)."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path") from error
    except (IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a training history ({error}); train again") from error
    missing = {"epoch", "train_loss"} - set(columns)
    if missing:
        raise UserError(f"{path}: not a training history, lacks {', '.join(sorted(missing))}; train again")
    return columns


def plot_training_figure(histories: Mapping[int, Path], path: Path) -> None:
    """Draw the training curves of an experiment's seeds; model.json beside a history says which epoch was kept.

    Raises:
        UserError: a file is missing, or is not what a training writes.
    """
    columns = {seed: read_history(file) for seed, file in histories.items()}
    kept = {seed: kept_epoch(file.with_name("model.json"), columns[seed]) for seed, file in histories.items()}
    save_figure(training.training_curves(columns, kept), path)


def kept_epoch(path: Path, history: Mapping[str, np.ndarray]) -> int:
    """Return the epoch, from 1, whose weights were kept, from model.json.

    Raises:
        UserError: not an epoch of the history.
    """
    epoch, epochs = load_json(path).get("best_epoch"), len(history["epoch"])
    if not isinstance(epoch, int) or not 1 <= epoch <= epochs:
        raise UserError(f"{path}: best_epoch is {epoch}, expected 1 to {epochs} as in history.csv; train again")
    return epoch


def _grouped(predictions: Sequence[Path]) -> dict[str, classification.Scores]:
    """Return (label, score) of every seed, by dataset tested on."""
    per_seed = [read_scores(path) for path in predictions]
    return {name: [scores[name] for scores in per_seed] for name in per_seed[0]}


def plot_classification_figures(
    predictions: Sequence[Path],
    roc: Path,
    rejection: Path,
    scores: Path,
    reliability: Path,
    calibrations: Sequence[Path] = (),
) -> None:
    """Draw an experiment's ROC and rejection curves, scores and reliability, for every dataset tested on.

    Raises:
        UserError: unusable predictions, or not one calibration for each of them.
    """
    if calibrations and len(calibrations) != len(predictions):
        raise UserError(f"--calibrations: {len(calibrations)} files but {len(predictions)} predictions; give one each")
    groups = _grouped(predictions)
    probability = all(map(is_probability, read_predictions(predictions[0]).values()))
    temperatures = [read_temperature(path) for path in calibrations]
    save_figure(classification.roc_curves(groups), roc)
    save_figure(classification.rejection_curves(groups), rejection)
    save_figure(classification.score_distributions(groups, probability), scores)
    save_figure(classification.reliability_diagram(groups, probability, temperatures), reliability)
