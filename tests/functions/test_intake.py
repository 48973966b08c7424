"""From files to splits: dealt or named, mixed, selected, checked for jets in two splits."""

import numpy as np
import pytest

from jet_formats import list_columns, momenta_lists, toy_block, write_example, write_npz, write_parquet, write_tree
from jetpulse.config import JetDataset
from jetpulse.errors import UserError
from jetpulse.jets.checks import Balance
from jetpulse.jets.intake import jets_of_files
from jetpulse.jets.kinematics import jet_momenta, pt_eta_phi
from jetpulse.samples import SPLITS, Block, assign_splits, row_of
from toy_jets import assert_one_line, make_block


def dataset(files, split=None, **options):
    source = {"files": files, "format": "npz", **options}
    return JetDataset(kind="jets", source=source, **({"split": split} if split else {}))


def collect(spec, log=lambda line: None):
    """Return the jets of every split as (event, label) pairs in order, and their blocks."""
    found = {split: [] for split in SPLITS}
    for split, block in jets_of_files(spec, log):
        found[split].append(block)
    pairs = {
        split: [(int(e), int(y)) for b in blocks for e, y in zip(b.entries["event"], b.entries["label"], strict=True)]
        for split, blocks in found.items()
    }
    return pairs, found


def test_a_list_of_files_is_dealt_by_event(tmp_path):
    paths = [str(write_npz(tmp_path / f"{i}.npz", toy_block(40, seed=i))) for i in range(2)]
    pairs, _ = collect(dataset(paths, {"train": 0.5, "val": 0.0, "test": 0.5}))
    events = sorted(event for split in SPLITS for event, _ in pairs[split])
    assert len(set(events)) == 80
    assert sorted(map(row_of, events)) == sorted([*range(40)] * 2)
    assert pairs["val"] == []
    for i, split in enumerate(SPLITS):
        where = assign_splits(np.array([e for e, _ in pairs[split]], np.int64), {"train": 0.5, "val": 0, "test": 0.5})
        assert (where == i).all()


def test_another_seed_deals_anew(tmp_path):
    path = str(write_npz(tmp_path / "a.npz", toy_block(40)))
    one, other = (collect(dataset([path], {"train": 0.5, "val": 0.0, "test": 0.5, "seed": s}))[0] for s in (0, 1))
    assert one["train"] != other["train"]


def test_named_files_keep_their_order(tmp_path):
    paths = [str(write_npz(tmp_path / f"{i}.npz", toy_block(4, seed=i))) for i in range(3)]
    pairs, _ = collect(dataset({"train": [paths[0], paths[1]], "test": paths[2]}))
    assert [row_of(event) for event, _ in pairs["train"]] == [*range(4)] * 2
    assert [row_of(event) for event, _ in pairs["test"]] == [*range(4)]


def test_files_of_one_class_are_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr("jetpulse.jets.intake._ROWS", 40)
    qcd, top = (str(write_npz(tmp_path / f"{i}.npz", toy_block(100, seed=i), label=None)) for i in range(2))
    files = [{"path": qcd, "label": 0}, {"path": top, "label": 1}]
    pairs, _ = collect(dataset(files, {"train": 1.0, "val": 0.0, "test": 0.0}))
    labels = np.array([label for _, label in pairs["train"]])
    first = {event >> 32: label for event, label in pairs["train"]}
    assert len(first) == 2
    assert (labels == np.array([first[event >> 32] for event, _ in pairs["train"]])).all()
    assert 12 <= labels[:40].sum() <= 28  # and not 0, as it would be file after file
    assert labels.sum() == 100


def test_jets_outside_of_the_window_are_left_out(tmp_path):
    block = make_block([[(50.0, 0.0, 0.1)], [(70.0, 0.0, 0.1)], [(60.0, 3.0, 0.1)], [(60.0, -1.0, 0.1)]])
    path = str(write_npz(tmp_path / "a.npz", block))
    lines = []
    pairs, _ = collect(dataset({"test": path}, select={"pt": [55, 65], "eta_max": 2}), lines.append)
    assert [row_of(event) for event, _ in pairs["test"]] == [3]
    assert lines[1:] == ["left out: 3 jets: outside of `select`"]


def test_the_window_looks_at_all_constituents_and_the_hardest_are_kept(tmp_path):
    block = make_block([[(10.0, 0.0, 0.0), (30.0, 0.1, 0.0), (20.0, 0.0, 0.1)], [(5.0, 0.0, 0.0)]])
    path = str(write_npz(tmp_path / "a.npz", block))
    _, found = collect(dataset({"test": path}, select={"pt": [55, 65]}, max_constituents=2))
    (kept,) = found["test"]
    np.testing.assert_allclose(pt_eta_phi(kept.flat["constituents"])[0], [30, 20], rtol=1e-6)
    assert kept.offsets.tolist() == [0, 2]


