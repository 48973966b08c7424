"""Figures and tables of samples of jets, on ordinary and on degenerate samples."""

import json
from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.figures import validation_files
from jetpulse.figures.validation import agreement, kinematics, poisson_interval
from jetpulse.figures.validation_files import write_agreement, write_validation
from jetpulse.figures.validation_tables import validation_tables
from jetpulse.jets.distributions import Binned
from jetpulse.jets.validation import describe_survey
from jetpulse.samples import Block, Writer
from test_figures_files import Table
from toy_jets import make_block, random_jets

ONE = [[(10.0, 1.0, 0.5), (5.0, 1.1, 0.4)]]
SAMPLES = {
    "many": make_block(random_jets(1, 300)),
    "none": make_block([]),
    "one": make_block(ONE, [1]),
    "one of each": make_block(ONE * 2, [0, 1]),
    "equal": make_block(ONE * 6),
    "one class": make_block(random_jets(2, 50), [0] * 50),
}


def write(path: Path, **splits: Block) -> Path:
    with Writer.create(path, "jets", spec={}, units={}) as writer:
        for split, block in splits.items():
            writer.append(split, block)
    return path


def validate(folder: Path, samples: Path) -> dict[str, Path]:
    outputs = {name: folder / name for name in ("v.json", "k.svg", "v.html")}
    write_validation(samples, "a<b", *outputs.values())
    return outputs


@pytest.mark.parametrize("name", SAMPLES)
def test_any_sample_is_validated(name, tmp_path):
    outputs = validate(tmp_path, write(tmp_path / "s.h5", test=SAMPLES[name]))
    described = json.loads(outputs["v.json"].read_text())
    assert sum(described["jets"]["test"].values()) == len(SAMPLES[name])
    assert "number of constituents" in outputs["k.svg"].read_text()
    text = outputs["v.html"].read_text(encoding="utf-8")
    assert "a&lt;b" in text
    assert "nan" not in text.replace("a&lt;b", "")
    assert "None" not in text


def test_the_same_sample_has_the_same_bytes(tmp_path):
    path = write(tmp_path / "s.h5", test=SAMPLES["many"])
    first = {name: file.read_bytes() for name, file in validate(tmp_path / "a", path).items()}
    assert first == {name: file.read_bytes() for name, file in validate(tmp_path / "b", path).items()}


def test_the_tables_of_a_sample_by_hand(tmp_path):
    same = make_block([*ONE, *ONE, *random_jets(3, 1)], [1, 0, 0])
    survey = validation_files.survey_jets(write(tmp_path / "s.h5", train=same, test=make_block(ONE, [0])))
    table = Table("".join(validation_tables(describe_survey(survey), "toys")))
    assert table.rows[1:5] == [
        ["train", "1", "2", "0.333"],
        ["val", "0", "0", "none"],
        ["test", "0", "1", "0.000"],
        ["all", "1", "3", "0.250"],
    ]
    rows = {(row[0], row[1]): row for row in table.rows}
    assert rows["number of constituents", "top"][2:] == ["2.0", *["2.0"] * 9, ""]
    assert ["jets that equal another of their split", "1"] in table.rows
    assert ["jets that equal one of another split", "1"] in table.rows
    assert ["share of top among 1,000 consecutive jets", "fewer jets"] in table.rows


