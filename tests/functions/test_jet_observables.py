"""Jets as numbers, from samples to a file, a figure and a training; what the config allows with them."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from jetpulse.cli import main
from jetpulse.config import JetObservables, parse_config
from jetpulse.errors import UserError
from jetpulse.figures.observables import TITLES, plot_observables
from jetpulse.jets.distributions import Distribution, exceeds
from jetpulse.jets.observable_files import write_jet_observables
from jetpulse.jets.substructure import UNITS, jet_substructure
from jetpulse.samples import Writer, read_attributes, read_block
from jetpulse.training.normalisation import fit_normalisation
from toy_jets import assert_one_line, make_block, random_jets
from toys import load_split, write_images, write_observables

ALL = JetObservables(kind="jet-observables")
OBSERVABLES = {"kind": "jet-observables"}


@pytest.fixture
def samples(tmp_path) -> Path:
    """Samples of 20 and 10 jets, and none to test."""
    path = tmp_path / "samples.h5"
    with Writer.create(path, "jets", spec={"kind": "jets"}, units={}) as writer:
        for split, n in (("train", 20), ("val", 10), ("test", 0)):
            writer.append(split, make_block(random_jets(n, n), first=100 * n))
    return path


def test_the_file_holds_the_columns_in_the_order_of_the_spec(tmp_path, samples):
    spec = JetObservables(kind="jet-observables", columns=["tau32", "mass", "e3"])
    write_jet_observables(samples, tmp_path / "o.h5", spec, threads=2)
    attributes = read_attributes(tmp_path / "o.h5", "jet-observables")
    assert attributes["spec"] == {"kind": "jet-observables", "columns": ["tau32", "mass", "e3"]}
    assert attributes["units"] == {"tau32": "1", "mass": "GeV", "e3": "1"}
    assert (attributes["columns"], attributes["outputs"], attributes["features"]) == ("tau32, mass, e3", 2, "features")
    assert list(attributes["shape"]) == [3]
    assert json.loads(attributes["dataset"]) == {"kind": "jets"}
    for split, n in (("train", 20), ("val", 10), ("test", 0)):
        jets, made = read_block(samples, split), read_block(tmp_path / "o.h5", split)
        expected = jet_substructure(jets.flat["constituents"], jets.offsets)
        features = np.stack([expected[name] for name in spec.columns], 1).astype(np.float32)
        assert np.array_equal(made.entries["features"], features)
        assert (made.entries["features"].dtype, len(made)) == (np.float32, n)
        for name in ("event", "label"):
            assert np.array_equal(made.entries[name], jets.entries[name])


def test_the_same_samples_give_the_same_bytes_for_any_number_of_threads(tmp_path, samples):
    for threads in (1, 3):
        write_jet_observables(samples, tmp_path / f"{threads}.h5", ALL, threads)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()


def test_images_are_no_samples(tmp_path):
    images = write_images(tmp_path / "images.h5")
    with pytest.raises(UserError) as error:
        write_jet_observables(images, tmp_path / "o.h5", ALL)
    assert_one_line(error, images, "'jet-image'", "'jets'")
    assert not (tmp_path / "o.h5").exists()


def test_a_network_reads_the_rows(tmp_path):
    path = write_observables(tmp_path / "o.h5")
    inputs = load_split(path, "train")
    assert inputs.features.shape == (4,)
    with h5py.File(path) as handle:
        expected = torch.from_numpy(handle["train/features"][:][[5, 2]])
    assert torch.equal(inputs.batch(torch.tensor([5, 2])).features, expected)
    assert inputs.representation() == {"kind": "jet-observables", "columns": ["mass", "pt", "tau32", "d2"]}


def test_every_column_has_its_own_mean_and_deviation():
    values = np.array([[1.0, 100.0, 0.1], [3.0, 300.0, 0.1], [2.0, 800.0, 0.1]], np.float32)
    fitted = fit_normalisation("columns", values, 1, "here")
    applied = fitted.apply(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(applied[:, :2].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(applied[:, :2].std(0), 1, rtol=1e-6)
    assert not applied[:, 2].any()  # a constant column says nothing
    np.testing.assert_allclose(fitted.invert(torch.from_numpy(applied)), values, rtol=1e-6)


def test_columns_that_are_all_constant_are_refused():
    with pytest.raises(UserError) as error:
        fit_normalisation("columns", np.full((4, 2), 0.1, np.float32), 1, "here")
    assert_one_line(error, "here", "nothing to normalise by")


def analysis(model: str, representation: str = "numbers", **training: Any) -> dict[str, Any]:
    """Return a configuration of one experiment on jets."""
    return {
        "datasets": {"jets": {"kind": "jets", "source": {"simulation": {"jets_per_class": 10}}}},
        "representations": {"images": {"kind": "jet-image"}, "numbers": OBSERVABLES},
        "experiments": {
            "e": {
                "dataset": "jets",
                "representation": representation,
                "model": {"name": model},
                "training": training,
            }
        },
    }


@pytest.mark.parametrize(
    "config",
    [
        analysis("logistic", normalise="columns"),
        analysis("dense", normalise="columns"),
        analysis("dense", "images"),
        analysis("jet-cnn", "images"),
        analysis("boosted-trees", patience=20, threads=2, max_train=10),
        analysis("boosted-trees", normalise="columns", optimiser="adam"),  # a default does no harm
    ],
    ids=lambda config: config["experiments"]["e"]["model"]["name"],
)
def test_networks_may_read_what_suits_them(config):
    found = parse_config(config, "my.yaml")
    assert found.representations["numbers"].columns == list(UNITS)
    # What is written can be read again.
    assert parse_config(found.model_dump(exclude_unset=True), "my.yaml") == found


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            analysis("jet-cnn", normalise="columns"),
            "representation: 'numbers' does not suit jet-cnn, which reads images; choose one of `representations` of "
            "kind jet-image, which are images",
        ),
        (
            analysis("logistic", "images"),
            "representation: 'images' does not suit logistic, which reads observables; choose one of "
            "`representations` of kind jet-observables, which are numbers",
        ),
        (
            analysis("boosted-trees", "samples"),
            "representation: 'samples' does not suit boosted-trees, which reads observables; choose one of "
            "`representations` of kind jet-observables, which are numbers",
        ),
        (
            analysis("dense", "samples"),
            "representation: 'samples' does not suit dense, which reads images or observables; choose one of "
            "`representations` of kind jet-image or jet-observables, which are images, numbers",
        ),
        (
            analysis("particle-transformer"),
            "representation: 'numbers' does not suit particle-transformer, which reads constituents; choose 'samples'",
        ),
        (
            analysis("logistic"),
            "training.normalise: 'none' leaves observables of unequal size; set it to 'columns'",
        ),
        (
            analysis("boosted-trees", normalise="standard"),
            "training.normalise: 'standard' leaves observables of unequal size; set it to 'columns'",
        ),
        (
            analysis("dense", "images", normalise="columns"),
            "training.normalise: jets are normalised by steps of an image or by their network; set it to 'none'",
        ),
        (
            analysis("boosted-trees", batch=10),
            "training.batch: means nothing to boosted-trees, which makes no steps of an optimiser; remove it",
        ),
    ],
)
def test_what_does_not_suit_is_one_line(config, line):
    with pytest.raises(UserError) as error:
        parse_config(config, "my.yaml")
    assert str(error.value) == f"my.yaml: experiments.e.{line}"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"kind": "jet-observables", "columns": []}, ("numbers.columns", "at least 1")),
        ({"kind": "jet-observables", "columns": ["mass", "mass"]}, ("numbers.columns", "'mass' is given twice")),
        ({"kind": "jet-observables", "columns": ["tau_32"]}, ("numbers.columns.0", "did you mean 'tau32'?")),
        ({"kind": "jet-observables", "pixels": 40}, ("numbers.pixels: unknown key", "allowed here: kind, columns")),
        ({"kind": "jet-image", "columns": []}, ("numbers.columns: unknown key", "allowed here: kind, pixels")),
        ({"kind": "jet-observable"}, ("numbers.kind: 'jet-observable'", "did you mean 'jet-observables'?")),
        ({}, ("numbers.kind: is required",)),
    ],
)
def test_a_mistake_in_a_representation_is_one_line(section, words):
    config = analysis("logistic", normalise="columns")
    config["representations"]["numbers"] = section
    with pytest.raises(UserError) as error:
        parse_config(config, "my.yaml")
    assert_one_line(error, "representations.", *words)


def test_the_verbs_write_the_file_and_the_figure(tmp_path, samples, capsys):
    made, figure = tmp_path / "o.h5", tmp_path / "o.svg"
    assert main(["build-jet-observables", str(samples), str(made), "--spec", json.dumps(OBSERVABLES)]) == 0
    assert main(["plot-jet-observables", str(made), str(figure)]) == 0
    assert "tau32: AUC 0." in capsys.readouterr().err
    text = figure.read_text()
    for words in ("<!-- jet mass [GeV]", "<!-- top", "<!-- AUC 0."):
        assert words in text
    first = figure.read_bytes()
    assert main(["plot-jet-observables", str(made), str(figure)]) == 0
    assert figure.read_bytes() == first


def test_a_wrong_spec_is_one_line_and_leaves_nothing(tmp_path, samples, capsys):
    spec = '{"kind": "jet-observables", "columns": ["tau5"]}'
    assert main(["build-jet-observables", str(samples), str(tmp_path / "o.h5"), "--spec", spec]) == 1
    assert capsys.readouterr().err.startswith("jetpulse build-jet-observables: --spec: columns.0: 'tau5' is not")
    assert not (tmp_path / "o.h5").exists()


def test_every_observable_has_a_title():
    assert list(TITLES) == list(UNITS)


@pytest.mark.parametrize("labels", [[1], [0], [1, 0], [1, 1, 1, 0]], ids=str)
def test_few_jets_and_jets_of_one_class_are_drawn(tmp_path, labels):
    with Writer.create(tmp_path / "samples.h5", "jets", spec={}, units={}) as writer:
        for split in ("train", "val", "test"):
            writer.append(split, make_block(random_jets(3, len(labels), 2), labels))
    write_jet_observables(tmp_path / "samples.h5", tmp_path / "o.h5", ALL)
    areas = plot_observables(tmp_path / "o.h5", tmp_path / "o.svg")
    assert all(np.isnan(area) if len(set(labels)) == 1 else 0.5 <= area <= 1 for area in areas.values())
    assert (tmp_path / "o.svg").is_file()


def test_a_file_without_jets_cannot_be_drawn(tmp_path):
    path = write_observables(tmp_path / "o.h5", sizes={"train": 0, "val": 0, "test": 0})
    with pytest.raises(UserError) as error:
        plot_observables(path, tmp_path / "o.svg")
    assert_one_line(error, path, "no jets")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([2, 3], [1], 1.0), ([1], [1], 0.5), ([1, 3], [2, 2], 0.5), ([0, 0, 5], [-1, 4], 4 / 6), ([1], [], np.nan)],
)
def test_the_area_under_the_curve_of_distributions_by_hand(first, second, expected):
    above, below = Distribution(), Distribution()
    above.add(np.array(first, float))
    below.add(np.array(second, float))
    assert exceeds(above, below) == pytest.approx(expected, nan_ok=True)
