"""The config of jets from files: what may be given together, how files are spelt, what is written down."""

import json

import pytest
from pydantic import ValidationError

from jetpulse.cli import main
from jetpulse.config import JetDataset, parse_config
from jetpulse.config.load import explain
from jetpulse.errors import UserError


def source(**keys):
    return JetDataset(kind="jets", source=keys).source


def mistakes(**keys) -> str:
    with pytest.raises(ValidationError) as error:
        JetDataset(kind="jets", source=keys)
    (line,) = [explain(item, JetDataset) for item in error.value.errors()]
    return line


def test_files_are_spelt_as_one_likes():
    one = source(files="a.h5")
    assert one == source(files=["a.h5"]) == source(files={"deal": [{"path": "a.h5"}]})
    assert one.paths() == ["a.h5"]
    several = source(files={"test": ["b.h5", {"path": "c.h5", "label": 1}], "train": "a.h5"})
    assert several.paths() == ["a.h5", "b.h5", "c.h5"]
    assert [file.label for file in several.files.test] == [None, 1]


def test_which_splits_have_entries():
    listed = JetDataset(kind="jets", source={"files": ["a"]}, split={"train": 0.5, "val": 0.0, "test": 0.5})
    named = JetDataset(kind="jets", source={"files": {"test": "a"}})
    assert [listed.has(split) for split in ("train", "val", "test")] == [True, False, True]
    assert [named.has(split) for split in ("train", "val", "test")] == [False, False, True]


def test_a_simulation_is_written_down_without_what_is_about_files():
    written = JetDataset(kind="jets", source={"simulation": {"jets_per_class": 1}}).model_dump()["source"]
    assert set(written) == {"simulation", "files", "format"}


@pytest.mark.parametrize(
    "keys",
    [
        {"simulation": {"jets_per_class": 1}},
        {"files": ["a"]},
        {"files": {"test": "a"}, "format": "nanoaod", "radius": 1.0},
        {
            "files": ["a"],
            "format": "tree",
            "label": {"signal": ["x", "y"]},
            "fields": dict.fromkeys(("pt", "eta", "phi"), "a"),
        },
        {"files": ["a"], "format": "delphes", "select": {"pt": [1, 2]}},
        {"download": "top-landscape", "select": {"eta_max": 1.0}},
    ],
)
def test_what_is_written_down_can_be_read_again(keys):
    dataset = JetDataset(kind="jets", source=keys)
    written = json.loads(json.dumps(dataset.model_dump()))
    again = JetDataset.model_validate(written)
    assert again == dataset
    assert again.model_dump() == dataset.model_dump()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"simulation": {"jets_per_class": 1}, "select": {"eta_max": 1.0}}, "select: is about files"),
        ({"files": ["a"], "label": "x"}, "label: not used by format 'top-tagging', only by tree, parquet, jetclass"),
        ({"files": ["a"], "format": "npz", "fields": {"tree": "x"}}, "fields: not used by format 'npz'"),
        ({"files": ["a"], "format": "nanoaod", "event": "run"}, "event: not used by format 'nanoaod'"),
        ({"files": ["a"], "format": "tree", "event": ["run", "run"]}, "names 'run' twice"),
        ({"files": ["a"], "format": "tree", "radius": 0.4}, "radius: not used by format 'tree'"),
        ({"files": ["a"], "format": "delphes"}, "select.pt: format 'delphes' needs it"),
        ({"files": ["a"], "format": "parquet", "fields": {"tree": "x"}}, "fields.tree: a parquet file has no trees"),
        ({"files": ["a"], "format": "tree", "fields": {"E": "a", "px": "b"}}, "are E, px; name all of E, px, py, pz"),
        ({"files": ["a"], "format": "tree", "label": {"background": "x"}}, "needs either name or signal"),
        ({"files": ["a"], "format": "tree", "label": {"name": "x", "background": "y"}}, "goes with signal"),
        (
            {"files": ["a"], "format": "jetclass", "label": ["label_QCD", "label_Hbb", "label_Tbqq"]},
            "{signal: [label_Hbb, label_Tbqq], background: [label_QCD]}",
        ),
        ({"files": ["a"], "format": "tree", "label": ["x", "y"]}, "{signal: [y], background: [x]}"),
        ({"files": ["a"], "format": "tree", "label": {"signal": ["isQCD", "y"]}}, "does not say which is background"),
        ({"files": ["a"], "format": "tree", "label": {"signal": ["x"], "background": ["x", "y"]}}, "'x' is named as"),
        ({"files": []}, "names no file"),
        ({"files": {"deal": ["a"], "test": ["b"]}}, "either dealt by `split` or named"),
        ({"files": [{"path": "a", "label": 2}]}, "2 is not allowed, expected 0 or 1"),
        ({"files": ["a"], "select": {"pt": [2, 1]}}, "lower bound 2 is not below upper bound 1"),
        ({"files": ["a"], "format": "nanoadd"}, "did you mean 'nanoaod'?"),
        ({"files": ["a"], "download": "b"}, "needs exactly one of simulation, files, download"),
    ],
)
def test_mistakes_are_said_in_one_line(keys, words):
    assert words in mistakes(**keys)


def test_mistakes_name_their_key_in_the_config():
    value = {"datasets": {"a": {"kind": "jets", "source": {"files": ["x"], "label": "y"}}}, "experiments": {}}
    with pytest.raises(UserError) as error:
        parse_config(value, "my.yaml")
    assert str(error.value).startswith("my.yaml: datasets.a.source: label: not used")


def test_a_download_is_fetched_before_samples_are_built_by_hand(tmp_path, capsys):
    spec = json.dumps({"kind": "jets", "source": {"download": "top-landscape"}})
    assert main(["build-jet-samples", str(tmp_path / "samples.h5"), "--spec", spec]) == 1
    assert capsys.readouterr().err == (
        "jetpulse build-jet-samples: --spec: source.download: fetch the files first (`jetpulse fetch`) and name them "
        "in `files`\n"
    )
    assert list(tmp_path.iterdir()) == []
