"""Some of the columns of small problems, chosen by patterns of their names; the verbs."""

import json
from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.config import Columns
from jetpulse.errors import UserError
from jetpulse.problems.files import write_columns, write_samples
from jetpulse.samples import SPLITS, read_attributes, read_block
from test_problem_files import dataset
from toy_jets import assert_one_line


@pytest.fixture
def samples(tmp_path) -> Path:
    write_samples(tmp_path / "s.h5", dataset({"decays": {"n": 300}}))
    return tmp_path / "s.h5"


@pytest.mark.parametrize(
    ("spec", "first", "n"),
    [
        ({"without": ["m_*"]}, "lepton_pT", 21),
        ({"columns": ["m_*"]}, "m_jj", 7),
        ({"columns": ["m_wwbb", "lepton_*"], "without": ["*_phi"]}, "lepton_pT", 3),
        ({}, "lepton_pT", 28),
    ],
)
def test_columns_are_chosen_by_patterns(tmp_path, samples, spec, first, n):
    write_columns(samples, tmp_path / "c.h5", Columns(kind="columns", **spec))
    whole, some = read_attributes(samples), read_attributes(tmp_path / "c.h5", "problem-columns")
    names = some["columns"].split(", ")
    assert (names[0], len(names), list(some["shape"])) == (first, n, [n])
    assert set(some["units"]) == set(names)
    where = [whole["columns"].split(", ").index(name) for name in names]
    assert where == sorted(where)
    for split in SPLITS:
        before, after = (read_block(path, split).entries for path in (samples, tmp_path / "c.h5"))
        np.testing.assert_array_equal(after.pop("features"), before.pop("features")[:, where], strict=True)
        assert set(after) == set(before)
        for name, values in after.items():
            np.testing.assert_array_equal(values, before[name], strict=True)
    for name in ("outputs", "classes", "target", "dataset", "features"):
        assert some[name] == whole[name]


def test_patterns_that_fit_nothing_are_refused(tmp_path, samples):
    for spec, words in (({"columns": ["M_*"]}, "no column fits 'M_*'"), ({"without": ["*"]}, "leaves none")):
        with pytest.raises(UserError) as error:
            write_columns(samples, tmp_path / "c.h5", Columns(kind="columns", **spec))
        assert_one_line(error, samples, words)
        assert not (tmp_path / "c.h5").exists()


def test_columns_of_pictures_are_refused(tmp_path):
    write_samples(tmp_path / "s.h5", dataset({"digits": {}}))
    with pytest.raises(UserError) as error:
        write_columns(tmp_path / "s.h5", tmp_path / "c.h5", Columns(kind="columns"))
    assert_one_line(error, "no rows of a table")


def test_the_verbs_make_samples_and_columns(tmp_path, capsys):
    paths = [str(tmp_path / name) for name in ("s.h5", "c.h5")]
    spec = json.dumps(dataset({"houses": {"n": 100}}).model_dump())
    assert main(["build-problems", paths[0], "--spec", spec]) == 0
    assert main(["build-columns", *paths, "--spec", '{"kind": "columns", "columns": ["a*"]}']) == 0
    log = capsys.readouterr().err
    assert "seed: 1" in log and f"wrote {paths[1]}" in log
    assert read_attributes(paths[1])["columns"] == "area, age"
