"""Trained networks applied to new files of any kind, without labels."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from jet_formats import EXAMPLES, list_columns, toy_block, write_example, write_npz, write_parquet
from jetpulse.cli import main
from jetpulse.config import Experiment, JetImage, JetSource
from jetpulse.errors import UserError
from jetpulse.jets.files import write_jet_images
from jetpulse.samples import Block, Writer, read_block
from jetpulse.training import scoring
from jetpulse.training.files import write_model
from jetpulse.training.scoring import source_of, write_scores
from jetpulse.training.tables import open_table
from jetpulse.training.trained import write_predictions
from toy_jets import assert_one_line, make_block, random_jets
from toys import specification, task_experiment, write_images, write_pulses, write_spectra

SIZES = {"train": 60, "val": 30, "test": 25}
IMAGE = {"kind": "jet-image", "pixels": 6, "half_width": 0.8, "steps": ["centre", "rotate", "normalise"]}
PARTICLES = {"name": "particle-transformer", "width": 4, "heads": 1, "blocks": 1, "pair_width": 2}


def write_jets(path: Path, sizes: dict[str, int] = SIZES) -> Path:
    """Write samples of random jets."""
    dataset = {"kind": "jets", "source": {"simulation": {"jets_per_class": 100, "max_constituents": 7}}}
    with Writer.create(path, "jets", spec=dataset, units={}) as writer:
        for number, (split, n) in enumerate(sizes.items()):
            writer.append(split, make_block(random_jets(number, n, 7), first=1000 * number))
    return path


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Path:
    """Return a folder with samples, images, and networks of both, trained for a moment."""
    folder = tmp_path_factory.mktemp("chain")
    samples = write_jets(folder / "samples.h5")
    write_jet_images(samples, folder / "images.h5", JetImage.model_validate(IMAGE))
    for name, inputs, model in (
        ("image", "images.h5", {"name": "dense", "hidden": [4]}),
        ("particle", "samples.h5", PARTICLES),
    ):
        representation = {"representation": "samples"} if name == "particle" else {}
        spec = specification({"epochs": 1}) | {"model": model} | representation
        experiment = Experiment.model_validate(spec)
        write_model(folder / inputs, folder / name / "model.safetensors", experiment, 1)
        write_predictions(folder / name / "model.safetensors", folder / name / "p.h5", {"toys": folder / inputs})
    return folder


def read_table(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a table of scores."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return {name: table.column(name).to_numpy() for name in table.column_names}
    with h5py.File(path) as handle:
        return {name: values[:] for name, values in handle["scores"].items()}


@pytest.mark.parametrize("name", ["image", "particle"])
@pytest.mark.parametrize("ending", [".csv", ".parquet", ".h5"])
def test_scores_of_samples_are_the_predictions(chain, tmp_path, name, ending):
    out = tmp_path / f"scores{ending}"
    n = write_scores(chain / name / "model.safetensors", chain / "samples.h5", out, split="test")
    columns = read_table(out)
    predicted = read_block(chain / name / "p.h5", "toys").entries
    assert n == len(predicted["event"]) == SIZES["test"]
    np.testing.assert_array_equal(columns["event"], predicted["event"])
    np.testing.assert_array_equal(columns["jet"], np.arange(n))
    np.testing.assert_allclose(columns["probability_1"], predicted["probability"][:, 1], rtol=1e-6)
    np.testing.assert_allclose(columns["probability_0"], predicted["probability"][:, 0], rtol=1e-6)
    np.testing.assert_array_equal(columns["score"], columns["probability_1"])
    assert list(columns) == sorted(columns, key=list(columns).index)
    assert set(columns) == {"event", "jet", "probability_0", "probability_1", "score"}


def test_images_are_scored_as_they_are(chain, tmp_path):
    for file in ("samples.h5", "images.h5"):
        write_scores(chain / "image/model.safetensors", chain / file, tmp_path / f"{file}.csv")
    assert (tmp_path / "samples.h5.csv").read_bytes() == (tmp_path / "images.h5.csv").read_bytes()
    assert len(read_table(tmp_path / "images.h5.csv")["event"]) == sum(SIZES.values())


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("network", ["image", "particle"])
def test_every_format_that_is_read_can_be_scored(chain, tmp_path, name, network):
    path, source = write_example(name, tmp_path / "jets.any")
    n = write_scores(chain / network / "model.safetensors", path, tmp_path / "s.h5", JetSource.model_validate(source))
    columns = read_table(tmp_path / "s.h5")
    assert n == len(columns["score"]) >= 2
    assert np.all((columns["score"] > 0) & (columns["score"] < 1))
    if not name.endswith(("nanoaod", "delphes")):  # which have several jets in an event
        np.testing.assert_array_equal(columns["event"], np.arange(6))


@pytest.mark.parametrize("network", ["image", "particle"])
def test_scores_do_not_depend_on_the_labels_nor_on_their_presence(chain, tmp_path, network):
    model, scores = chain / network / "model.safetensors", {}
    for name, change in {"there": {}, "none": {"label": None}, "odd": {"label": np.full(6, 7)}}.items():
        file = write_npz(tmp_path / f"{name}.npz", toy_block(), **change)
        write_scores(model, file, tmp_path / f"{name}.csv", JetSource(files=[str(file)], format="npz"))
        scores[name] = (tmp_path / f"{name}.csv").read_bytes()
    assert scores["there"] == scores["none"] == scores["odd"]


def test_jets_that_seem_to_be_in_another_unit_are_named(chain, tmp_path):
    file = write_npz(tmp_path / "jets.npz", toy_block(), constituents=toy_block().flat["constituents"] * 300)
    lines = []
    source = JetSource(files=[str(file)], format="npz")
    write_scores(chain / "image/model.safetensors", file, tmp_path / "s.csv", source, log=lines.append)
    assert lines[-1].startswith(f"{file}: the median pT is ")
    assert "`unit: MeV`" in lines[-1]


def test_jets_are_sorted_and_selected_as_for_a_training(chain, tmp_path):
    jets = [[(300, 0, 0), (200, 0.1, 0)], [(10, 0, 0), (20, 0.2, 0.1)], [(100, 0, 0), (300, 0.1, 0), (90, 0, 0.3)]]
    backwards = make_block([jet[::-1] for jet in jets])
    scores = {}
    for name, block in {"sorted": make_block([sorted(jet, reverse=True) for jet in jets]), "mixed": backwards}.items():
        file = write_npz(tmp_path / f"{name}.npz", block, label=None)
        source = JetSource.model_validate({"files": [str(file)], "format": "npz", "select": {"pt": [100, 1000]}})
        lines = []
        write_scores(chain / "image/model.safetensors", file, tmp_path / "s.csv", source, log=lines.append)
        scores[name] = read_table(tmp_path / "s.csv")
        assert lines[-1] == "left out: 1 jets: outside of `select`"
    assert scores["sorted"]["event"].tolist() == [0, 2]
    assert scores["sorted"]["jet"].tolist() == [0, 1]
    np.testing.assert_array_equal(scores["sorted"]["score"], scores["mixed"]["score"])


def test_blocks_do_not_matter(chain, tmp_path, monkeypatch):
    write_scores(chain / "image/model.safetensors", chain / "samples.h5", tmp_path / "whole.h5")
    monkeypatch.setattr(scoring, "_ROWS", 7)
    write_scores(chain / "image/model.safetensors", chain / "samples.h5", tmp_path / "parts.h5")
    whole, parts = read_table(tmp_path / "whole.h5"), read_table(tmp_path / "parts.h5")
    np.testing.assert_array_equal(whole["jet"], parts["jet"])
    np.testing.assert_array_equal(whole["event"], parts["event"])
    np.testing.assert_allclose(whole["score"], parts["score"], rtol=1e-6)


@pytest.mark.parametrize(
    ("task", "write", "columns"),
    [
        ("localisation", write_pulses, {"bin", "probability", "mean_bin"}),
        ("reconstruction", write_spectra, {"latent_0", "latent_1"}),
        ("variational", write_spectra, {"latent_0", "latent_1", "latent_sigma_0", "latent_sigma_1"}),
    ],
)
def test_networks_of_other_tasks_say_what_they_can(tmp_path, task, write, columns):
    file, model = write(tmp_path / "samples.h5"), tmp_path / "model.safetensors"
    normalise = {"normalise": "residual"} if task != "localisation" else {}
    write_model(file, model, task_experiment(task, {"epochs": 1, **normalise}), 1)
    write_scores(model, file, tmp_path / "s.parquet", split="test")
    write_predictions(model, tmp_path / "p.h5", {"toys": file})
    found, predicted = read_table(tmp_path / "s.parquet"), read_block(tmp_path / "p.h5", "toys").entries
    assert set(found) == {"event", "jet"} | columns
    if task == "localisation":
        np.testing.assert_array_equal(found["bin"], predicted["probability"].argmax(axis=1))
        np.testing.assert_allclose(found["probability"], predicted["probability"].max(axis=1))
        assert np.all((found["mean_bin"] > 0) & (found["mean_bin"] < 15))
    else:
        np.testing.assert_array_equal(found["latent_1"], predicted["latent"][:, 1])


def test_a_network_that_makes_entries_up_scores_nothing(tmp_path):
    file, model = write_spectra(tmp_path / "samples.h5"), tmp_path / "model.safetensors"
    write_model(file, model, task_experiment("adversarial", {"epochs": 1, "normalise": "residual"}), 1)
    with pytest.raises(UserError) as error:
        write_scores(model, file, tmp_path / "s.csv")
    assert_one_line(error, model, "adversarial")


@pytest.mark.parametrize(
    ("file", "fragments"),
    [
        ("images", ["made with", "trained on"]),
        ("pulses", ["made with", "pulses", "trained on"]),
        ("empty", ["nothing to score"]),
        ("damaged", ["event 1", "E is"]),
    ],
)
def test_what_the_network_cannot_read_is_refused_and_nothing_is_left(chain, tmp_path, file, fragments):
    source, path = None, tmp_path / "new.h5"
    if file == "images":
        write_images(path)
    elif file == "pulses":
        write_pulses(path)
    elif file == "empty":
        write_jets(path, {"test": 0})
    else:
        block = toy_block()
        momenta = block.flat["constituents"].copy()
        momenta[block.offsets[1], 0] = 1e-3
        damaged = Block(block.entries, block.offsets, {"constituents": momenta})
        path = write_npz(tmp_path / "new.npz", damaged)
        source = JetSource(files=[str(path)], format="npz")
    with pytest.raises(UserError) as error:
        write_scores(chain / "image/model.safetensors", path, tmp_path / "scores.csv", source)
    assert_one_line(error, path, *fragments)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_split_without_entries_is_refused_with_those_that_have_some(chain, tmp_path):
    file = write_jets(tmp_path / "s.h5", {"test": 3})
    with pytest.raises(UserError) as error:
        write_scores(chain / "image/model.safetensors", file, tmp_path / "o.csv", split="val")
    assert_one_line(error, file, "'val'", "test (3)")


def test_the_format_and_the_number_of_constituents_follow_from_what_is_known(chain, tmp_path):
    model, own = chain / "image/model.safetensors", chain / "samples.h5"
    for name in ("a.parquet", "a.npz", "a.root"):
        (tmp_path / name).write_bytes(b"x")
    with h5py.File(tmp_path / "a.h5", "w"):
        pass
    assert source_of(model, own, {}) is None
    formats = {name: source_of(model, tmp_path / name, {})["format"] for name in ("a.parquet", "a.npz", "a.h5")}
    assert formats == {"a.parquet": "parquet", "a.npz": "npz", "a.h5": "top-tagging"}
    given = source_of(model, tmp_path / "a.root", {"format": "tree", "unit": "MeV"})
    assert given | {"files": None} == {"format": "tree", "unit": "MeV", "max_constituents": None, "files": None} or (
        given["max_constituents"] is not None
    )
    with pytest.raises(UserError) as error:
        source_of(model, tmp_path / "a.root", {})
    assert_one_line(error, "a.root", "--format", "nanoaod", "tree")


def test_only_the_constituents_that_the_training_saw_are_kept(chain, tmp_path):
    many = make_block([[(100 - i, 0.01 * i, 0.02 * i) for i in range(20)]])
    few = make_block([[(100 - i, 0.01 * i, 0.02 * i) for i in range(7)]])
    scores = []
    for block in (many, few):
        file = write_npz(tmp_path / "jets.npz", block, label=None)
        assert main(["score", str(chain / "particle/model.safetensors"), str(file), str(tmp_path / "s.csv")]) == 0
        scores.append((tmp_path / "s.csv").read_bytes())
    assert scores[0] == scores[1]


def score(*arguments: object) -> int:
    return main(["score", *map(str, arguments)])


def test_the_command_scores_a_file_of_jets_alone(chain, tmp_path, capsys):
    columns = list_columns(toy_block())
    columns.pop("label")
    file = write_parquet(tmp_path / "new.parquet", columns)
    assert score(chain / "image/model.safetensors", file, tmp_path / "s.csv") == 0
    assert "6 entries" in capsys.readouterr().err
    assert len(read_table(tmp_path / "s.csv")["score"]) == 6


def test_the_command_takes_names_and_units_from_a_spec(chain, tmp_path):
    renamed = {f"c_{name}": values for name, values in list_columns(toy_block()).items()}
    file = write_parquet(tmp_path / "new.parquet", renamed)
    plain = write_parquet(tmp_path / "plain.parquet", list_columns(toy_block()))
    spec = {"format": "parquet", "fields": {name: f"c_{name}" for name in ("E", "px", "py", "pz")}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    model = chain / "image/model.safetensors"
    assert score(model, file, tmp_path / "a.csv", "--spec", json.dumps(spec)) == 0
    assert score(model, file, tmp_path / "b.csv", "--spec", f"@{tmp_path / 'spec.json'}", "--format", "parquet") == 0
    assert score(model, plain, tmp_path / "c.csv") == 0
    assert len({(tmp_path / f"{name}.csv").read_bytes() for name in "abc"}) == 1


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["new.root", "s.csv"], "--format"),
        (["new.npz", "s.txt"], ".parquet"),
        (["new.npz", "s.csv", "--spec", "[]"], "expected an object"),
        (["new.npz", "s.csv", "--spec", '{"formt": "npz"}'], "did you mean 'format'?"),
        (["new.npz", "s.csv", "--spec", '{"format": "npz"}', "--format", "tree"], "leave one of them out"),
        (["new.npz", "s.csv", "--split", "test"], "--split test"),
        (["new.root", "s.csv", "--format", "delphes"], "select.pt"),
        (["new.npz", "s.csv", "--format", "numpy"], "'numpy'"),
        (["none.npz", "s.csv"], "no such file"),
    ],
)
def test_mistakes_of_the_command_are_one_line(chain, tmp_path, capsys, monkeypatch, arguments, fragment):
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "new.npz", toy_block())
    (tmp_path / "new.root").write_bytes(b"root")
    assert score(chain / "image/model.safetensors", *arguments) == 1
    err = capsys.readouterr().err.splitlines()
    assert fragment in err[-1]
    assert "Traceback" not in "".join(err)
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".h5"])
def test_a_table_that_fails_half_way_is_not_left(tmp_path, ending):
    def fail() -> None:
        with open_table(tmp_path / f"t{ending}", {}) as append:
            append({"a": np.arange(3)})
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []
