"""Measures of trigger control: by hand, on few episodes, and one line for predictions that cannot be."""

import json
import math

import numpy as np
import pytest

from jetpulse.config.streams import Stream
from jetpulse.errors import UserError
from jetpulse.evaluation import control
from jetpulse.evaluation.measures import mean_with_error
from jetpulse.problems.trigger import generate_episodes, pulses_of, returns
from toy_episodes import STREAM
from toy_jets import assert_one_line

HAND = Stream(n=2, steps=2, target=4.0, rate=10.0, height=10.0, highest=20.0, levels=3)
# The middle threshold is the best fixed one: returns -0.5 and -0.75.
PULSES = np.array([[[9, 4, 1], [8, 2, 0]], [[6, 5, 4], [9, 2, 1]]])


def described(stream: Stream) -> dict:
    return {"dataset": json.dumps({"kind": "problems", "source": {"stream": stream.model_dump()}})}


def episodes(n: int, stream: Stream = STREAM) -> dict[str, np.ndarray]:
    return {"event": np.arange(n), "features": generate_episodes(stream, 0, n)}


def with_levels(level: np.ndarray, truth: dict[str, np.ndarray], stream: Stream = STREAM) -> dict[str, np.ndarray]:
    pulses = pulses_of(stream, truth["features"], truth["event"])
    return {
        "event": truth["event"],
        "level": level,
        "accepted": np.take_along_axis(pulses, level[..., None], 2)[..., 0],
    }


def test_measures_by_hand(monkeypatch):
    monkeypatch.setattr(control, "pulses_of", lambda stream, rates, event: PULSES[event])
    truth = {"event": np.arange(2), "features": np.full((2, 2), 4 * math.e)}
    predicted = {"level": np.array([[1, 0], [2, 1]]), "accepted": np.array([[4, 8], [4, 2]])}
    found = control.measure(predicted, truth, described(HAND), "here")
    # Returns -1 and -0.5 of the policy; whoever knows the rate stays at the middle threshold.
    assert found == pytest.approx(
        {
            "entries": 2,
            "return": -0.75,
            "return_error": 0.25,
            "fixed_return": -0.625,
            "fixed_return_error": 0.125,
            "informed_return": -0.625,
            "informed_return_error": 0.125,
            "advantage": -0.125,
            "advantage_error": 0.375,
            "ahead": 0.5,
            "ahead_error": math.sqrt(0.125),
            # Wilson: 1/2 -+ sqrt(1/8 + 1/16) / (3/2).
            "ahead_low": 0.5 - math.sqrt(3) / 6,
            "ahead_high": 0.5 + math.sqrt(3) / 6,
        }
    )
    assert set(control.COLUMNS) <= set(found)


def test_a_policy_that_stays_is_not_ahead_of_itself():
    stream = Stream.model_validate(STREAM.model_dump() | {"target": 3.0})
    truth = episodes(40, stream)
    pulses = pulses_of(stream, truth["features"], truth["event"])
    best = returns(stream, pulses).mean(axis=0).argmax()
    found = control.measure(with_levels(np.full((40, 12), best), truth, stream), truth, described(stream), "here")
    assert (found["ahead"], found["advantage"], found["advantage_error"]) == (0.0, 0.0, 0.0)
    assert found["return"] == found["fixed_return"]


def test_the_error_of_the_advantage_is_that_of_pairs(monkeypatch):
    truth = episodes(40)
    level = np.random.default_rng(1).integers(0, 7, (40, 12))
    found = control.measure(with_levels(level, truth), truth, described(STREAM), "here")
    judged = control.judge(control.check_course(with_levels(level, truth), STREAM, 40, ""), truth, STREAM, "")
    pairs = judged.policy - judged.fixed[:, judged.best]
    assert (found["advantage"], found["advantage_error"]) == pytest.approx(mean_with_error(pairs))
    monkeypatch.setattr(control, "_VALUES", 100)  # one episode at a time
    assert control.measure(with_levels(level, truth), truth, described(STREAM), "here") == found


def test_a_single_episode_has_no_errors():
    truth = episodes(1)
    found = control.measure(with_levels(np.full((1, 12), 2), truth), truth, described(STREAM), "here")
    assert found["entries"] == 1
    assert found["return_error"] is None
    assert found["advantage_error"] is None
    assert json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": None}, "here: lacks level (3, 12), episodes by steps; predict again"),
        ({"accepted": np.zeros((3, 11), int)}, "here: lacks accepted (3, 12)"),
        ({"level": np.full((3, 12), 7)}, "here: entry 0: level is 7, expected 0 to 6; predict again"),
        ({"accepted": np.full((3, 12), 99)}, "here: entry 0: accepted 99 pulses in step 0, its threshold lets"),
    ],
)
def test_predictions_that_cannot_be_are_refused(change, message):
    truth = episodes(3)
    predicted = with_levels(np.full((3, 12), 2), truth) | change
    with pytest.raises(UserError) as error:
        control.measure({k: v for k, v in predicted.items() if v is not None}, truth, described(STREAM), "here")
    assert_one_line(error, message)


def test_pulses_of_a_later_episode_are_counted_from_the_first(monkeypatch):
    monkeypatch.setattr(control, "_VALUES", 100)
    truth = episodes(3)
    predicted = with_levels(np.full((3, 12), 2), truth)
    predicted["accepted"][2, 5] += 1
    with pytest.raises(UserError, match=r"here: entry 2: accepted \d+ pulses in step 5"):
        control.measure(predicted, truth, described(STREAM), "here")


@pytest.mark.parametrize(
    ("truth", "attributes", "message"),
    [
        (episodes(2), {}, "has no episodes; is it a dataset with a `stream`?"),
        (episodes(2), {"dataset": '{"source": {"points": {}}}'}, "has no episodes"),
        ({"event": np.arange(2)}, described(STREAM), "has no episodes"),
        (episodes(0), described(STREAM), "has no entries; the test split must not be empty"),
    ],
)
def test_other_samples_are_refused(truth, attributes, message):
    with pytest.raises(UserError) as error:
        control.measure({}, truth, attributes, "here")
    assert_one_line(error, message)
