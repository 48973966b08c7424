"""Arguments that many verbs share: models by file or folder, numbers within limits; and what a verb's end says."""

import argparse
import json
from pathlib import Path

import pytest

import jetpulse
from jetpulse.cli import VERBS, build_parser, main
from toys import specification, write_images

NAMES = [name for names in VERBS.values() for name in names]
SPEC = json.dumps(specification())


def run(capsys, *arguments: object) -> tuple[int, str]:
    """Run a verb in this process; return exit code and standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().err


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images.h5")


WITH_MODELS = {
    "calibrate": "model",
    "combine": "models",
    "export-onnx": "model",
    "plot-boundaries": "models",
    "plot-classes": "models",
    "plot-kernels": "models",
    "plot-regression": "models",
    "plot-saliency": "model",
    "plot-weights": "models",
    "predict": "model",
    "release": "models",
    "score": "model",
}


def model_argument(name):
    (subparsers,) = (action for action in build_parser(name)._actions if action.dest == "verb")
    found = [a for a in subparsers.choices[name]._actions if a.dest in ("model", "models")]
    return found[0] if found else None


def test_the_verbs_that_take_models_are_these():
    assert {name: model_argument(name).dest for name in NAMES if model_argument(name)} == WITH_MODELS | {
        "train": "model"
    }


@pytest.mark.parametrize("name", sorted(set(WITH_MODELS) - {"plot-boundaries"}))
def test_a_folder_is_as_good_as_the_model_in_it(tmp_path, name):
    kind = model_argument(name).type
    (tmp_path / "seed1").mkdir()
    (tmp_path / "seed1" / "model.safetensors").touch()
    assert kind(str(tmp_path / "seed1")) == kind(f"{tmp_path}/seed1/") == tmp_path / "seed1" / "model.safetensors"
    assert kind(str(tmp_path / "other.safetensors")) == tmp_path / "other.safetensors"
    with pytest.raises(argparse.ArgumentTypeError, match="there are models in seed1 inside of it"):
        kind(str(tmp_path))


def test_a_folder_is_predicted_and_drawn_like_the_model_in_it(capsys, images, tmp_path):
    assert run(capsys, "train", images, tmp_path / "m/model.safetensors", "--seed", 1, "--spec", SPEC)[0] == 0
    for model, out in ((tmp_path / "m", "a.h5"), (tmp_path / "m/model.safetensors", "b.h5")):
        assert run(capsys, "predict", model, tmp_path / out, "--on", f"toys={images}")[0] == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    empty = tmp_path / "empty"
    empty.mkdir()
    predicted = ["predict", empty, tmp_path / "c.h5", "--on", f"toys={images}"]
    drawn = ["plot-boundaries", "--models", f"a={empty}", "--samples", "b=c.h5", "--spec", "{}", "--out", "d.svg"]
    for arguments in (predicted, drawn):
        code, err = run(capsys, *arguments)
        assert code == 1
        assert "empty: a folder without model.safetensors" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        ("raise MemoryError", 1, "out of memory"),
        ("import torch; torch.empty(10**15)", 1, "out of memory"),
        ("import torch; raise torch.OutOfMemoryError('CUDA out of memory.')", 1, "out of memory"),
        ("raise RuntimeError('sizes')", 2, "this is a defect of jetpulse"),
        ("exec(compile('1 / 0', FILE, 'exec'))", 2, "a defect of the network in models/mine.py, line 1; mend it"),
    ],
)
def test_what_goes_wrong_has_its_last_line_and_exit_code(capsys, monkeypatch, raised, code, words):
    def list_models() -> None:
        exec(raised, {"FILE": str(Path(jetpulse.__file__).parent / "models" / "mine.py")})

    list_models.arguments = ()
    monkeypatch.setattr("jetpulse.cli.training.list_models", list_models)
    found, err = run(capsys, "list-models")
    assert found == code
    assert words in err.splitlines()[-1]
    assert (err.count("\n") == 1) == (code == 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "a", "b", "--spec", "{}", "--seed", "4294967296"], "--seed: 4294967296 is too large"),
        (["train", "a", "b", "--spec", "{}", "--seed", "9" * 9999], "is too large"),
        (
            ["build-jet-images", "a", "b", "--spec", "{}", "--threads", "1000000000"],
            "--threads: 1000000000 is too large",
        ),
        (["predict", "a", "b", "--on", "c=d", "--views", "1000000"], "--views: 1000000 is too large"),
    ],
)
def test_numbers_without_end_are_one_line(capsys, arguments, words):
    code, err = run(capsys, *arguments)
    assert code == 1
    assert words in err
    assert err.count("\n") == 1
    assert len(err) < 300
