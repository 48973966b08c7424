"""Samples of small problems: layout, splits, files with answers in a column or beside them, choice of columns."""

import json
from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.config import ProblemDataset
from jetpulse.errors import UserError
from jetpulse.problems.decays import CLASSES
from jetpulse.problems.files import write_samples
from jetpulse.problems.houses import UNITS, generate_houses
from jetpulse.problems.points import generate_points
from jetpulse.samples import SPLITS, assign_splits, read_attributes, read_block, shuffle_splits
from test_frames import write_columns_frame, write_frame
from test_problem_readers import write, write_idx
from toy_jets import assert_one_line

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
ONLY_TRAIN = {"train": 1.0, "val": 0.0, "test": 0.0}
TABLE = "a,b,kind\n" + "".join(f"{i},{i / 3},{i % 3}\n" for i in range(60))


def dataset(source: dict, split: dict | None = None) -> ProblemDataset:
    return ProblemDataset.model_validate({"kind": "problems", "source": source, "split": split or {}})


def contents(path: Path) -> dict[str, dict[str, np.ndarray]]:
    return {split: read_block(path, split).entries for split in SPLITS}


def joined(path: Path, name: str) -> np.ndarray:
    """Return a quantity of all splits in the order of the events."""
    parts = contents(path).values()
    order = np.argsort(np.concatenate([part["event"] for part in parts]))
    return np.concatenate([part[name] for part in parts])[order]


def refused(folder: Path, spec: ProblemDataset, *words: object) -> None:
    with pytest.raises(UserError) as error:
        write_samples(folder / "out" / "s.h5", spec)
    assert_one_line(error, *words)
    assert not list((folder / "out").glob("*"))


def test_classes_are_labels_and_numbers(tmp_path):
    spec = dataset({"points": {"shape": "xor", "n": 4}}, ONLY_TRAIN)
    assert write_samples(tmp_path / "s.h5", spec) == {"train": 4, "val": 0, "test": 0}
    entries = contents(tmp_path / "s.h5")["train"]
    assert {name: (values.dtype, values.shape) for name, values in entries.items()} == {
        "event": (np.int64, (4,)),
        "features": (np.float32, (4, 2)),
        "label": (np.int64, (4,)),
        "target": (np.float64, (4,)),
    }
    assert entries["label"].tolist() == entries["target"].tolist() == [0, 1, 1, 0]
    attributes = read_attributes(tmp_path / "s.h5", "problems")
    assert (list(attributes["shape"]), attributes["outputs"], attributes["features"]) == ([2], 2, "features")
    assert (attributes["columns"], attributes["classes"], attributes["target"]) == ("x, y", "equal, different", "")
    assert json.loads(attributes["dataset"]) == attributes["spec"]


def test_numbers_are_targets_with_a_unit(tmp_path):
    write_samples(tmp_path / "s.h5", dataset({"houses": {"n": 50}}))
    features, price = generate_houses(dataset({"houses": {"n": 50}}).source.houses, 0)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "features"), features.astype(np.float32))
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "target"), price)
    assert set(contents(tmp_path / "s.h5")["train"]) == {"event", "features", "target"}
    attributes = read_attributes(tmp_path / "s.h5")
    assert (attributes["outputs"], attributes["target"], attributes["classes"]) == (1, "price [1000]", "")
    assert attributes["columns"].split(", ") == list(UNITS)
    assert attributes["units"] == UNITS | {"target": "1000"}


@pytest.mark.parametrize(
    ("source", "shape", "outputs", "columns"),
    [
        ({"digits": {}}, [8, 8], 10, 0),
        ({"decays": {"n": 100}}, [28], 2, 28),
        ({"points": {"shape": "line"}}, [1], 1, 1),
    ],
    ids=["digits", "decays", "line"],
)
def test_every_source_says_what_it_has(tmp_path, source, shape, outputs, columns):
    spec = dataset(source)
    counts = write_samples(tmp_path / "s.h5", spec)
    attributes = read_attributes(tmp_path / "s.h5")
    assert (list(attributes["shape"]), attributes["outputs"]) == (shape, outputs)
    assert len([name for name in attributes["columns"].split(", ") if name]) == columns
    assert joined(tmp_path / "s.h5", "features").shape == (counts.total(), *shape)
    if spec.answers == "classes":
        assert len(attributes["classes"].split(", ")) == outputs
    if "decays" in source:
        assert attributes["classes"] == ", ".join(CLASSES)