PAIRS = [("many", "many"), ("many", "none"), ("many", "one class"), ("none", "none"), ("one", "equal")]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_any_two_samples_are_compared(first, second, tmp_path):
    samples = {name: write(tmp_path / f"{name}.h5", test=SAMPLES[name]) for name in {first, second}}
    paths = {"a": samples[first], "b": samples[second]}
    rows = write_agreement(paths, tmp_path / "a.svg", tmp_path / "a.html")
    assert len(rows) == 6
    table = Table((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert table.rows[0] == ["quantity", "class", "a", "b", "ratio", "allowed", "within"]
    assert {row[-1] for row in table.rows[1:]} <= {"yes", "no", "not defined", "shared jets"}
    if first == second == "many":
        assert {float(row[4].split(" ")[0]) for row in table.rows[1:]} == {1.0}
        assert [row[5:] for row in table.rows[1:4]] == [[f"{n} %", "shared jets"] for n in (5, 5, 7)]
        assert "jets are in both samples" in (tmp_path / "a.html").read_text(encoding="utf-8")
    if "none" in (first, second):
        assert {row[-1] for row in table.rows[1:]} == {"not defined"}


def test_samples_that_differ_are_told(tmp_path):
    wide = make_block(random_jets(1, 400, most=60))
    paths = {
        "narrow": write(tmp_path / "n.h5", test=make_block(random_jets(2, 400, most=20))),
        "wide": write(tmp_path / "w.h5", test=wide),
    }
    write_agreement(paths, tmp_path / "a.svg", tmp_path / "a.html")
    table = Table((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert table.rows[1][:2] == ["mean number of constituents", "top"]
    assert table.rows[1][-1] == "no"
    text = (tmp_path / "a.svg").read_text()
    assert all(name in text for name in ("narrow", "wide", "jet mass"))


def test_poisson_intervals_are_those_of_the_tables():
    low, high = poisson_interval(np.array([0, 1, 3, 100]))
    # Particle Data Group, review of statistics, 68.27 %: 0 to 1.84, 0.17 to 3.30, 1.37 to 5.92.
    np.testing.assert_allclose(low, [0, 0.173, 1.367, 90.02], atol=6e-3)
    np.testing.assert_allclose(high, [1.841, 3.300, 5.918, 111.03], atol=6e-3)


def binned(*counts: int, entries: int | None = None) -> Binned:
    return Binned(np.arange(len(counts) + 1.0), np.array(counts), sum(counts) if entries is None else entries)


def test_densities_are_normalised_to_all_entries():
    figure = kinematics({"pt": {1: binned(2, 6, entries=10), 0: binned(0, 0)}}, {})
    (line,) = [patch for patch in figure.axes[0].patches if not patch.get_fill()]
    assert line.get_data().values.tolist() == pytest.approx([0.2, 0.6])


def test_constituents_are_counted_per_jet_and_decade():
    spectrum = Binned(np.array([1.0, 10.0, 1000.0]), np.array([30, 40]), 70)
    axis = kinematics({}, {1: (spectrum, 10)}).axes[0]
    (line,) = [patch for patch in axis.patches if not patch.get_fill()]
    assert line.get_data().values.tolist() == pytest.approx([3.0, 2.0])


def test_points_and_ratio_of_an_agreement_by_hand():
    first, second = {"pt": {1: binned(4, 12, 0, 4)}}, {"pt": {1: binned(5, 3, 2, 0)}}
    upper, lower = agreement(first, second, ("a", "b")).axes
    np.testing.assert_allclose(upper.lines[0].get_xydata(), [[0.5, 0.5], [1.5, 0.3], [2.5, 0.2]])
    # 5/10 over 4/20, and 3/10 over 12/20; where one of them has no entries there is no ratio.
    points = next(line for line in lower.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xydata(), [[0.5, 2.5], [1.5, 0.5]])
    # The first lies beyond the axis and is marked at its end.
    marks = next(line for line in lower.lines if line.get_marker() == "^")
    assert marks.get_xydata().tolist() == [[0.5, 1.5]]


def test_the_command_refuses_one_sample_given_twice(tmp_path, capsys):
    path = write(tmp_path / "s.h5", test=SAMPLES["one"])
    outputs = ["--figure", str(tmp_path / "a.svg"), "--table", str(tmp_path / "a.html")]
    assert main(["plot-jet-agreement", "--samples", f"a={path}", f"a={path}", *outputs]) == 1
    assert "'a' is given twice" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["s.h5"]


def test_the_commands_do_what_they_say(tmp_path, capsys):
    path = write(tmp_path / "s.h5", test=SAMPLES["many"])
    outputs = [f"{tmp_path}/{name}" for name in ("v.json", "k.svg", "v.html")]
    options = ["--report", outputs[0], "--figure", outputs[1], "--table", outputs[2]]
    assert main(["validate-jets", str(path), "--dataset", "toys", *options]) == 0
    assert "300 jets, 0 equal another of their split" in capsys.readouterr().err
    outputs = ["--figure", f"{tmp_path}/a.svg", "--table", f"{tmp_path}/a.html"]
    assert main(["plot-jet-agreement", "--samples", f"a={path}", f"b={path}", *outputs]) == 0
    assert "mean multiplicity: ratio 1.0000" in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "a.svg", "k.svg", "s.h5", "v.html", "v.json"]


def test_the_public_sample_is_what_is_known_of_it(tmp_path, real_data):
    spec = {"kind": "jets", "source": {"files": {"test": f"{real_data}/top_landscape_test_first1000.h5"}}}
    assert main(["build-jet-samples", str(tmp_path / "s.h5"), "--spec", json.dumps(spec)]) == 0
    described = json.loads(validate(tmp_path, tmp_path / "s.h5")["v.json"].read_text())
    assert sum(described["jets"]["test"].values()) == 1000
    for kind, number, mass in (("top", 54.2, 174.0), ("QCD", 43.4, 80.8)):
        found = described["classes"][kind]
        # As computed from the file by itself; the window of the sample is 550 to 650 GeV.
        assert found["multiplicity"]["mean"] == pytest.approx(number, abs=0.05)
        assert found["mass"]["median"] == pytest.approx(mass, abs=0.1)
        assert found["pt"]["min"] > 549
        assert found["pt"]["max"] < 651
    assert described["duplicates"] == {"within_splits": 0, "between_splits": 0}
    assert described["constituents"]["largest_space_like"] < 1e-3
