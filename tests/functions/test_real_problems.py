"""Public files as samples of small problems: circles, a slice of HIGGS, house prices."""

import h5py
import numpy as np
import pytest

from jetpulse.problems.files import write_samples
from jetpulse.samples import read_attributes
from test_problem_files import FRACTIONS, contents, dataset, joined


def test_the_file_of_circles_has_the_baseline_that_is_published(tmp_path, real_data):
    source = {"files": str(real_data / "circles_data.hf5"), "labels": str(real_data / "circles_targets.hf5")}
    split = {"train": 0.8, "val": 0.0, "test": 0.2, "method": "shuffle", "seed": 123}
    assert write_samples(tmp_path / "s.h5", dataset(source, split)) == {"train": 400, "val": 0, "test": 100}
    test = contents(tmp_path / "s.h5")["test"]
    assert test["label"].mean() == 0.53
    with h5py.File(real_data / "circles_data.hf5") as handle:
        np.testing.assert_array_equal(
            test["features"], handle["data/block0_values"][:][test["event"] & 0xFFFFFFFF].astype(np.float32)
        )
    radius = np.hypot(*joined(tmp_path / "s.h5", "features").T)
    label = joined(tmp_path / "s.h5", "label")
    assert [radius[label == value].mean() for value in (0, 1)] == pytest.approx([2.01, 0.61], abs=0.01)
    assert read_attributes(tmp_path / "s.h5")["columns"] == "x0, x1"


def test_the_slice_of_higgs_has_its_columns(tmp_path, real_data):
    source = {"files": str(real_data / "higgs.csv"), "label": "label", "duplicates": "keep"}  # one row is there twice
    spec = dataset(source, FRACTIONS | {"method": "shuffle"})
    assert write_samples(tmp_path / "s.h5", spec).total() == 10_984
    write_samples(tmp_path / "d.h5", dataset({"decays": {"n": 100}}))
    ours, real = read_attributes(tmp_path / "d.h5"), read_attributes(tmp_path / "s.h5")
    assert (real["columns"], real["outputs"]) == (ours["columns"], ours["outputs"])
    assert joined(tmp_path / "s.h5", "label").mean() == pytest.approx(0.53, abs=0.001)
    assert joined(tmp_path / "s.h5", "features")[0, 0] == np.float32(0.34186098)


def test_a_file_of_house_prices_that_the_user_names(tmp_path, real_data):
    source = {"files": str(real_data / "boston.csv"), "target": "PRICE", "columns": ["RM", "CHAS", "LSTAT"]}
    assert write_samples(tmp_path / "s.h5", dataset(source)).total() == 506
    assert joined(tmp_path / "s.h5", "features")[0].tolist() == pytest.approx([6.575, 0, 4.98])
    assert joined(tmp_path / "s.h5", "target")[:2].tolist() == [24, 21.6]
