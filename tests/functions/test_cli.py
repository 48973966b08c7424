"""The command line as a person meets it: manual pages, mistakes in one line, exit codes."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jetpulse
from jetpulse.cli import VERBS, build_parser, code_roots, main
from jetpulse.samples import load_json
from jetpulse.training.files import write_model
from toys import STEPS, experiment, specification, write_images, write_predictions_file

NAMES = [name for names in VERBS.values() for name in names]
SPEC = json.dumps(specification())


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run a verb in this process; return exit code, standard output and standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def assert_mistake(result: tuple[int, str, str], *fragments: object, verb: str = "") -> None:
    """Check for exit code 1 and one line, after the lines of the log, that contains every fragment."""
    code, _, err = result
    assert code == 1, err
    assert "Traceback" not in err
    mistakes = [line for line in err.splitlines() if line.startswith(f"jetpulse {verb}".rstrip() + ":")]
    assert mistakes == err.splitlines()[-1:], err
    for fragment in fragments:
        assert str(fragment) in mistakes[0]


@pytest.fixture
def images(tmp_path) -> Path:
    return write_images(tmp_path / "images.h5")


def test_the_overview_names_every_verb(capsys):
    code, out, err = run(capsys, "--help")
    assert (code, err) == (0, "")
    assert all(re.search(rf"^    {name}\b", out, re.MULTILINE) for name in NAMES)


def test_the_version_is_that_of_the_package(capsys):
    assert run(capsys, "--version") == (0, f"jetpulse {jetpulse.__version__}\n", "")


@pytest.mark.parametrize("name", NAMES)
def test_the_manual_page_of_a_verb_is_complete(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = run(capsys, name, "--help")
    assert (code, err) == (0, "")
    (subparsers,) = (action for action in build_parser(name)._actions if action.dest == "verb")
    actions = subparsers.choices[name]._actions
    for action in actions:
        assert action.help
        shown = action.option_strings or [action.metavar]
        assert all(flag in out for flag in shown)
    described = out.split("positional arguments:")[0].split("\n\n", 1)[1]
    assert described.startswith(build_parser(name)._subparsers._group_actions[0]._choices_actions[0].help)


@pytest.mark.parametrize("name", NAMES)
def test_the_manual_page_of_a_verb_has_an_example_that_can_be_parsed(capsys, name):
    _, out, _ = run(capsys, name, "--help")
    assert "Example:" in out
    example = out.split("Example:\n")[1].split("\n\n")[0].replace("\\\n", " ")
    # Every call prints its arguments, each with a null character behind it, and a line's end.
    script = 'jetpulse() { printf "%s\\0" "$@"; echo; }; ' + example
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    calls = shell.stdout.split("\0\n")[:-1]
    assert calls
    for call in calls:
        assert build_parser(name).parse_args(call.split("\0")).verb == name


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_of_a_manual_page_fit_on_a_terminal(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "100")
    _, out, _ = run(capsys, name, "--help")
    assert [line for line in out.splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_has_a_root_for_the_hash_of_its_code(name):
    module, _, function = code_roots(name).partition(":")
    assert module.split(".")[1] in VERBS
    assert function == name.replace("-", "_")


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ([], ["VERB"]),
        (["trian"], ["'trian'", "train"]),
        (["train"], ["INPUTS", "--spec", "--seed"]),
        (["train", "i.h5", "m.safetensors", "--spec", "{}", "--seed", "one"], ["--seed", "'one'"]),
        (["train", "i.h5", "m.safetensors", "--spec", "{}", "--seed", "1", "--sed", "2"], ["--sed"]),
        (["predict", "m.safetensors", "p.h5", "--on", "a=i.h5", "--device", "gpu"], ["--device", "'gpu'", "cuda"]),
        (["evaluate", "p.h5", "m.json"], ["--task"]),
        (["simulate-jets", "o.h5", "--spec", "{}", "--process", "bottom", "--block", "0"], ["'bottom'", "qcd"]),
    ],
)
def test_a_wrong_call_is_one_line_that_points_to_the_manual(capsys, arguments, fragments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "--help`" in err
    assert all(fragment in err for fragment in fragments)


@pytest.mark.parametrize(
    ("spec", "fragments"),
    [
        ("{", ["--spec", "not valid JSON"]),
        ("", ["--spec", "not valid JSON"]),
        ("3", ["--spec", "3"]),
        ("[]", ["--spec"]),
        ('{"model": {"name": "dense", "name": "logistic"}}', ["--spec", "'name' is given twice"]),
        ('{"training": {"learning_rate": NaN}}', ["--spec", "NaN"]),
        ('{"seeds": [' + "9" * 5000 + "]}", ["--spec", "not valid JSON", "4300"]),
        ('{"seeds": ' + "[" * 60 + "]" * 60 + "}", ["--spec", "nested more than 50 levels deep"]),
        ("[" * 100_000, ["--spec", "nested more than 50 levels deep"]),
        (json.dumps(specification() | {"modle": {}}), ["modle", "did you mean 'model'?"]),
        (json.dumps(specification({"optimizer": "adam"})), ["training.optimizer", "did you mean 'optimiser'?"]),
        (json.dumps(specification({"optimiser": "adamm"})), ["training.optimiser", "'adamm'", "did you mean 'adam'?"]),
        (json.dumps(specification({"batch": 0})), ["training.batch", "0"]),
        (json.dumps(specification(name="dens")), ["model", "'dens'", "did you mean 'dense'?"]),
        (json.dumps(specification(hiden=[3])), ["model", "'hiden'", "hidden"]),
        ('{"dataset": "toys", "representation": "images"}', ["model", "required"]),
        (json.dumps(specification() | {"task": "localization"}), ["task", "did you mean 'localisation'?"]),
        (
            json.dumps(specification() | {"model": {"name": "gan"}}),
            ["'gan' does not learn classification", "dense, digit-cnn, estimator, jet-cnn"],
        ),
        (json.dumps(specification({"fresh": {"entires": 3}})), ["training.fresh.entires", "'entries'"]),
        (json.dumps(specification({"betas": [0.9]})), ["training.betas", "[0.9]"]),
        (json.dumps(specification({"average": 1.0})), ["training.average", "1.0"]),
        (json.dumps(specification({"steps": 0})), ["training.steps", "0"]),
        (json.dumps(specification({"fresh": {}, "max_train": 5})), ["training", "max_train", "fresh"]),
        ("@none.json", ["none.json", "No such file"]),
        ("@.", ["directory"]),
    ],
)
def test_a_wrong_spec_is_one_line(capsys, images, monkeypatch, tmp_path, spec, fragments):
    monkeypatch.chdir(tmp_path)
    result = run(capsys, "train", images, tmp_path / "m" / "model.safetensors", "--seed", 1, "--spec", spec)
    assert_mistake(result, *fragments, verb="train")
    assert result[2].count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["images.h5"]


def test_a_spec_file_that_is_no_text_is_one_line(capsys, images, tmp_path):
    (tmp_path / "spec.json").write_bytes(b"\xff\xfe\x00{")
    spec = f"@{tmp_path / 'spec.json'}"
    assert_mistake(run(capsys, "train", images, tmp_path / "m.safetensors", "--seed", 1, "--spec", spec), verb="train")


def test_several_mistakes_in_a_spec_are_a_line_each(capsys, images, tmp_path):
    spec = json.dumps(specification({"batch": 0, "epochs": 0}))
    code, _, err = run(capsys, "train", images, tmp_path / "m.safetensors", "--seed", 1, "--spec", spec)
    assert code == 1
    assert [line.split(": ")[2] for line in err.splitlines()] == ["training.batch", "training.epochs"]


def test_a_spec_can_be_read_from_a_file(capsys, images, tmp_path):
    (tmp_path / "spec.json").write_text(SPEC)
    for name, spec in (("a", SPEC), ("b", f"@{tmp_path / 'spec.json'}")):
        assert run(capsys, "train", images, tmp_path / name / "m.safetensors", "--seed", 1, "--spec", spec)[0] == 0
    assert (tmp_path / "a" / "m.safetensors").read_bytes() == (tmp_path / "b" / "m.safetensors").read_bytes()


def test_a_negative_seed_is_refused(capsys, images, tmp_path):
    result = run(capsys, "train", images, tmp_path / "m.safetensors", "--seed", -1, "--spec", SPEC)
    assert_mistake(result, "seed", "-1", verb="train")


def test_a_negative_block_is_refused(capsys, tmp_path):
    spec = '{"jets_per_class": 2}'
    result = run(capsys, "simulate-jets", tmp_path / "o.h5", "--spec", spec, "--process", "qcd", "--block", -1)
    assert_mistake(result, "block", "-1", verb="simulate-jets")


@pytest.mark.parametrize(
    ("on", "fragments"),
    [
        (["toys"], ["--on toys", "NAME=FILE"]),
        (["=i.h5"], ["--on =i.h5", "NAME=FILE"]),
        (["toys="], ["--on toys=", "NAME=FILE"]),
        (["toys=a.h5", "toys=b.h5"], ["--on", "'toys'", "twice"]),
    ],
)
def test_malformed_pairs_are_one_line(capsys, tmp_path, on, fragments):
    result = run(capsys, "predict", tmp_path / "m.safetensors", tmp_path / "p.h5", "--on", *on)
    assert_mistake(result, *fragments, verb="predict")
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_pair_may_contain_an_equals_sign(capsys, tmp_path):
    path = write_images(tmp_path / "a=b.h5", steps=STEPS)
    write_model(path, tmp_path / "m.safetensors", experiment(), 1)
    result = run(capsys, "predict", tmp_path / "m.safetensors", tmp_path / "p.h5", "--on", f"toys={path}")
    assert result[0] == 0
    assert (tmp_path / "p.h5").exists()


def test_a_mistake_in_the_input_is_one_line_and_nothing_is_left(capsys, tmp_path):
    (tmp_path / "images.h5").write_bytes(b"not HDF5 at all" * 100)
    result = run(capsys, "train", tmp_path / "images.h5", tmp_path / "m" / "m.safetensors", "--seed", 1, "--spec", SPEC)
    assert_mistake(result, tmp_path / "images.h5", "not an HDF5 file", verb="train")
    assert [path.name for path in tmp_path.iterdir()] == ["images.h5"]


def test_a_dataset_of_one_class_is_one_line_and_nothing_is_left(capsys, tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {"toys": ([1, 1], [0.4, 0.6])})
    result = run(capsys, "evaluate", path, tmp_path / "m.json", "--task", "classification")
    assert_mistake(result, path, "toys", "needs both", verb="evaluate")
    assert [file.name for file in tmp_path.iterdir()] == ["p.h5"]


def test_a_defect_of_the_program_is_told_from_a_mistake(capsys, monkeypatch, tmp_path):
    from jetpulse.evaluation import files

    monkeypatch.setattr(files, "write_metrics", lambda *arguments: 1 / 0)
    code, _, err = run(capsys, "evaluate", tmp_path / "p.h5", tmp_path / "m.json", "--task", "classification")
    assert code == 2
    assert "ZeroDivisionError" in err
    assert err.splitlines()[-1].startswith("jetpulse evaluate: this is a defect")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (MemoryError, 1)])
def test_an_interruption_and_a_lack_of_memory_are_one_line(capsys, monkeypatch, tmp_path, error, code):
    from jetpulse.evaluation import files

    def fail(*arguments):
        raise error

    monkeypatch.setattr(files, "write_metrics", fail)
    found, _, err = run(capsys, "evaluate", tmp_path / "p.h5", tmp_path / "m.json", "--task", "classification")
    assert found == code
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("jetpulse evaluate: ")


def test_networks_are_listed_with_their_arguments(capsys):
    code, out, _ = run(capsys, "list-models")
    assert code == 0
    listed = dict(line.split(": ", 1) for line in out.splitlines())
    assert "kernel: 4" in listed["jet-cnn"]
    assert "dropout: 0.0" in listed["dense"]


def test_the_installed_command_does_the_same_in_a_process_of_its_own(images, tmp_path):
    command = Path(sys.executable).with_name("jetpulse")
    if not command.exists():
        pytest.skip("the package is not installed beside this Python")
    target = tmp_path / "script" / "model.safetensors"
    done = subprocess.run(
        [command, "train", images, target, "--seed", "1", "--spec", SPEC], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0].startswith(f"jetpulse {jetpulse.__version__} train (python ")
    assert len([line for line in done.stderr.splitlines() if line.startswith("epoch ")]) == 5
    write_model(images, tmp_path / "here" / "model.safetensors", experiment(), 1)
    assert target.read_bytes() == (tmp_path / "here" / "model.safetensors").read_bytes()
    assert load_json(target.with_name("model.json"))["seed"] == 1
    wrong = subprocess.run([command, "trian"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)


def test_a_job_that_is_asked_to_end_leaves_nothing_behind(tmp_path):
    command = Path(sys.executable).with_name("jetpulse")
    if not command.exists():
        pytest.skip("the package is not installed beside this Python")
    spec = '{"jets_per_class": 100000, "block": 100000}'
    arguments = [tmp_path / "out" / "top.h5", "--spec", spec, "--process", "top", "--block", "0"]
    with subprocess.Popen([command, "simulate-jets", *arguments], stderr=subprocess.DEVNULL) as job:
        while job.poll() is None and not list(tmp_path.rglob("*.tmp")):
            time.sleep(0.05)
        job.terminate()
        assert job.wait() == 128 + signal.SIGTERM
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
