"""Examples that are in two splits, or in the training and the test of a network."""

import json

import numpy as np
import pytest

from jet_formats import toy_block
from jetpulse.cli import main
from jetpulse.config import ProblemDataset
from jetpulse.errors import UserError
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.jets.readers.momenta import momenta_of
from jetpulse.problems.files import write_samples
from jetpulse.samples import SPLITS, Block, Writer, read_block, row_ids
from jetpulse.samples.duplicates import HARDEST, Duplicates, check_unseen, hash_examples, shared_examples
from toy_jets import assert_one_line, write_jets


def test_hashes_tell_jets_apart_that_differ_in_a_momentum_or_in_order():
    block = toy_block(50, most=30)
    before = hash_examples(block)
    assert len(set(before.tolist())) == 50
    few = int(np.argmax(np.diff(block.offsets) < HARDEST))
    for change in ("momentum", "order", "length"):
        values, offsets = block.flat["constituents"].copy(), block.offsets.copy()
        jet = few if change == "length" else int(np.argmax(np.diff(offsets)))
        first = offsets[jet]
        if change == "momentum":
            values[first, 3] *= 1.0001
        elif change == "order":
            values[[first, first + 1]] = values[[first + 1, first]]
        else:
            offsets[jet + 1] -= 1
        assert hash_examples(Block(block.entries, offsets, {"constituents": values}))[jet] != before[jet]
    assert hash_examples(block.take(np.arange(0))).tolist() == []


def test_a_jet_is_known_after_other_units_or_columns():
    block = toy_block(200, most=30)
    momenta = block.flat["constituents"]
    in_mev = (momenta.astype(np.float64) * 1000).astype(np.float32) * 1e-3
    pt, eta, phi = pt_eta_phi(momenta)
    massless = momenta_of({"pt": pt.astype(np.float32), "eta": eta.astype(np.float32), "phi": phi.astype(np.float32)})
    for other in (in_mev, massless):
        changed = Block(block.entries, block.offsets, {"constituents": other.astype(np.float32)})
        assert (hash_examples(changed) == hash_examples(block)).mean() > 0.5


def test_a_jet_is_known_by_its_hardest_constituents():
    block = toy_block(50, most=30)
    counts = np.minimum(np.diff(block.offsets), 10)
    keep = np.arange(block.offsets[-1]) - np.repeat(block.offsets[:-1], np.diff(block.offsets)) < 10
    cut = Block(block.entries, np.r_[0, np.cumsum(counts)], {"constituents": block.flat["constituents"][keep]})
    np.testing.assert_array_equal(hash_examples(cut), hash_examples(block))


@pytest.mark.parametrize("name", ["waveform", "counts", "features"])
def test_hashes_of_arrays(name):
    values = np.random.default_rng(1).normal(size=(40, 3, 5)).astype(np.float32)
    values[0] = 0
    one = hash_examples(Block({"event": np.arange(40), name: values}))
    assert len(set(one.tolist())) == 40
    values[0] = -values[0]
    assert hash_examples(Block({"event": np.arange(40)[::-1], name: values})).tolist() == one.tolist()
    target = {"target": np.ones(40)} if name == "features" else {}
    assert (hash_examples(Block({name: values} | target)) != one).all() == bool(target)


def test_duplicates_between_any_two_splits_are_counted():
    blocks = {split: toy_block(5, seed=i) for i, split in enumerate(SPLITS)}
    duplicates = Duplicates(["a.h5", "b.h5", "c.h5"], False, "jet", "jets")
    for i, (split, block) in enumerate(blocks.items()):
        block.entries["event"][:] += 100 * i
        duplicates.add(split, block, row_ids(i, np.arange(5)))
    duplicates.check(lambda line: None)
    again = blocks["train"].take(np.array([2, 3]))
    again.entries["event"][:] += 1000
    duplicates.add("test", again, row_ids(2, np.arange(5, 7)))
    with pytest.raises(UserError) as error:
        duplicates.check(lambda line: None)
    assert_one_line(error, "c.h5: event 5:", "event 2 of a.h5", "'train' and 'test' (2 such jets)", "duplicates: keep")