def test_only_the_first_jets_of_each_file_are_read(tmp_path):
    block = make_block([[(20.0 + i, 0.1, 0.2)] for i in range(7)])
    paths = [str(write_npz(tmp_path / f"{name}.npz", block)) for name in "ab"]
    few = {"first": 3, "select": {"pt": [20.5, 100.0]}, "duplicates": "keep"}
    _, found = collect(dataset({"test": paths[:1], "train": paths[1:]}, **few))
    for split in ("train", "test"):
        pt = np.concatenate([pt_eta_phi(part.flat["constituents"])[0] for part in found[split]])
        np.testing.assert_allclose(pt, [21, 22, 23], rtol=1e-6)
    assert "first" not in dataset({"test": paths[:1]}).source.model_dump()


@pytest.mark.parametrize("order", ["repair", "refuse"])
def test_the_order_of_constituents_is_repaired_or_refused(tmp_path, order):
    block = make_block([[(30.0, 0.0, 0.0)], [(10.0, 0.0, 0.0), (30.0, 0.1, 0.0)]])
    path = str(write_npz(tmp_path / "a.npz", block))
    if order == "repair":
        _, found = collect(dataset({"test": path}))
        np.testing.assert_allclose(pt_eta_phi(found["test"][0].flat["constituents"])[0], [30, 30, 10], rtol=1e-6)
        return
    with pytest.raises(UserError) as error:
        collect(dataset({"test": path}, order="refuse"))
    assert_one_line(error, path, "event 1, constituent 1:", "larger pT", "order: repair")


def test_a_jet_in_two_splits_is_refused_with_both_places(tmp_path):
    one, other = toy_block(8, seed=1), toy_block(8, seed=2)
    both = Block(other.entries, other.offsets, {"constituents": other.flat["constituents"].copy()})
    longest = int(np.argmax(np.diff(one.offsets)))
    parts = [one.take(np.array([longest])), both.take(np.arange(1, 8))]
    flat = {"constituents": np.concatenate([part.flat["constituents"] for part in parts])}
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    mixed = Block(other.entries, np.concatenate([[0], np.cumsum(counts)]), flat)
    a, b = str(write_npz(tmp_path / "a.npz", one)), str(write_npz(tmp_path / "b.npz", mixed))
    with pytest.raises(UserError) as error:
        collect(dataset({"train": a, "test": b}))
    assert_one_line(
        error, f"{b}: event 0:", f"event {longest} of {a}", "'train' and 'test' (1 such jets)", "duplicates"
    )
    lines = []
    collect(dataset({"train": a, "test": b}, duplicates="keep"), lines.append)
    assert any("1 such jets" in line for line in lines)


def test_the_same_jet_twice_in_one_split_is_logged(tmp_path):
    block = toy_block(8)
    twice = block.take(np.array([*range(8), 0, 5]))
    a = str(write_npz(tmp_path / "a.npz", twice))
    lines = []
    pairs, _ = collect(
        dataset({"train": a, "test": str(write_npz(tmp_path / "b.npz", toy_block(8, seed=9)))}), lines.append
    )
    assert len(pairs["train"]) == 10
    assert lines[0] == "split 'train': 2 jets equal another one of it"


