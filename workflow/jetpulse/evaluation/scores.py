"""Other people's labels and scores, brought into the form of our own predictions."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from jetpulse.config.scores import ScoreColumns
from jetpulse.contents import hash_file
from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import Arrays
from jetpulse.evaluation.score_files import read_score_file
from jetpulse.samples import Block, Writer, iterate_blocks, read_attributes
from jetpulse.samples.events import ROW_BITS

_ROW = (1 << ROW_BITS) - 1
_FEW = 10  # values of a score that are decisions rather than measures
_SIGMAS = 5.0
_SUM = 1e-3  # how far two probabilities, rounded or of single precision, may be from adding up to 1


def write_scores(
    scores: Path,
    samples: Path,
    path: Path,
    dataset: str,
    columns: ScoreColumns,
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Write a file of scores as predictions.h5, in the order of a dataset's test split.

    The group of the dataset has event int64, label int8 and probability float64 (n, 2), or score float64 (n,) for a
    discriminant. Events and labels are the dataset's own; those of the file only have to agree.

    Args:
        scores: the file, see ``read_score_file``.
        samples: samples.h5 of the dataset.
        path: predictions.h5 to write.
        dataset: the dataset's name.
        columns: which columns are read, and what the scores mean.
        log: called with lines for the log.

    Raises:
        UserError: an unusable file, or one that is not about this test split.
    """
    found = read_score_file(scores, columns, dataset)
    answer = _answer(found["score"], columns.meaning, scores)
    truth = _read_truth(samples)
    if "event" in found:
        by_row = are_rows(found["event"], truth["event"])
        expected = truth["event"] & _ROW if by_row else truth["event"]
        order = match_events(found["event"], expected, scores, dataset)
        log(f"{len(order)} entries found by their {'rows in the file' if by_row else 'events'}")
    else:
        if len(found["label"]) != len(truth["label"]):
            number, expected = len(found["label"]), len(truth["label"])
            raise UserError(f"{scores}: {number} entries, the test split of {dataset!r} has {expected}; give event ids")
        order = np.arange(len(truth["label"]))
        log(f"{len(order)} entries taken to be in the order of the test split: labels agree, no event ids")
    _check_labels(found["label"][order], truth, scores, dataset)
    for line in _remarks(found["score"], found["label"], columns.meaning):
        log(f"{scores}: {line}")
    spec = columns.model_dump() | {"file": scores.name, "sha256": hash_file(scores)}
    with Writer.create(path, "predictions", spec=spec, units={name: "1" for name in answer}) as writer:
        writer.append(dataset, Block(truth | {name: values[order] for name, values in answer.items()}))


def _answer(score: np.ndarray, meaning: str, path: Path) -> Arrays:
    """Return ``probability`` (n, 2) of background and signal, or ``score`` (n,) of a discriminant."""
    if score.ndim == 2:
        if meaning != "probability":
            raise UserError(f"{path}: two columns of scores are probabilities, not a {meaning}; name the signal's only")
        total = score.sum(axis=1)
        other = np.flatnonzero(np.abs(total - 1) > _SUM)
        if len(other):
            first = other[0]
            raise UserError(f"{path}: entry {first}: probabilities add up to {total[first]:.6g}, expected 1")
        score = score[:, 1]
    if meaning == "discriminant":
        return {"score": score}
    if meaning == "logit":
        score = expit(score)
    wrong = np.flatnonzero((score < 0) | (score > 1))
    if len(wrong):
        first = wrong[0]
        raise UserError(
            f"{path}: entry {first}: score is {score[first]:.6g}, no probability; "
            "for other scores set `scores.meaning` to logit or discriminant"
        )
    return {"probability": np.stack([1 - score, score], axis=1)}


