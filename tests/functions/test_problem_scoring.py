"""What trained networks of small problems say of new entries: samples, csv files, pictures of digits."""

import csv
import gzip
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from jetpulse.cli import main
from jetpulse.errors import UserError
from jetpulse.problems import tables
from jetpulse.samples import read_block
from jetpulse.training import scoring
from jetpulse.training.files import write_model
from jetpulse.training.scoring import write_scores
from jetpulse.training.trained import write_predictions
from toy_jets import assert_one_line, edited
from toy_problems import problem_experiment, write_digits, write_problem
from toys import SIZES, read_rows, reseal, write_pulses, write_spectra

NAMES = ("x", "y", "mass")
DIGITS = load_digits()


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Path:
    """Return a folder with samples and networks: of two and three classes, of numbers, of one column, of digits."""
    folder = tmp_path_factory.mktemp("problems")
    write_problem(folder / "two.h5", classes=2, names=NAMES)
    write_problem(folder / "three.h5", classes=3, names=NAMES)
    write_problem(folder / "number.h5", names=NAMES)
    whole = write_problem(folder / "mass.h5", classes=2, names=NAMES)
    with edited(whole) as handle:  # as `build-columns` does it
        handle.attrs.update({"kind": "problem-columns", "columns": "mass, x", "shape": [2]})
        for split in handle:
            features = handle[split]["features"][:][:, [2, 0]]
            del handle[split]["features"]
            handle[split]["features"] = features
    parts = {"train": slice(0, 1300), "val": slice(1300, 1500), "test": slice(1500, None)}
    write_digits(folder / "digits.h5", DIGITS.images / 16, DIGITS.target, parts)
    for name in ("two", "three", "number", "mass", "digits"):
        task = "regression" if name == "number" else "classification"
        settings = {"normalise": "none" if name == "digits" else "columns", "epochs": 20, "learning_rate": 0.02}
        spec = problem_experiment(task, settings, name="dense", hidden=[32] if name == "digits" else [4])
        write_model(folder / f"{name}.h5", folder / name / "model.safetensors", spec, 1)
        write_predictions(folder / name / "model.safetensors", folder / name / "p.h5", {"toys": folder / f"{name}.h5"})
    return folder


def model(chain: Path, name: str) -> Path:
    return chain / name / "model.safetensors"


def table(path: Path) -> dict[str, np.ndarray]:
    rows = read_rows(path)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def write_csv(path: Path, columns: dict[str, np.ndarray]) -> Path:
    with path.open("w", newline="") if path.suffix != ".gz" else gzip.open(path, "wt", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(zip(*(np.asarray(values).tolist() for values in columns.values()), strict=True))
    return path


def test_scores_of_samples_are_the_predictions(chain, tmp_path):
    for name, first in (("two", "probability_red"), ("three", "probability_blue"), ("number", "prediction")):
        n = write_scores(model(chain, name), chain / f"{name}.h5", tmp_path / "s.csv", split="test")
        found, predicted = table(tmp_path / "s.csv"), read_block(chain / name / "p.h5", "toys").entries
        assert n == len(found["event"]) == SIZES["test"]
        np.testing.assert_array_equal(found["event"], predicted["event"])
        np.testing.assert_array_equal(found["entry"], np.arange(n))
        assert first in found
        if name == "number":
            np.testing.assert_allclose(found["prediction"], predicted["prediction"], rtol=1e-12)
            assert list(found) == ["event", "entry", "prediction"]
            continue
        best = predicted["probability"].argmax(axis=1)
        np.testing.assert_array_equal(found["class"], best)
        for k, colour in enumerate(("red", "green", "blue")[: predicted["probability"].shape[1]]):
            np.testing.assert_allclose(found[f"probability_{colour}"], predicted["probability"][:, k], rtol=1e-6)
        assert ("score" in found) == (name == "two")
    assert len(table(tmp_path / "s.csv")) == 3


def test_classes_have_the_codes_of_the_users_files(chain, tmp_path):
    shutil.copytree(chain / "two", tmp_path / "two")
    reseal(tmp_path / "two" / "model.safetensors", classes=["3", "7"])
    with h5py.File(chain / "two.h5") as handle:
        csv_file = write_csv(tmp_path / "n.csv", dict(zip(NAMES, handle["test/features"][:].T, strict=True)))
    write_scores(model(tmp_path, "two"), csv_file, tmp_path / "s.csv")
    found = table(tmp_path / "s.csv")
    np.testing.assert_array_equal(found["class"], np.where(found["probability_7"] > found["probability_3"], 7, 3))
    assert set(found["class"]) == {3, 7}


@pytest.mark.parametrize("ending", [".parquet", ".h5"])
def test_other_tables_hold_the_same(chain, tmp_path, ending):
    write_scores(model(chain, "two"), chain / "two.h5", tmp_path / "s.csv")
    write_scores(model(chain, "two"), chain / "two.h5", tmp_path / f"s{ending}")
    expected = table(tmp_path / "s.csv")
    if ending == ".parquet":
        read = pq.read_table(tmp_path / "s.parquet")
        found = {name: read.column(name).to_numpy() for name in read.column_names}
    else:
        with h5py.File(tmp_path / "s.h5") as handle:
            found = {name: values[:] for name, values in handle["scores"].items()}
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".CSV"])
def test_columns_of_a_csv_are_found_by_their_names(chain, tmp_path, ending):
    entries = read_block(chain / "two.h5", "test").entries
    columns = dict(zip(NAMES, entries["features"].T, strict=True))
    text = {"remark": np.array([f"house, {i}" for i in range(SIZES["test"])])}
    shuffled = text | {name: columns[name] for name in ("mass", "y", "x")}
    if ending == ".CSV":
        plain = write_csv(tmp_path / "plain.csv", shuffled)
        new = plain.rename(tmp_path / "new.CSV")
    else:
        new = write_csv(tmp_path / f"new{ending}", shuffled)
    for name in ("two", "mass", "number"):
        samples = chain / ("number.h5" if name == "number" else "two.h5")
        write_scores(model(chain, name), new, tmp_path / "s.csv")
        found = table(tmp_path / "s.csv")
        np.testing.assert_array_equal(found["event"], np.arange(SIZES["test"]))
        if samples.stem == "two":
            write_scores(model(chain, name), samples, tmp_path / "own.csv", split="test")
            own = table(tmp_path / "own.csv")
            for column in set(own) - {"event"}:
                np.testing.assert_allclose(found[column], own[column], rtol=1e-5)
    predicted = read_block(chain / "mass" / "p.h5", "toys").entries["probability"]
    write_scores(model(chain, "mass"), chain / "two.h5", tmp_path / "own.csv", split="test")
    np.testing.assert_allclose(table(tmp_path / "own.csv")["probability_green"], predicted[:, 1], rtol=1e-6)


