"""Predictions that are evaluated with the samples they were made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.evaluation.files import write_metrics
from jetpulse.samples import Block, Writer, load_json
from toy_jets import assert_one_line, make_block, random_jets


def write_waves(folder: Path, predicted: dict[str, Any] | None = None, **changed: Any) -> tuple[Path, Path]:
    """Write samples.h5 of three waveforms of four bins and predictions of their pulses' bins."""
    truth = {"event": np.array([5, 7, 9]), "label": np.array([0, 1, 2], np.int32)}
    truth["waveform"] = np.zeros((3, 2, 4), np.float32)
    truth |= changed
    with Writer.create(folder / "samples.h5", "pulses", spec={}, units={}) as writer:
        for split in ("train", "val"):
            writer.append(split, Block({name: values[:0] for name, values in truth.items()}))
        writer.append("test", Block(truth))
    entries = {"event": np.array([5, 7, 9]), "label": np.array([0, 1, 2]), "probability": np.eye(4)[:3]}
    with Writer.create(folder / "p.h5", "predictions", spec={}, units={}) as writer:
        writer.append("waves", Block(entries | (predicted or {})))
    return folder / "p.h5", folder / "samples.h5"


def test_waveforms_are_evaluated_with_their_samples(tmp_path):
    predictions, samples = write_waves(tmp_path)
    write_metrics(predictions, tmp_path / "m.json", "localisation", {"waves": samples})
    metrics = load_json(tmp_path / "m.json")["waves"]
    assert (metrics["entries"], metrics["accuracy"], metrics["rmse"]) == (3, 1.0, 0.0)


def test_samples_that_are_missing_or_not_needed_are_named(tmp_path):
    predictions, samples = write_waves(tmp_path)
    for given, fragments in {"": ["'waves'", predictions, "waves=FILE"], "wave": ["'waves'"]}.items():
        with pytest.raises(UserError) as error:
            write_metrics(predictions, tmp_path / "m.json", "localisation", {given: samples} if given else {})
        assert_one_line(error, "--samples", *fragments)
    with pytest.raises(UserError) as error:
        write_metrics(predictions, tmp_path / "m.json", "localisation", {"waves": samples, "more": samples})
    assert_one_line(error, "--samples more", "waves")
    with pytest.raises(UserError) as error:
        write_metrics(predictions, tmp_path / "m.json", "classification", {"waves": samples})
    assert_one_line(error, samples, "'pulses'", "'jets' or 'problems'")
    assert not (tmp_path / "m.json").exists()


def test_samples_of_another_kind_are_refused(tmp_path):
    predictions, samples = write_waves(tmp_path)
    with Writer.create(samples, "jets", spec={}, units={}) as writer:
        writer.append("test", make_block(random_jets(1, 3)))
    with pytest.raises(UserError) as error:
        write_metrics(predictions, tmp_path / "m.json", "localisation", {"waves": samples})
    assert_one_line(error, samples, "'jets'", "'pulses'")


@pytest.mark.parametrize(
    ("predicted", "changed", "fragments"),
    [
        ({"event": np.array([5, 8, 9])}, {}, ["entry 1", "event 8", "event 7", "predict again"]),
        (
            {"event": np.array([5, 7]), "label": np.array([0, 1]), "probability": np.eye(4)[:2]},
            {},
            ["2 entries", "has 3", "predict again"],
        ),
        ({}, {"label": np.array([0, 3, 2], np.int32)}, ["entry 1", "label is 1", "3"]),
        ({}, {"waveform": np.zeros((3, 2, 5), np.float32)}, ["4 bins", "have 5"]),
    ],
    ids=["other events", "fewer entries", "other labels", "other waveforms"],
)
def test_predictions_of_another_sample_are_refused(tmp_path, predicted, changed, fragments):
    predictions, samples = write_waves(tmp_path, predicted, **changed)
    with pytest.raises(UserError) as error:
        write_metrics(predictions, tmp_path / "m.json", "localisation", {"waves": samples})
    assert_one_line(error, f"{predictions}: waves", *fragments)
    assert not (tmp_path / "m.json").exists()