@pytest.mark.parametrize("source", [{"points": {"shape": "moons"}}, {"decays": {"n": 60}}, {"houses": {"n": 60}}])
@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_the_same_spec_gives_the_same_bytes(tmp_path, source, method):
    for name in ("a.h5", "b.h5"):
        write_samples(tmp_path / name, dataset(source, FRACTIONS | {"method": method}))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_question_is_no_part_of_the_sample(tmp_path):
    spec = dataset({"points": {"shape": "moons"}})
    write_samples(tmp_path / "a.h5", spec)
    write_samples(tmp_path / "b.h5", spec.model_copy(update={"question": "Where?"}))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_entries_are_dealt_by_their_event(tmp_path, method):
    spec = dataset({"points": {"shape": "rings", "n": 12_000}}, FRACTIONS | {"method": method, "seed": 3})
    write_samples(tmp_path / "s.h5", spec)
    blocks = [generate_points(spec.source.points, block) for block in (0, 1)]
    features, label = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    event = np.arange(12_000)
    where = assign_splits(event, FRACTIONS, 3) if method == "hash" else shuffle_splits(12_000, FRACTIONS, 3)
    for i, entries in enumerate(contents(tmp_path / "s.h5").values()):
        np.testing.assert_array_equal(entries["event"], np.flatnonzero(where == i))
        np.testing.assert_array_equal(entries["features"], features[where == i].astype(np.float32))
        np.testing.assert_array_equal(entries["label"], label[where == i])


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("shape", ["line", "xor", "spirals"])
def test_very_few_entries(tmp_path, shape, n):
    spec = dataset({"points": {"shape": shape, "n": n}}, ONLY_TRAIN)
    assert write_samples(tmp_path / "s.h5", spec).total() == n


def test_a_split_that_ends_up_empty_is_refused(tmp_path):
    refused(tmp_path, dataset({"points": {"shape": "line", "n": 1}}), "split 'train' has none of the 1 entries")


def test_a_table_with_classes_in_a_column(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    write_samples(tmp_path / "s.h5", dataset({"files": str(path), "label": "kind"}))
    row = np.arange(60)
    features = np.stack([row, row / 3], axis=1).astype(np.float32)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "features"), features)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "label"), row % 3)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "event") & 0xFFFFFFFF, row)
    attributes = read_attributes(tmp_path / "s.h5")
    assert (attributes["columns"], attributes["outputs"], attributes["classes"]) == ("a, b", 3, "0, 1, 2")


def test_a_table_with_numbers_in_a_column_of_which_some_are_chosen(tmp_path):
    path = write(tmp_path / "t.csv.gz", TABLE.partition("\n")[2])
    source = {"files": [str(path)], "target": "b", "columns": ["kind", "a"], "names": ["a", "b", "kind"]}
    write_samples(tmp_path / "s.h5", dataset(source))
    row = np.arange(60)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "event") & 0xFFFFFFFF, row)
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "features"), np.stack([row % 3, row], axis=1))
    np.testing.assert_array_equal(joined(tmp_path / "s.h5", "target"), row / 3)
    assert read_attributes(tmp_path / "s.h5")["target"] == "b"


@pytest.mark.parametrize("key", ["labels", "targets"])
def test_frames_with_answers_beside_them(tmp_path, key):
    files = [str(write_frame(tmp_path / f"d{i}.h5", np.full((5, 2), i))) for i in range(3)]
    answers = [str(write_frame(tmp_path / f"t{i}.h5", np.arange(5)[:, None], "targets")) for i in range(3)]
    write_samples(tmp_path / "s.h5", dataset({"files": files, key: answers}, ONLY_TRAIN))
    entries = contents(tmp_path / "s.h5")["train"]
    np.testing.assert_array_equal(entries["features"][:, 0], np.repeat([0, 1, 2], 5))
    np.testing.assert_array_equal(entries["label" if key == "labels" else "target"], np.tile(np.arange(5), 3))
    assert read_attributes(tmp_path / "s.h5")["outputs"] == (5 if key == "labels" else 1)