def test_blocks_do_not_matter(chain, tmp_path, monkeypatch):
    new = write_csv(tmp_path / "new.csv", {name: np.arange(23) / 7 for name in NAMES})
    write_scores(model(chain, "three"), new, tmp_path / "whole.csv")
    monkeypatch.setattr(tables, "_PIECE", 100)
    write_scores(model(chain, "three"), new, tmp_path / "parts.csv")
    whole, parts = table(tmp_path / "whole.csv"), table(tmp_path / "parts.csv")
    np.testing.assert_array_equal(whole["event"], np.arange(23))
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("", ["the file is empty"]),
        ("x,y,mass\n", ["no rows"]),
        ("x,y,mas\n1,2,3\n", ["no column 'mass'", "did you mean 'mas'?", "x, y, mas"]),
        ("x;y;mass\n1;2;3\n", ["must be separated by commas"]),
        ("x,y,y,mass\n1,2,3,4\n", ["column name 'y'", "given twice"]),
        ("x,y,mass\n1,2,3\n1,two,3\n", ["line 3: y is 'two', expected a finite number"]),
        ("x,y,mass\n1,,3\n", ["line 2: y is missing"]),
        ("x,y,mass\n1,2\n", ["line 2: 2 values, expected 3"]),
        ("x,y,mass\n1,inf,3\n", ["line 2: y is 'inf'"]),
        ("x,y,mass\n1,1e50,3\n", ["line 2: y is '1e50'"]),
        ("x,y,mass\n1,2,3\n1,2,3,4\n", ["line 3: 4 values, expected 3"]),
    ],
)
def test_a_csv_that_cannot_be_scored_is_refused_and_nothing_is_left(chain, tmp_path, text, fragments):
    new = tmp_path / "new.csv"
    new.write_text(text)
    with pytest.raises(UserError) as error:
        write_scores(model(chain, "two"), new, tmp_path / "s.csv")
    assert_one_line(error, new, *fragments)
    assert [item.name for item in tmp_path.iterdir()] == ["new.csv"]


def test_bytes_that_are_no_csv_are_refused(chain, tmp_path):
    for name, content in (("a.csv", b"\xff\xfe\x00"), ("a.csv.gz", b"no archive"), ("b.csv", b"x,y,mass\n\xff,1,2\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as error:
            write_scores(model(chain, "two"), tmp_path / name, tmp_path / "s.csv")
        assert_one_line(error, tmp_path / name)
        assert not (tmp_path / "s.csv").exists()


def save_digit(path: Path, digit: np.ndarray) -> Path:
    Image.fromarray(np.uint8(np.round(255 * (1 - digit)))).resize((120, 120), Image.Resampling.NEAREST).save(path)
    return path


def test_pictures_of_digits_are_recognised(chain, tmp_path):
    folder = tmp_path / "drawn"
    folder.mkdir()
    digits, labels = DIGITS.images[1500:1560] / 16, DIGITS.target[1500:1560]
    for number, digit in enumerate(digits):
        save_digit(folder / f"{number:03d}.png", digit)
    (folder / "remark.txt").write_text("no picture")
    lines: list[str] = []
    assert write_scores(model(chain, "digits"), folder, tmp_path / "s.csv", log=lines.append) == 60
    found = table(tmp_path / "s.csv")
    known = read_block(chain / "digits" / "p.h5", "toys").entries["probability"][:60].argmax(axis=1)
    assert np.mean(known == labels) > 0.85  # what the network makes of the samples themselves
    assert np.mean(found["class"] == labels) > 0.8
    assert np.mean(found["class"] == known) > 0.9
    probabilities = np.stack([found[f"probability_{k}"] for k in range(10)], axis=1)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), found["class"])
    told = [line for line in lines if line.startswith("007.png")]
    assert told == [f"007.png: {int(found['class'][7])} (probability {probabilities[7].max():.4f})"]


