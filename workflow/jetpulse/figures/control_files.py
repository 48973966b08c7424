"""The files of trigger control's figures: predictions, histories and samples in, SVG out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jetpulse.config.streams import Stream
from jetpulse.errors import UserError
from jetpulse.evaluation.control import Judged, check_course, judge, read_stream
from jetpulse.evaluation.predictions import read_predicted, read_truth
from jetpulse.figures import control
from jetpulse.figures.style import save_figure
from jetpulse.figures.training_files import kept_epoch, read_history
from jetpulse.problems.trigger import Course, pulses_of
from jetpulse.samples import split_sizes
from jetpulse.training.descriptions import load_description


def plot_control_figures(
    predictions: Sequence[Path],
    histories: Mapping[str, Path],
    samples: Path,
    dataset: str,
    *,
    returns: Path,
    episodes: Path,
) -> None:
    """Draw a policy's returns beside fixed thresholds, and single test episodes.

    Args:
        predictions: predictions.h5 of every seed.
        histories: history.csv of every seed in the same order, model.json beside it.
        samples: samples.h5 of the dataset.
        dataset: its name in the predictions.
        returns: figure to write.
        episodes: figure to write, of the first predictions.

    Raises:
        UserError: unusable predictions or histories, or not of the test split of ``samples``.
    """
    if len(predictions) != len(histories):
        raise UserError(f"--histories: {len(histories)} for {len(predictions)} predictions; give one for each seed")
    judged, courses = [], []
    for path in predictions:
        where = f"{path}: {dataset}"
        predicted = read_predicted(path, dataset)
        truth, attributes = read_truth(samples, "problems", predicted, where)
        stream = read_stream(truth, attributes, where)
        courses.append(check_course(predicted, stream, len(truth["features"]), where))
        judged.append(judge(courses[-1], truth, stream, where))
    entries = split_sizes(samples)["train"]
    curves = {seed: _curve(path, entries) for seed, path in histories.items()}
    save_figure(control.returns_figure(curves, judged, stream), returns)
    chosen = control.choose_examples(judged[0].policy - judged[0].fixed[:, judged[0].best])
    examples = [_example(i, courses[0], judged[0], truth, stream) for i in chosen]
    save_figure(control.episodes_figure(examples, stream), episodes)


def _curve(path: Path, entries: int) -> control.Curve:
    """Return a training's history with the number of episodes that had been played after each epoch."""
    history, beside = read_history(path), path.with_name("model.json")
    if "train_return" not in history:
        raise UserError(f"{path}: lacks train_return; expected the history of a policy")
    description = load_description(beside)
    try:
        training, rollouts = description["training"], description["arguments"]["rollouts"]
        used, steps, batch = training["max_train"] or entries, training["steps"], training["batch"]
    except (KeyError, TypeError) as error:
        raise UserError(f"{beside}: lacks {error}; expected that of a policy") from error
    played = history["epoch"] * used
    if steps:  # the last epoch may be a part
        played = np.minimum(played, steps * batch)
    return control.Curve(played * rollouts, history, kept_epoch(beside, history))


def _example(
    place: int, course: Course, judged: Judged, truth: Mapping[str, np.ndarray], stream: Stream
) -> control.Example:
    one = slice(place, place + 1)
    pulses = pulses_of(stream, truth["features"][one], truth["event"][one])
    fixed = Course(np.full((1, stream.steps), judged.best), pulses[..., judged.best])
    policy = Course(course.level[one], course.accepted[one])
    return control.Example(int(truth["event"][place]), truth["features"][place], policy, fixed)