def test_examples_of_a_training_are_found_in_another_sample(tmp_path):
    one, other = write_jets(tmp_path, 1, name="a.h5"), write_jets(tmp_path, 2, name="b.h5")
    assert shared_examples(one, other) == (0, -1)
    assert shared_examples(one, one) == (0, -1)  # its own test split is none of its training
    with Writer.create(tmp_path / "c.h5", "jets", spec={}, units={}) as writer:
        for split, source in {"train": "train", "val": "val", "test": "train"}.items():
            writer.append(split, read_block(other if split != "test" else one, source, 7, 17))
    assert shared_examples(one, tmp_path / "c.h5") == (10, 7)
    lines = []
    check_unseen({"mine": one, "theirs": other}, lines.append)
    with pytest.raises(UserError) as error:
        check_unseen({"mine": one, "theirs": tmp_path / "c.h5"})
    assert_one_line(error, tmp_path / "c.h5", "10 entries", "event 7", "train or val of 'mine'", "duplicates: keep")
    with Writer.create(tmp_path / "d.h5", "jets", spec={"source": {"duplicates": "keep"}}, units={}) as writer:
        writer.append("test", read_block(tmp_path / "c.h5", "test"))
    check_unseen({"mine": one, "theirs": tmp_path / "d.h5"}, lines.append)
    assert len(lines) == 1


def test_rows_of_a_training_are_found_in_another_table(tmp_path):
    def table(name, first, split):
        rows = "".join(f"{i},{i % 2}\n" for i in range(first, first + 100))
        (tmp_path / f"{name}.csv").write_text("x,kind\n" + rows)
        source = {"files": str(tmp_path / f"{name}.csv"), "label": "kind"}
        spec = ProblemDataset.model_validate({"kind": "problems", "source": source, "split": split})
        write_samples(tmp_path / f"{name}.h5", spec)
        return tmp_path / f"{name}.h5"

    one, apart = table("one", 0, {"seed": 1}), table("apart", 100, {"seed": 2})
    assert shared_examples(one, apart)[0] == 0
    assert shared_examples(one, table("same", 0, {"seed": 1}))[0] == 0  # the same rows are dealt alike
    assert shared_examples(one, table("other", 0, {"seed": 2}))[0] > 5
    assert shared_examples(one, table("half", 50, {"seed": 2}))[0] > 2


def test_a_network_is_not_tested_on_what_it_was_trained_on(tmp_path, capsys):
    one = write_jets(tmp_path, 1, name="a.h5")
    model = tmp_path / "model.safetensors"
    spec = {"dataset": "a", "representation": "samples", "model": {"name": "particle-flow"}}
    training = {"epochs": 1, "patience": None}
    assert (
        main(["train", str(one), str(model), "--seed", "1", "--spec", json.dumps({**spec, "training": training})]) == 0
    )
    swapped = tmp_path / "b.h5"
    with Writer.create(swapped, "jets", spec={}, units={}) as writer:
        for split, source in {"train": "test", "val": "val", "test": "train"}.items():
            writer.append(split, read_block(one, source))
    out = tmp_path / "predictions.h5"
    options = ["--on", f"a={one}", f"b={swapped}", "--samples", f"a={one}", f"b={swapped}"]
    assert main(["predict", str(model), str(out), *options]) == 1
    assert "are in train or val of 'a' as well" in capsys.readouterr().err
    assert not out.exists()
    with Writer.create(tmp_path / "d.h5", "jets", spec={"another": "definition"}, units={}) as writer:
        writer.append("test", read_block(one, "test"))
    assert main(["predict", str(model), str(out), "--on", f"a={one}", "--samples", f"a={tmp_path / 'd.h5'}"]) == 1
    assert "d.h5: is of another dataset than the one that" in capsys.readouterr().err
    other = write_jets(tmp_path, 2, name="c.h5")
    options = ["--on", f"a={one}", f"c={other}", "--samples", f"a={one}", f"c={other}"]
    assert main(["predict", str(model), str(out), *options]) == 0