def test_many_pictures_come_in_blocks(chain, tmp_path, monkeypatch):
    for number in range(5):
        save_digit(tmp_path / f"{number}.png", DIGITS.images[1500 + number] / 16)
    lines: list[str] = []
    write_scores(model(chain, "digits"), tmp_path, tmp_path / "whole.csv", log=lines.append)
    monkeypatch.setattr(scoring, "_ROWS", 2)
    write_scores(model(chain, "digits"), tmp_path, tmp_path / "parts.csv", log=lines.append)
    whole, parts = table(tmp_path / "whole.csv"), table(tmp_path / "parts.csv")
    np.testing.assert_array_equal(parts["event"], np.arange(5))
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5)
    told = [line for line in lines if ".png:" in line]
    assert told[:5] == told[5:]
    assert [line[0] for line in told[:5]] == list("01234")


def test_the_command_recognises_one_picture(chain, tmp_path, capsys):
    picture = save_digit(tmp_path / "mine.PNG", DIGITS.images[1500] / 16)
    assert main(["score", str(model(chain, "digits")), str(picture), str(tmp_path / "s.csv")]) == 0
    assert len(read_rows(tmp_path / "s.csv")) == 1
    assert f"mine.PNG: {DIGITS.target[1500]} (probability" in capsys.readouterr().err


def test_pictures_that_cannot_be_read_are_refused_and_nothing_is_left(chain, tmp_path):
    for name, content, words in (
        ("empty", None, "no files that end in .png"),
        ("a.png", b"no picture", "cannot be read as PNG"),
        ("blank.png", np.zeros((9, 9), np.uint8), "blank"),
    ):
        path = tmp_path / name
        if content is None:
            path.mkdir()
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            Image.fromarray(content).save(path)
        with pytest.raises(UserError) as error:
            write_scores(model(chain, "digits"), path, tmp_path / "s.csv")
        assert_one_line(error, path, words)
        assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    ("name", "file", "fragments"),
    [
        ("two", "a.png", ["a picture", "x, y, mass"]),
        ("digits", "a.csv", ["holds columns", "[8, 8]"]),
        ("two", "three-names.h5", ["made with", "trained on"]),
        ("mass", "three-names.h5", ["no column 'mass'", "x, y, z"]),
        ("digits", "two.h5", ["made with", "trained on"]),
        ("two", "pulses.h5", ["made with", "'pulses'"]),
        ("two", "none.csv", ["no such file"]),
        ("two", "none.h5", ["no such file"]),
    ],
)
def test_what_the_network_does_not_know_is_refused(chain, tmp_path, name, file, fragments):
    write_csv(tmp_path / "a.csv", {"x": np.zeros(1)})
    save_digit(tmp_path / "a.png", DIGITS.images[0] / 16)
    write_problem(tmp_path / "three-names.h5", classes=2, names=("x", "y", "z"))
    write_problem(tmp_path / "two.h5", classes=2)
    write_pulses(tmp_path / "pulses.h5")
    with pytest.raises(UserError) as error:
        write_scores(model(chain, name), tmp_path / file, tmp_path / "s.csv")
    assert_one_line(error, tmp_path / file, *fragments)
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["a.csv", "s.csv", "--format", "npz"], "--format and --spec are about jets"),
        (["a.csv", "s.csv", "--spec", '{"unit": "MeV"}'], "are about jets"),
        (["a.csv", "s.csv", "--split", "test"], "--split test"),
        (["two.h5", "s.csv", "--split", "val"], "split 'val' has no entries"),
        (["two.h5", "s.txt"], "must end in one of"),
    ],
)
def test_mistakes_of_the_command_are_one_line(chain, tmp_path, capsys, monkeypatch, arguments, fragment):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", {name: np.zeros(2) for name in NAMES})
    write_problem(tmp_path / "two.h5", classes=2, names=NAMES, sizes={"test": 3})
    assert main(["score", str(model(chain, "two")), *arguments]) == 1
    err = capsys.readouterr().err
    assert fragment in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "s.csv").exists()


def test_other_networks_do_not_read_csv(tmp_path):
    from toys import task_experiment

    samples = write_spectra(tmp_path / "s.h5")
    write_model(
        samples,
        tmp_path / "model.safetensors",
        task_experiment("reconstruction", {"epochs": 1, "normalise": "residual"}),
        1,
    )
    write_csv(tmp_path / "a.csv", {"x": np.zeros(1)})
    assert main(["score", str(tmp_path / "model.safetensors"), str(tmp_path / "a.csv"), str(tmp_path / "o.csv")]) == 1
    assert not (tmp_path / "o.csv").exists()
