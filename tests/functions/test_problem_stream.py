"""Episodes of a changing rate as samples of a small problem."""

import numpy as np
import pytest

from jetpulse.config import ProblemDataset
from jetpulse.problems import stream
from jetpulse.problems.files import write_samples
from jetpulse.problems.trigger import ACTIONS, generate_episodes
from jetpulse.samples import SPLITS, read_attributes, read_block

SPEC = ProblemDataset.model_validate({"kind": "problems", "source": {"stream": {"n": 30, "steps": 12}}})


def test_episodes_have_rates_and_no_answers(tmp_path):
    assert write_samples(tmp_path / "s.h5", SPEC).total() == 30
    rates = generate_episodes(SPEC.source.stream, 0, 30)
    for split in SPLITS:
        entries = read_block(tmp_path / "s.h5", split).entries
        assert set(entries) == {"event", "features"}
        np.testing.assert_array_equal(entries["features"], rates[entries["event"]], strict=True)
    attributes = read_attributes(tmp_path / "s.h5", "problems")
    assert (list(attributes["shape"]), attributes["outputs"]) == ([12], len(ACTIONS))
    assert attributes["columns"] == attributes["classes"] == attributes["target"] == ""


@pytest.mark.parametrize("block", [1, 7, 30])
def test_episodes_do_not_depend_on_how_many_are_made_at_once(tmp_path, block, monkeypatch):
    write_samples(tmp_path / "a.h5", SPEC)
    monkeypatch.setattr(stream, "BLOCK", block)
    write_samples(tmp_path / "b.h5", SPEC)
    for split in SPLITS:
        one, other = (read_block(tmp_path / name, split).entries["features"] for name in ("a.h5", "b.h5"))
        np.testing.assert_array_equal(one, other)