def _remarks(score: np.ndarray, label: np.ndarray, meaning: str) -> Iterator[str]:
    """Yield lines on scores (n,) or (n, 2) that may not be what they are taken for."""
    score = score[:, 1] if score.ndim == 2 else score
    different = len(np.unique(score))
    if different <= _FEW and len(score) > 2 * different:
        yield f"the score has {different} different values only; curves and areas are those of so many decisions"
    if meaning == "logit" and len(score) > _FEW and (score.min() >= 0 or score.max() <= 0):
        kind = "lies from 0 to 1, as probabilities do" if 0 <= score.min() <= score.max() <= 1 else "has one sign"
        yield f"the score is taken for a logit, but {kind} in all entries; check `scores.meaning`"
    signal, background = float(np.sum(label == 1)), float(np.sum(label == 0))
    statistic = rankdata(score)[label == 1].sum() - signal * (signal + 1) / 2
    sigma = np.sqrt(signal * background * (signal + background + 1) / 12)  # of Mann and Whitney's statistic by chance
    if statistic - signal * background / 2 < -_SIGMAS * sigma:
        yield (
            f"the score is larger for background than for signal (AUC {statistic / (signal * background):.3f}); check "
            "that it is that of the signal, and the order of two columns"
        )


def _read_truth(samples: Path) -> Arrays:
    """Return event and label (n,) of a test split; block by block, constituents would be many."""
    read_attributes(samples, "jets")
    blocks = [block.entries for block in iterate_blocks(samples, "test")]
    return {name: np.concatenate([entries[name] for entries in blocks]) for name in ("event", "label")}


def are_rows(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether events (n) are rows of the one file whose rows are the events of a test split, (n)."""
    single = len(expected) > 0 and expected[0] > _ROW and (expected >> ROW_BITS == expected[0] >> ROW_BITS).all()
    return bool(single and ((found >= 0) & (found <= _ROW)).all() and not np.isin(found, expected).any())


def match_events(found: np.ndarray, expected: np.ndarray, path: Path, dataset: str) -> np.ndarray:
    """Return the places (n,) int64 in ``found`` (n,) of the events ``expected`` (n,).

    Several entries of one event are taken in the order in which they stand.

    Raises:
        UserError: an event that is missing, not expected, or there too often.
    """
    here, there = np.argsort(found, kind="stable"), np.argsort(expected, kind="stable")
    if len(found) != len(expected) or (found[here] != expected[there]).any():
        what = _first_difference(found, expected)
        raise UserError(f"{path}: {what} the test split of {dataset!r}; check it, or go by order (`event: null`)")
    order = np.empty(len(expected), np.int64)
    order[there] = here
    return order


def _first_difference(found: np.ndarray, expected: np.ndarray) -> str:
    extra = np.flatnonzero(~np.isin(found, expected))
    if len(extra):
        return f"entry {extra[0]}: event {found[extra[0]]} ({len(extra)} such entries) is not in"
    missing = np.flatnonzero(~np.isin(expected, found))
    if len(missing):
        return f"lacks event {expected[missing[0]]} ({len(missing)} such entries) of"
    events, counts = np.unique(found, return_counts=True)
    right = np.unique(expected, return_counts=True)[1]
    first = int((counts != right).argmax())
    return f"event {events[first]} is there {counts[first]} times, {right[first]} times in"


def _check_labels(label: np.ndarray, truth: Arrays, path: Path, dataset: str) -> None:
    """Refuse labels that are not the dataset's, and a test split of one class."""
    other = np.flatnonzero(label != truth["label"])
    if len(other) == len(label):
        raise UserError(f"{path}: every label is the other one in the test split of {dataset!r}; 1 must be the signal")
    if len(other):
        first = other[0]
        raise UserError(
            f"{path}: label of event {truth['event'][first]} is {label[first]}, in the test split of {dataset!r} it is "
            f"{truth['label'][first]} ({len(other)} of {len(label)} differ); check label, order and dataset"
        )
    if len(np.unique(label)) < 2:
        raise UserError(f"{path}: all labels are {label[0]}; a test split of one class cannot be evaluated")
