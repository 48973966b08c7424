"""What a config names outside of itself: files, downloads, published results; told before anything runs."""

import json
from pathlib import Path

import pytest

from jetpulse.cli import main
from jetpulse.config import parse_config
from jetpulse.errors import UserError
from jetpulse.fetch.datasets import check_outside
from jetpulse.fetch.references import published_on
from jetpulse.fetch.sources import known_sources, read_sources
from jetpulse.resources import resource

EXPERIMENT = {"representation": "samples", "model": {"name": "particle-flow"}}


def jets(**source: object) -> dict:
    return {"kind": "jets", "source": source}


def config(**datasets: dict) -> dict:
    return {
        "datasets": datasets,
        "representations": {},
        "experiments": {f"on-{name}": {"dataset": name, **EXPERIMENT} for name in datasets},
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOT_SET", raising=False)
    return tmp_path


def test_everything_that_is_missing_has_its_line(folder):
    value = config(
        a=jets(files=["$NOT_SET/x.h5", "none.h5", "."]),
        b=jets(download="top-landscap"),
        c=jets(files=["data/downloads/top-landscape/test.h5"]) | {"references": "top-landscap"},
    )
    with pytest.raises(UserError) as error:
        check_outside(parse_config(value, "c.yaml"), known_sources(), "c.yaml")
    lines = str(error.value).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith(
        "c.yaml: datasets.a.source: '$NOT_SET/x.h5': the environment variable NOT_SET is not set"
    )
    assert lines[1].startswith("c.yaml: datasets.a.source: none.h5: no such file; check the path")
    assert lines[2].startswith("c.yaml: datasets.a.source: .: is a folder, expected a file")
    assert (
        "datasets.c.references: no published results on a sample 'top-landscap'; there are: top-landscape" in lines[3]
    )
    assert "'top-landscap' is not in the table of downloads" in lines[4]


@pytest.mark.parametrize("name", ["a::b c.h5", "it's.h5", '"q".h5', "*.h5", "[ab].h5", "-dash.h5", "ü{{.h5", "a:b.h5"])
def test_names_that_only_look_odd_are_right(folder, name):
    (folder / name).touch()
    check_outside(parse_config(config(a=jets(files=[name])), "c.yaml"), known_sources(), "c.yaml")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x{y}.h5", "x{y}.h5: Snakemake takes braces in a path for its wildcards; rename"),
        ("{dataset}/x.h5", "{dataset}/x.h5: Snakemake takes braces in a path for its wildcards; rename"),
        ("$(x).h5", "'$(x).h5': a `$` begins the name of an environment variable; rename"),
    ],
)
def test_names_that_the_workflow_would_take_for_others_are_refused(folder, name, said):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    with pytest.raises(UserError) as error:
        check_outside(parse_config(config(a=jets(files=[name])), "c.yaml"), known_sources(), "c.yaml")
    assert str(error.value).startswith(f"c.yaml: datasets.a.source: {said}")


def test_a_config_whose_file_is_missing_is_not_free_of_mistakes(folder, capsys):
    (folder / "c.yaml").write_text(json.dumps(config(a=jets(files=["a.h5"]))))
    assert main(["check-config", "c.yaml"]) == 1
    assert capsys.readouterr().err.startswith("jetpulse check-config: c.yaml: datasets.a.source: a.h5: no such file")
    (folder / "a.h5").touch()
    assert main(["check-config", "c.yaml"]) == 0


def test_a_name_in_the_users_table_stands_for_its_rows_alone(folder):
    (folder / "config").mkdir()
    lines = resource("sources.csv").read_text(encoding="utf-8").splitlines()
    own = lines[1].replace("top-landscape,train.h5", "top-landscape,my.h5")
    (folder / "config/sources.csv").write_text(
        "\n".join([lines[0], own, own.replace("top-landscape,", "mine,")]) + "\n"
    )
    keys = list(known_sources())
    assert keys[:2] == ["top-landscape/my.h5", "mine/my.h5"]
    assert keys[2:] == [key for key in read_sources(resource("sources.csv")) if not key.startswith("top-landscape/")]


def test_published_results_of_the_users_table_come_first(folder):
    assert published_on("top-landscape")[0]["tagger"] == "TopoDNN"
    (folder / "config").mkdir()
    (folder / "config/references.csv").write_text("sample,tagger\nmine,A\n")
    assert [row["tagger"] for row in published_on("mine")] == ["A"]
    assert len(published_on("top-landscape")) > 5