@pytest.fixture
def pictures(tmp_path) -> dict:
    """Forty pictures of 2 x 3 pixels to train on, of which i is i everywhere, and ten, from 100 on, to test on."""
    files, labels = {}, {}
    for split, n in (("train", 40), ("test", 10)):
        shown = 100 * (split == "test") + np.arange(n)[:, None, None] * np.ones((2, 3))
        files[split] = [str(write_idx(tmp_path / f"{split}-images-idx3-ubyte.gz", shown))]
        labels[split] = [str(write_idx(tmp_path / f"{split}-labels-idx1-ubyte.gz", np.arange(n) % 10))]
    return {"files": files, "labels": labels}


@pytest.mark.parametrize("method", ["hash", "shuffle"])
def test_pictures_keep_their_own_splits_and_give_part_of_the_training_for_validation(tmp_path, pictures, method):
    split = {"train": 0.5, "val": 0.25, "test": 0.25, "method": method}
    counts = write_samples(tmp_path / "s.h5", dataset(pictures, split))
    assert (counts["train"] + counts["val"], counts["test"]) == (40, 10)
    assert 7 <= counts["val"] <= 20 and (method == "hash" or counts["val"] == 14)
    for name, entries in contents(tmp_path / "s.h5").items():
        row = entries["event"] & 0xFFFFFFFF
        assert len(np.unique(entries["event"] >> 32)) == 1
        np.testing.assert_array_equal(entries["label"], row % 10)
        shown = (row + 100 * (name == "test"))[:, None, None] / 255 * np.ones((2, 3))
        np.testing.assert_allclose(entries["features"], shown, rtol=1e-6)
    assert list(read_attributes(tmp_path / "s.h5")["shape"]) == [2, 3]


def test_without_a_share_all_files_of_a_split_stay_whole(tmp_path, pictures):
    counts = write_samples(tmp_path / "s.h5", dataset(pictures, ONLY_TRAIN))
    assert counts == {"train": 40, "val": 0, "test": 10}


def test_files_of_validation_are_used_as_such(tmp_path, pictures):
    for key in ("files", "labels"):
        pictures[key]["val"] = pictures[key]["test"]
    refused(tmp_path, dataset(pictures), pictures["files"]["val"][0], "is named twice")
    counts = write_samples(tmp_path / "s.h5", dataset(pictures | {"duplicates": "keep"}))
    assert counts == {"train": 40, "val": 10, "test": 10}


def test_pictures_that_do_not_fit_their_labels_are_refused(tmp_path, pictures):
    images, labels = pictures["files"], pictures["labels"]
    few, many = (
        {"files": images["train"], "labels": labels["test"]},
        {"files": images["test"], "labels": labels["train"]},
    )
    refused(tmp_path, dataset(few), labels["test"][0], "ends after 10 answers", images["train"][0])
    refused(tmp_path, dataset(many), labels["train"][0], "more answers than the 10 entries", images["test"][0])
    refused(tmp_path, dataset({"files": images["test"], "labels": images["test"]}), "holds pictures, expected labels")
    refused(tmp_path, dataset({"files": labels["test"], "labels": labels["test"]}), "holds labels, expected pictures")
    refused(tmp_path, dataset({"files": images["test"], "label": "digit"}), "pictures have no column 'digit'")


def test_frames_that_do_not_fit_their_labels_are_refused(tmp_path):
    data = write_frame(tmp_path / "d.h5", np.ones((5, 2)))
    for rows, words in ((4, "ends after 4 answers"), (6, "more answers than the 5")):
        labels = write_frame(tmp_path / f"l{rows}.h5", np.zeros((rows, 1)), "targets")
        refused(tmp_path, dataset({"files": str(data), "labels": str(labels)}), labels, words, data)
    refused(tmp_path, dataset({"files": str(data), "labels": str(data)}), data, "has 2 columns (0, 1), expected one")


@pytest.mark.parametrize("value", ["1.5", "-2", "1000", "1e30"])
def test_what_is_no_class_is_refused(tmp_path, value):
    path = write(tmp_path / "t.csv", f"a,kind\n1,0\n2,1\n3,{value}\n")
    refused(tmp_path, dataset({"files": str(path), "label": "kind"}), path, "entry 2: kind is", "whole number from 0")


def test_codes_of_classes_are_their_names_in_one_order_over_all_files_and_splits(tmp_path):
    rows = {"train": (5, 2), "val": (2, 5), "test": (2, 9)}
    paths = {}
    for split, codes in rows.items():
        table = "a,kind\n" + "".join(f"{i}{len(paths)},{codes[i % 2]}\n" for i in range(6))
        paths[split] = [str(write(tmp_path / f"{split}.csv", table))]
    lines = []
    write_samples(tmp_path / "s.h5", dataset({"files": paths, "label": "kind"}), log=lines.append)
    found = {split: entries["label"].tolist() for split, entries in contents(tmp_path / "s.h5").items()}
    assert found == {"train": [1, 0] * 3, "val": [0, 1] * 3, "test": [0, 2] * 3}
    attributes = read_attributes(tmp_path / "s.h5")
    assert (attributes["outputs"], attributes["classes"]) == (3, "2, 5, 9")
    assert lines[1:] == [
        "classes by their codes: 2 is class 0, 5 is class 1, 9 is class 2",
        "class 9 is in test only, not in train, where it could be learned",
    ]


@pytest.mark.parametrize(("true", "false"), [("True", "False"), ("TRUE", "false"), (" true ", "False")])
def test_true_and_false_are_one_and_zero(tmp_path, true, false):
    text = (false, true)
    lines = [f"{i},{text[i // 2 % 2]},{text[i % 2]}\n" for i in range(6)]
    path = write(tmp_path / "t.csv", "a,b,kind\n" + "".join(lines))
    write_samples(tmp_path / "s.h5", dataset({"files": str(path), "label": "kind"}, ONLY_TRAIN))
    assert joined(tmp_path / "s.h5", "label").tolist() == [0, 1] * 3
    assert joined(tmp_path / "s.h5", "features")[:, 1].tolist() == [0, 0, 1, 1, 0, 0]
    path = write(tmp_path / "t.csv", "a,b,kind\n" + "".join(lines) + "6,maybe,True\n")
    refused(tmp_path / "none", dataset({"files": str(path), "label": "kind"}), path, "line 8: b is 'maybe'")


def test_minus_one_is_a_class_only_beside_one(tmp_path):
    path = write(tmp_path / "t.csv", "a,kind\n" + "".join(f"{i},{i % 2 * 2 - 1}\n" for i in range(6)))
    write_samples(tmp_path / "s.h5", dataset({"files": str(path), "label": "kind"}, ONLY_TRAIN))
    assert joined(tmp_path / "s.h5", "label").tolist() == [0, 1] * 3
    assert read_attributes(tmp_path / "s.h5")["classes"] == "-1, 1"
    for others in ("0,1", "0", ""):
        rows = "".join(f"{i},{code}\n" for i, code in enumerate([*others.split(","), -1]) if code != "")
        path = write(tmp_path / "t.csv", "a,kind\n" + rows)
        refused(tmp_path / "none", dataset({"files": str(path), "label": "kind"}), path, "kind is -1 as well as")


def test_codes_of_classes_in_files_beside_are_numbered_anew(tmp_path):
    data = write_frame(tmp_path / "d.h5", np.arange(20.0).reshape(10, 2))
    labels = write_frame(tmp_path / "l.h5", np.tile([1.0, 2.0], 5)[:, None], "labels")
    write_samples(tmp_path / "s.h5", dataset({"files": str(data), "labels": str(labels)}))
    assert joined(tmp_path / "s.h5", "label").tolist() == [0, 1] * 5
    assert read_attributes(tmp_path / "s.h5")["outputs"] == 2


def test_a_single_class_is_refused(tmp_path):
    path = write(tmp_path / "t.csv", "a,kind\n" + "".join(f"{i},0\n" for i in range(30)))
    refused(tmp_path, dataset({"files": str(path), "label": "kind"}), "all entries are of class 0")
    refused(tmp_path, dataset({"files": str(path), "target": "kind"}), "kind is 0 in all entries")
    path = write(tmp_path / "u.csv", "a,kind\n" + "1,0\n2,1\n" * 15)
    refused(tmp_path, dataset({"files": str(path), "label": "kind"}), "none of the 30 entries", "`duplicates: keep`")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"label": "kin"}, "no column 'kin'; did you mean 'kind'?"),
        ({"label": "kind", "columns": ["a", "c"]}, "no column 'c'"),
        ({"label": "kind", "columns": ["a", "kind"]}, "'kind' is to be learned"),
        ({"label": "kind", "columns": ["a", "a"]}, "names 'a' twice"),
        ({"label": "kind", "names": ["a", "b"]}, "`names` has 2"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(tmp_path, source, words):
    path = write(tmp_path / "t.csv", TABLE)
    refused(tmp_path, dataset({"files": str(path)} | source), path, words)


def test_a_table_of_nothing_but_answers_is_refused(tmp_path):
    path = write(tmp_path / "t.csv", "kind\n1\n0\n")
    refused(tmp_path, dataset({"files": str(path), "label": "kind"}), "no column beside 'kind'")


def test_tables_of_different_columns_are_refused(tmp_path):
    paths = [str(write(tmp_path / "t.csv", TABLE)), str(write(tmp_path / "u.csv", TABLE.replace("b", "c")))]
    refused(tmp_path, dataset({"files": paths, "label": "kind"}), paths[1], "columns a, c", paths[0], "columns a, b")


def test_a_mistake_gives_one_line_and_leaves_nothing(tmp_path, capsys):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n3,x\n")
    spec = json.dumps({"kind": "problems", "source": {"files": str(path), "target": "b"}})
    assert main(["build-problems", str(tmp_path / "s.h5"), "--spec", spec]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"jetpulse build-problems: {path}: line 3: b is 'x'")
    download = '{"kind": "problems", "source": {"download": "mnist"}}'
    assert main(["build-problems", str(tmp_path / "s.h5"), "--spec", download]) == 1
    assert list(tmp_path.iterdir()) == [path]


def repeated(tmp_path, rows=300, times=5):
    """Write a table of coin tosses, each row so many times, and an id of every toss beyond what floats can hold."""
    rng = np.random.default_rng(1)
    table = np.stack([rng.normal(size=rows).round(6), rng.integers(0, 2, rows)], axis=1)
    lines = [f"{x},{int(y)},{2**60 + i}\n" for i, (x, y) in enumerate(np.tile(table, (times, 1)))]
    return str(write(tmp_path / "t.csv", "x,kind,id\n" + "".join(lines)))


def shared(path):
    """Return how many rows of test are in train or val as well."""
    splits = {split: set(entries["features"][:, 0].tolist()) for split, entries in contents(path).items()}
    return len(splits["test"] & (splits["train"] | splits["val"]))


def test_equal_rows_share_a_split_unless_they_are_kept(tmp_path):
    source = {"files": repeated(tmp_path), "label": "kind", "columns": ["x"]}
    lines = []
    counts = write_samples(tmp_path / "s.h5", dataset(source), log=lines.append)
    assert counts.total() == 1500 and 0.5 < counts["train"] / 1500 < 0.7
    assert shared(tmp_path / "s.h5") == 0
    assert f"split 'train': {counts['train'] // 5 * 4} entries equal another one of it" in lines
    assert len(np.unique(joined(tmp_path / "s.h5", "event"))) == 1500
    refused(
        tmp_path / "none", dataset(source, FRACTIONS | {"method": "shuffle"}), "very same entry", "duplicates: keep"
    )
    write_samples(tmp_path / "s.h5", dataset(source | {"duplicates": "keep"}))
    assert shared(tmp_path / "s.h5") > 100


def test_equal_rows_of_files_that_are_splits_are_refused(tmp_path):
    files = {
        split: [str(write(tmp_path / f"{split}.csv", f"x,kind\n{i},0\n5,1\n"))]
        for i, split in enumerate(("train", "test"))
    }
    refused(
        *(tmp_path, dataset({"files": files, "label": "kind"}), f"{files['test'][0]}: entry 1: the very same entry"),
        f"is entry 1 of {files['train'][0]}",
    )
    keep = {"files": files, "label": "kind", "duplicates": "keep"}
    assert write_samples(tmp_path / "s.h5", dataset(keep, ONLY_TRAIN)).total() == 4


def test_files_and_rows_before_others_move_no_row(tmp_path):
    text = ["".join(f"{i},{i % 2}\n" for i in range(first, first + 100)) for first in (0, 200, 400)]
    paths = [str(write(tmp_path / f"{i}.csv", "x,kind\n" + part)) for i, part in enumerate(text)]
    longer = str(write(tmp_path / "longer.csv", "x,kind\n900,0\n" + text[0]))

    def where(*files, **options):
        write_samples(tmp_path / "s.h5", dataset({"files": list(files), "label": "kind", **options}))
        return {x: split for split, entries in contents(tmp_path / "s.h5").items() for x in entries["features"][:, 0]}

    few = where(paths[0], paths[2])
    for many in (where(paths[1], paths[2], paths[0]), where(paths[2], longer)):
        assert {x: many[x] for x in few} == few
    few = where(paths[0], paths[2], duplicates="keep")
    many = where(paths[1], paths[2], paths[0], duplicates="keep")
    assert {x: many[x] for x in few} == few


@pytest.mark.parametrize("format", ["csv", "h5"])
def test_columns_name_the_events_of_a_table_and_are_no_features(tmp_path, format):
    ids = 2**60 + np.repeat(np.arange(100), 3)  # floats would make one event of them
    if format == "csv":
        lines = [f"{i},{i % 2},{event},1\n" for i, event in enumerate(ids)]
        source = {"files": str(write(tmp_path / "t.csv", "x,kind,id,run\n" + "".join(lines))), "label": "kind"}
    else:
        columns = {"x": np.arange(300.0), "kind": np.arange(300) % 2, "id": ids, "run": np.ones(300, np.int64)}
        source = {"files": str(write_columns_frame(tmp_path / "t.h5", columns)), "label": "kind"}
    write_samples(tmp_path / "s.h5", dataset(source | {"event": ["run", "id"]}))
    assert read_attributes(tmp_path / "s.h5")["columns"] == "x"
    events = [entries["event"] for entries in contents(tmp_path / "s.h5").values()]
    assert sum(len(np.unique(part)) for part in events) == len(np.unique(np.concatenate(events))) == 100
    lines = []
    write_samples(tmp_path / "s.h5", dataset(source), log=lines.append)
    assert lines[-1] == "column 'id' is learned from like any other; if it names events, set `event: id`"
    write_samples(tmp_path / "s.h5", dataset(source | {"event": "id"}))
    assert sorted(set(joined(tmp_path / "s.h5", "event").tolist())) == sorted(set(ids.tolist()))
    refused(tmp_path / "none", dataset(source | {"event": "kind"}), "'kind' names the event")
    refused(tmp_path / "none", dataset(source | {"event": "idd"}), "no column 'idd'; did you mean 'id'?")
    refused(
        tmp_path / "none", dataset(source | {"event": "id"}, FRACTIONS | {"method": "shuffle"}), "the event has the id"
    )


def test_an_event_that_is_no_whole_number_is_refused_with_its_row(tmp_path):
    for value, words in {"a": "row 2: id is 'a'", "1.5": "event 2: id is 1.5", "nan": "event 2: id is nan"}.items():
        path = write(tmp_path / "t.csv", f"x,kind,id\n1,0,1\n2,1,2\n3,0,{value}\n")
        refused(tmp_path / "none", dataset({"files": str(path), "label": "kind", "event": "id"}), path, words)
