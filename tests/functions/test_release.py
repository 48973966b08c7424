"""Released models: which training is chosen, what is written of it, what is checked; made by hand, no network."""

import hashlib
import json
from pathlib import Path

import pytest

from jetpulse.cli import main
from jetpulse.errors import UserError
from jetpulse.samples import Writer
from jetpulse.training.descriptions import load_description, read_weights
from jetpulse.training.release import check_release, write_release
from toy_jets import make_block
from toys import reseal

CODE = {"jetpulse": "1.2.3", "train": "aaaa", "predict": "bbbb"}


def training(folder: Path, seed: int, losses: list[float] | None) -> tuple[Path, Path]:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(f"weights {seed}".encode())
    (folder / "metrics.json").write_text(json.dumps({"jets": {"entries": 9, "auc": seed / 10}}), encoding="utf-8")
    header = "epoch,train_loss" if losses is None else "epoch,train_loss,val_loss"
    rows = ["1,0.5"] if losses is None else [f"{i},0.5,{loss}" for i, loss in enumerate(losses, 1)]
    (folder / "history.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    reseal(folder / "model.safetensors", model="dense", seed=seed)
    return folder / "model.safetensors", folder / "metrics.json"


@pytest.mark.parametrize(
    ("losses", "seed"),
    [
        ([[0.5, 0.3], [0.4, 0.2, 0.9], [0.25]], 2),  # least at any epoch
        ([[0.3], [0.3], [0.4]], 1),  # the first of equals
        ([["nan"], [0.7], [0.8]], 2),
        ([None, None, None], 1),  # no validation
    ],
)
def test_the_training_with_the_least_validation_loss_is_released(tmp_path: Path, losses: list, seed: int) -> None:
    made = [training(tmp_path / f"seed{i}", i, each) for i, each in enumerate(losses, 1)]
    inputs = tmp_path / "inputs.h5"
    inputs.write_bytes(b"jets")
    out = tmp_path / "release/model.safetensors"
    models, metrics = zip(*made, strict=True)
    assert write_release(models, metrics, inputs, out, experiment="cnn", licence="CC0-1.0", code=CODE) == seed
    assert out.read_bytes() == f"weights {seed}".encode()
    found = load_description(out.with_name("model.json"))
    assert read_weights(out, found) == f"weights {seed}".encode()
    del found["checksums"]
    assert found == {
        "model": "dense",
        "seed": seed,
        "release": {
            "experiment": "cnn",
            "data": {"file": inputs.as_posix(), "md5": hashlib.md5(b"jets").hexdigest()},
            "code": CODE,
            "seed": seed,
            "metrics": {"jets": {"entries": 9, "auc": seed / 10}},
            "licence": "CC0-1.0",
            "sha256": hashlib.sha256(f"weights {seed}".encode()).hexdigest(),
        },
    }


@pytest.fixture
def released(tmp_path: Path) -> Path:
    model, metrics = training(tmp_path / "seed1", 1, None)
    (tmp_path / "inputs.h5").write_bytes(b"jets")
    out = tmp_path / "release/model.safetensors"
    arguments = ["--experiment", "cnn", "--models", str(model), "--metrics", str(metrics), "--licence", "CC0-1.0"]
    arguments += ["--train-code", "aaaa", "--predict-code", "bbbb"]
    assert main(["release", str(out), str(tmp_path / "inputs.h5"), *arguments]) == 0
    return out


def description(model: Path) -> dict:
    return json.loads(model.with_name("model.json").read_text(encoding="utf-8"))


def test_a_released_model_tells_what_it_is(released: Path) -> None:
    lines = check_release(released, description(released), "bbbb")
    assert "experiment cnn, seed 1, licence: CC0-1.0" in lines
    assert "test split of jets: auc 0.1" in lines
    assert not any("warning" in line for line in lines)


def test_other_code_is_a_warning(released: Path) -> None:
    assert "warning: the code that predicts" in check_release(released, description(released), "cccc")[-1]


def test_other_weights_are_refused(released: Path) -> None:
    released.write_bytes(b"weights 2")
    with pytest.raises(UserError, match="not the weights that"):
        check_release(released, description(released), "bbbb")


def test_the_best_training_is_not_chosen_by_a_history_that_has_changed(tmp_path: Path) -> None:
    model, metrics = training(tmp_path / "seed1", 1, [0.5])
    model.with_name("history.csv").write_text("epoch,train_loss,val_loss\n1,0.5,0.1\n", encoding="utf-8")
    with pytest.raises(UserError, match="not the history that"):
        write_release([model], [metrics], metrics, tmp_path / "r/m.safetensors", experiment="x", licence="", code=CODE)


def test_a_release_is_of_the_data_that_was_trained_on(tmp_path: Path) -> None:
    model, metrics = training(tmp_path / "seed1", 1, [0.5])
    reseal(model, dataset={"kind": "jets"})
    about = {"experiment": "x", "licence": "", "code": CODE}
    for kind in ("jets", "problems"):
        with Writer.create(tmp_path / f"{kind}.h5", "jets", spec={"kind": kind}, units={}) as writer:
            writer.append("train", make_block([[(50.0, 0.1, 0.2)]], [1]))
    write_release([model], [metrics], tmp_path / "jets.h5", tmp_path / "r/m.safetensors", **about)
    with pytest.raises(UserError, match=r"problems\.h5: is of another dataset"):
        write_release([model], [metrics], tmp_path / "problems.h5", tmp_path / "s/m.safetensors", **about)


def test_a_release_that_lacks_something_is_refused(released: Path) -> None:
    known = description(released)
    del known["release"]["licence"]
    with pytest.raises(UserError, match="lacks 'licence'"):
        check_release(released, known, "bbbb")


def test_a_model_that_is_not_released_says_so(tmp_path: Path) -> None:
    model, _ = training(tmp_path / "seed1", 1, None)
    (line,) = check_release(model, description(model), "")
    assert "not a released model" in line
