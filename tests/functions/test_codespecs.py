"""What of a section a command is given."""

import pytest
from pydantic import Field

from jetpulse.codespecs import spec_for
from jetpulse.config.models import Experiment
from jetpulse.config.spectra import Counts
from jetpulse.config.training import Training
from jetpulse.training.inputs import check_representation

TRAIN = ("cli.training:train", "models.dense", "training.objectives.classification")


class Later(Training):
    """Training with a key that no code reads yet."""

    further_key: int = Field(3)


class Other(Training):
    """Training with another default of a key that is read."""

    batch: int = Field(60)


def test_a_key_that_nobody_reads_is_left_out_at_its_default_and_given_otherwise() -> None:
    assert spec_for(TRAIN, Later()) == spec_for(TRAIN, Training())
    assert spec_for(TRAIN, Later(further_key=4)) == spec_for(TRAIN, Training()) | {"further_key": 4}


def test_a_default_that_is_read_counts() -> None:
    assert spec_for(TRAIN, Other())["batch"] == 60
    assert spec_for(TRAIN, Training())["batch"] == 50


@pytest.mark.parametrize(
    ("section", "roots"),
    [
        (Experiment.model_validate({"dataset": "a", "model": {"name": "dense", "hidden": [3]}}), TRAIN),
        (Counts(n=3), ("cli.spectra:build_spectra",)),
    ],
)
def test_what_is_left_out_has_its_default_when_it_is_read(section, roots) -> None:
    assert type(section).model_validate(spec_for(roots, section)) == section


def test_a_representation_that_was_made_before_a_key_came_is_the_same() -> None:
    now = {"kind": "jet-image", "pixels": 40, "half_width": 0.8, "steps": ["centre", "rotate", "normalise"]}
    attributes = {"kind": "jet-image", "spec": {"kind": "jet-image", "pixels": 40}}
    check_representation("images.h5", attributes, now)
