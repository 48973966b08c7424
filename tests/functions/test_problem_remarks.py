"""Columns of tables that are worth a second look: what the log says of them, and that it is silent about others."""

import numpy as np
import pytest

from jetpulse.problems.remarks import Remarks

N = 1000
KIND = np.arange(N) % 2
X = np.random.default_rng(1).normal(size=N)


def remarks(name: str, values: np.ndarray, answers: np.ndarray = KIND, target: str = "") -> list[str]:
    """Return the lines on a table of an innocent column and this one, read in three chunks."""
    found = Remarks(("x", name), target)
    for row in range(0, N, 400):
        features = np.stack([X, values], axis=1)[row : row + 400]
        found.add(features, answers[row : row + 400], row)
    return list(found.lines())


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        pytest.param("mass", np.where(X > 1, -999.0, X), "'mass' is -999 in", id="filler"),
        pytest.param("mass", np.where(X > 1, 99.0, abs(X)), "'mass' is 99 in", id="small-filler"),
        pytest.param("n", np.arange(N) + 5.0, "'n' only counts the rows", id="rows"),
        pytest.param("truth", KIND * 2.0 - 1, "'truth' alone tells", id="answer"),
        pytest.param("w", KIND + abs(np.tanh(X)) / 2, "'w' alone tells", id="apart"),
        pytest.param("time", 1.7e9 + X, "'time' loses its last digits", id="float32"),
        pytest.param("genWeight", X, "'genWeight' is learned from", id="weight"),
        pytest.param("event_id", X, "'event_id' is learned from", id="id"),
    ],
)
def test_what_may_not_be_what_it_seems_is_named(name, values, words):
    assert [words in line for line in remarks(name, values)] == [True]


@pytest.mark.parametrize(
    "values",
    [
        X,
        KIND + X / 3,
        np.zeros(N),
        np.round(X * 1000),
        1e9 * X,
        np.where(np.arange(N) == 7, -999.0, X),
        np.arange(N) * 2.0,
    ],
)
def test_nothing_is_said_of_what_is_ordinary(values):
    assert remarks("y", values) == []


def test_fillers_among_the_answers_are_named():
    assert ["'price' is -99 in" in line for line in remarks("y", X, np.where(X > 1, -99.0, X), "price")] == [True]
