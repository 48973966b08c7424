"""Every value that predictions cannot have is refused when they are read, whoever wrote them."""

import math
from pathlib import Path

import numpy as np
import pytest

from jetpulse.errors import UserError
from jetpulse.evaluation.predictions import read_predicted
from jetpulse.samples import Block, Writer
from toy_jets import assert_one_line

HALF = np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("task", "arrays", "fragments"),
    [
        ("classification", {"probability": HALF}, ["no dataset toys/label"]),
        ("regression", {"target": np.ones(2)}, ["no dataset toys/prediction"]),
        ("variational", {"latent": HALF, "reconstruction": HALF, "generated": HALF}, ["no dataset toys/latent_sigma"]),
        ("", {"label": np.zeros(1, int), "probability": HALF}, ["toys/label has length 1, expected 2"]),
        ("", {"label": np.array([0, 2]), "probability": HALF}, ["entry 1: label is 2", "from 0 to 1"]),
        ("", {"label": np.array([-1, 0]), "probability": HALF}, ["entry 0: label is -1"]),
        ("", {"probability": HALF[0]}, ["toys/probability: entries have shape ()", "(classes)"]),
        (
            "",
            {"probability": np.add(HALF, [[0, 0], [0, math.nan]])},
            ["entry 1: probability is [0.5 nan]", "add up to 1"],
        ),
        ("", {"probability": np.add(HALF, [[1, -1], [0, 0]])}, ["entry 0: probability is [ 1.5 -0.5]"]),
        ("", {"probability": np.add(HALF, [[0, 0], [2e-6, 0]])}, ["entry 1: probability is"]),
        ("", {"prediction": np.ones((2, 1))}, ["toys/prediction: entries have shape (1,)"]),
        ("", {"prediction": np.array([1, math.inf])}, ["entry 1: prediction is inf"]),
        ("", {"target": np.array([math.nan, 1])}, ["entry 0: target is nan"]),
        ("", {"reconstruction": np.add(HALF, [[0, 0], [math.nan, 0]])}, ["entry 1: reconstruction is nan"]),
        ("", {"latent": HALF, "latent_sigma": HALF[:, :1]}, ["toys/latent_sigma: entries have shape (1,)"]),
        ("", {"latent": HALF, "latent_sigma": 0 * HALF}, ["entry 0: latent_sigma is 0.", "a number above 0"]),
    ],
)
def test_predictions_that_cannot_be_are_one_line(
    tmp_path: Path, task: str, arrays: dict[str, np.ndarray], fragments: list[str]
):
    with Writer.create(tmp_path / "p.h5", "predictions", spec={"task": task}, units={}) as writer:
        writer.append("toys", Block({"event": np.arange(2)} | arrays))
    with pytest.raises(UserError) as error:
        read_predicted(tmp_path / "p.h5", "toys")
    assert_one_line(error, tmp_path / "p.h5", *fragments, "again")
