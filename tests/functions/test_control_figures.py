"""Figures of trigger control: drawn from real files, the same bytes twice, one line for what cannot be drawn."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.evaluation.control import Judged
from jetpulse.figures.control import Curve, choose_examples, returns_figure
from jetpulse.problems.trigger import thresholds
from jetpulse.training.files import write_model
from jetpulse.training.trained import write_predictions
from toy_episodes import STREAM, policy_experiment, stream, write_episodes
from toys import reseal


def trained(folder: Path, samples: Path, seed: int = 1, **training) -> Path:
    """Return the folder of a tiny policy with its predictions of a dataset called toys."""
    write_model(samples, folder / "m.safetensors", policy_experiment(training), seed)
    write_predictions(folder / "m.safetensors", folder / "predictions.h5", {"toys": samples}, device="cpu")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder with samples.h5, and predictions and history of two seeds."""
    folder = tmp_path_factory.mktemp("control")
    for seed in (1, 2):
        trained(folder / f"seed{seed}", write_episodes(folder / "samples.h5"), seed)
    return folder


def call(folder: Path, out: Path, seeds=(1, 2), dataset: str = "toys", histories=None) -> int:
    arguments = ["plot-control", *(str(folder / f"seed{seed}/predictions.h5") for seed in seeds)]
    arguments += ["--histories", *(f"{s}={folder / f'seed{s}/history.csv'}" for s in histories or seeds)]
    arguments += ["--samples", str(folder / "samples.h5"), "--dataset", dataset]
    return main([*arguments, "--returns", str(out / "returns.svg"), "--episodes", str(out / "episodes.svg")])


def test_both_figures_are_drawn_with_the_same_bytes_twice(made, tmp_path):
    for name in ("a", "b"):
        assert call(made, tmp_path / name) == 0
    for name in ("returns.svg", "episodes.svg"):
        content = (tmp_path / "a" / name).read_bytes()
        assert content == (tmp_path / "b" / name).read_bytes()
        assert len(content) > 10_000


@pytest.mark.parametrize(
    ("settings", "sizes", "training"),
    [
        ({}, {"train": 8, "val": 0, "test": 1}, {}),
        ({"steps": 2}, {"train": 8, "val": 2, "test": 2}, {"steps": 1, "epochs": 1}),
        ({"drift": 0.0, "jumps": 0.0, "levels": 2}, {"train": 8, "val": 2, "test": 3}, {}),
        ({"drift": 2.0, "jumps": 2.0}, {"train": 8, "val": 2, "test": 4}, {"max_train": 5, "steps": 2}),
    ],
    ids=str,
)
def test_few_episodes_and_extreme_ones_are_drawn(settings, sizes, training, tmp_path):
    trained(tmp_path / "seed1", write_episodes(tmp_path / "samples.h5", stream(**settings), sizes), **training)
    assert call(tmp_path, tmp_path, seeds=[1]) == 0


def test_what_is_shown_is_what_was_given():
    fixed = np.array([[-4.0, -1.0, -3.0, -9, -9, -9, -9], [-6.0, -2.0, -1.0, -9, -9, -9, -9]])
    judged = [Judged(np.array(p), fixed, np.array([-0.5, -0.7])) for p in ([-0.8, -1.9], [-1.0, -0.9])]
    history = {"train_return": np.array([-5.0, -3.0]), "val_return": np.array([-4.0, -2.0])}
    curve = Curve(np.array([40, 80]), history, kept=1)
    learning, levels, single = returns_figure({"1": curve, "7": curve}, judged, STREAM).axes
    drawn = [line.get_xydata().tolist() for line in learning.lines]
    assert [[40, -5], [80, -3]] in drawn
    assert [[40, -4], [80, -2]] in drawn
    assert [[40, -4]] in drawn  # the weights that were kept
    # Of means -5, -1.5, -2 the second is the best.
    assert any(set(line.get_ydata()) == {-1.5} for line in learning.lines)
    np.testing.assert_allclose(levels.lines[0].get_xydata()[:3], [[0, -5], [5, -1.5], [10, -2]])
    assert thresholds(STREAM)[1] == 5
    np.testing.assert_allclose(single.lines[0].get_xydata(), [[-1, -0.8], [-2, -1.9]])
    assert single.get_title() == "test episodes: 2, ahead in 75 %"


def test_examples_are_the_worst_the_median_and_the_best():
    np.testing.assert_array_equal(choose_examples(np.array([5.0, 1.0, 3.0, 9.0, 2.0])), [1, 2, 3])
    np.testing.assert_array_equal(choose_examples(np.array([5.0, 1.0])), [1, 0])
    np.testing.assert_array_equal(choose_examples(np.array([5.0])), [0])
    assert len(choose_examples(np.zeros(0))) == 0


def other_history(folder: Path) -> None:
    (folder / "seed1/history.csv").write_text("epoch,train_loss\n1,0.5\n")
    reseal(folder / "seed1/model.safetensors")


def other_model(folder: Path) -> None:
    reseal(folder / "seed1/model.safetensors", arguments={})


def other_samples(folder: Path) -> None:
    write_episodes(folder / "samples.h5", sizes={"train": 16, "val": 6, "test": 4})


def other_stream(folder: Path) -> None:
    write_episodes(folder / "samples.h5", stream(seed=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_history, "history.csv: lacks train_return; expected the history of a policy"),
        (other_model, "model.json: lacks 'rollouts'; expected that of a policy"),
        (other_samples, "5 entries, the test split of"),
        (other_stream, "toys: entry 0: accepted"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_leaves_nothing(made, tmp_path, capsys, change, message):
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    change(folder)
    capsys.readouterr()
    assert call(folder, tmp_path / "out") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jetpulse plot-control: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert not list((tmp_path / "out").glob("*"))


def test_a_history_for_each_of_the_predictions(made, tmp_path, capsys):
    assert call(made, tmp_path / "out", histories=[1]) == 1
    assert "--histories: 1 for 2 predictions; give one for each seed" in capsys.readouterr().err
    assert call(made, tmp_path / "out", dataset="others") == 1
    assert "was not tested on 'others', found toys" in capsys.readouterr().err