@pytest.mark.parametrize(
    ("files", "keep"),
    [
        (["a", "a"], True),
        (["a", "copy"], True),
        ({"train": ["a", "b", "copy"]}, True),
        ({"train": "a", "test": "copy"}, False),
    ],
)
def test_a_file_that_is_named_twice_is_refused(tmp_path, files, keep):
    paths = {name: str(write_npz(tmp_path / f"{name}.npz", toy_block(8, seed=len(name) % 3))) for name in ("a", "copy")}
    (tmp_path / "copy.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    paths["b"] = str(write_npz(tmp_path / "b.npz", toy_block(8, seed=5)))
    as_paths = lambda names: [paths[name] for name in ([names] if isinstance(names, str) else names)]  # noqa: E731
    spec = {split: as_paths(names) for split, names in files.items()} if isinstance(files, dict) else as_paths(files)
    with pytest.raises(UserError) as error:
        collect(dataset(spec, duplicates="keep" if keep else "refuse"))
    assert_one_line(error, "a.npz", "once")


def test_files_before_and_between_others_move_no_event(tmp_path):
    blocks = [toy_block(300, seed=i) for i in range(3)]
    a, b, c = (str(write_npz(tmp_path / f"{i}.npz", block)) for i, block in enumerate(blocks))

    def where(*paths):
        return {event: split for split, pairs in collect(dataset(list(paths)))[0].items() for event, _ in pairs}

    few, many = where(b, c), where(c, a, b)
    assert len(few) == 600
    assert {event: many[event] for event in few} == few


EVENT = np.repeat(np.arange(20), 3)  # jets 0, 1, 2 are of one event


@pytest.mark.parametrize("format", ["tree", "parquet", "npz"])
def test_jets_of_an_event_that_is_named_share_a_split(tmp_path, format):
    block = toy_block(60)
    path = tmp_path / "jets"
    if format == "npz":
        path = write_npz(path.with_suffix(".npz"), block, event=EVENT)
    elif format == "parquet":
        write_parquet(path, {**list_columns(block), "event": EVENT})
    else:
        flat = {"label": block.entries["label"], "event": EVENT}
        write_tree(path, "jets", {"constituent": momenta_lists(block)}, flat)
    lines = []
    pairs, _ = collect(dataset([str(path)], format=format), lines.append)
    where = {}
    for split in SPLITS:
        for event, _ in pairs[split]:
            where.setdefault(event, []).append(split)
    assert sorted(where) == [*range(20)]
    assert all(len(splits) == 3 and len(set(splits)) == 1 for splits in where.values())
    assert f"{path}: entries of equal event are one event" in lines
    rows, _ = collect(dataset([str(path)], format=format, event=[]), lines.append)
    assert len({event for split in SPLITS for event, _ in rows[split]}) == 60
    assert any(line.startswith(f"{path}: each row is taken for an event") for line in lines)


def test_equal_events_of_two_files_are_one_event_and_cannot_be_two_splits(tmp_path):
    a, b = (str(write_npz(tmp_path / f"{i}.npz", toy_block(60, seed=i), event=EVENT)) for i in range(2))
    pairs, _ = collect(dataset([a, b]))
    splits = {split: {event for event, _ in pairs[split]} for split in SPLITS}
    assert sorted(event for events in splits.values() for event in events) == [*range(20)]
    with pytest.raises(UserError) as error:
        collect(dataset({"train": a, "test": b}))
    assert_one_line(error, f"{b}: event 0:", f"event 0 of {a}", "(20 such events)", "`event: []`")
    collect(dataset({"train": a, "test": b}, event=[]))


def test_messages_name_the_row_whatever_the_event_is(tmp_path):
    block = toy_block(6)
    block.flat["constituents"][block.offsets[4], 0] = -1
    path = str(write_npz(tmp_path / "a.npz", block, event=np.full(6, 2**40)))
    with pytest.raises(UserError) as error:
        collect(dataset({"train": path}))
    assert_one_line(error, f"{path}: event 4, constituent 0")


def test_stretches_that_are_not_mixed_get_a_line():
    rng = np.random.default_rng(1)
    balance = Balance()
    for fraction in (0.5, 0.5, 0.55, 0.5):
        balance.add("a.h5", (rng.random(10_000) < fraction).astype(np.int8))
    balance.add("b.h5", np.ones(20_000, np.int8))
    (line,) = balance.deviations()
    assert line.startswith("a.h5: jets 20000 to 29999: 55.")
    assert "standard deviations" in line


def test_blocks_of_any_size_fill_the_same_stretches():
    label = np.repeat([0, 1], 10_000).astype(np.int8)
    one, other = Balance(), Balance()
    one.add("a", label)
    for part in np.split(label, 40):
        other.add("a", part)
    assert list(one.deviations()) == list(other.deviations())
    assert len(list(one.deviations())) == 2


def test_the_sum_is_that_of_the_jet(tmp_path):
    block = toy_block(20)
    _, found = collect(dataset({"test": str(write_npz(tmp_path / "a.npz", block))}))
    (kept,) = found["test"]
    expected = jet_momenta(block.flat["constituents"], block.offsets)
    np.testing.assert_allclose(jet_momenta(kept.flat["constituents"], kept.offsets), expected, rtol=1e-6)


def test_formats_that_have_events_say_so(tmp_path):
    path, source = write_example("nanoaod", tmp_path / "jets.root")
    lines = []
    collect(JetDataset(kind="jets", source=source), lines.append)
    assert f"{path}: each entry of the tree is an event" in lines
