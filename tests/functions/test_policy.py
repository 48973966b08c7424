"""The policy network: its arguments, the chain from episodes to predictions, and that it learns."""

import numpy as np
import pytest
import torch

from jetpulse.config import parse_config
from jetpulse.config.networks import fits_itself, model_input
from jetpulse.config.streams import Stream
from jetpulse.errors import UserError
from jetpulse.evaluation.files import write_metrics
from jetpulse.models import build_network, count_parameters
from jetpulse.problems.trigger import Trigger, pulses_of, returns, run_trigger
from jetpulse.samples import load_json, read_attributes, read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import load_model, write_predictions
from toy_episodes import SIZES, STREAM, policy_experiment, stream, write_episodes
from toy_jets import assert_one_line
from toys import CPU, read_rows

EXPERIMENT = {"task": "control", "dataset": "stream", "model": {"name": "policy"}}


def config(**changes) -> dict:
    """Return a configuration of one policy."""
    datasets = {
        "stream": {"kind": "problems", "source": {"stream": {"n": 50}}},
        "points": {"kind": "problems", "source": {"points": {"shape": "moons"}}},
    }
    return {"datasets": datasets, "experiments": {"e": EXPERIMENT | changes}}


def test_size_does_not_depend_on_the_number_of_steps():
    for steps in (2, 500):
        network = build_network("policy", (steps,), 3, {"memory": 3, "hidden": [5]})
        assert count_parameters(network) == (6 * 5 + 5) + (5 * 3 + 3)
    assert network(torch.zeros(7, 6)).shape == (7, 3)
    assert build_network("policy", (2,), 3, {"hidden": []})(torch.zeros(0, 8)).shape == (0, 3)


def test_it_learns_by_steps_of_an_optimiser_and_reads_episodes():
    assert not fits_itself("policy")
    assert model_input("policy") == "episodes"
    parsed = parse_config(config(training={"optimiser": "rmsprop", "schedule": "cosine", "clip": 1.0}), "my.yaml")
    assert parsed.experiments["e"].model.arguments()["rollouts"] == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"normalise": "standard"}}, "training.normalise: entries are rates that no trigger sees"),
        ({"dataset": "points"}, "'points' has classes to be learned, task 'control' needs episodes"),
        ({"task": "classification", "dataset": "points"}, "'policy' does not learn classification"),
        ({"model": {"name": "dense"}}, "'dense' does not learn control"),
        ({"model": {"name": "policy", "rollouts": 1}}, "argument 'rollouts'"),
        ({"model": {"name": "policy", "discount": 1.5}}, "argument 'discount'"),
        ({"training": {"fresh": {}}}, "training.fresh"),
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_one_line(changes, message):
    with pytest.raises(UserError) as error:
        parse_config(config(**changes), "my.yaml")
    assert_one_line(error, message)


def train(samples, folder, seed=1, training=None, **options):
    write_model(samples, folder / "m.safetensors", policy_experiment(training, memory=2), seed, **options)
    return folder / "m.safetensors"


def test_from_episodes_to_metrics_with_the_same_bytes_twice_and_interrupted(tmp_path):
    samples = write_episodes(tmp_path / "s.h5")

    def stop(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(samples, tmp_path / "b", checkpoints=tmp_path / "c", report=stop, checkpoint_seconds=0)
    lines = []
    for name in ("a", "b"):
        model = train(samples, tmp_path / name, checkpoints=tmp_path / "c" if name == "b" else None, log=lines.append)
        write_predictions(model, tmp_path / name / "p.h5", {"toys": samples}, device="cpu")
        write_metrics(tmp_path / name / "p.h5", tmp_path / name / "metrics.json", "control", {"toys": samples})
    assert sum("resuming" in line for line in lines) == 1
    for name in ("m.safetensors", "model.json", "history.csv", "p.h5", "metrics.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    predicted, stored = read_block(tmp_path / "a" / "p.h5", "toys").entries, read_block(samples, "test").entries
    assert set(predicted) == {"event", "return", "level", "accepted"}
    np.testing.assert_array_equal(predicted["event"], stored["event"])
    assert set(read_attributes(tmp_path / "a" / "p.h5", "predictions")["units"]) == {"return", "level", "accepted"}
    columns = ["epoch", "train_loss", "train_return", "val_loss", "val_return"]
    rows = read_rows(tmp_path / "a" / "history.csv")
    assert list(rows[0]) == columns
    for row in rows:  # the loss is minus the mean reward of a step
        assert float(row["val_loss"]) == pytest.approx(-float(row["val_return"]) / STREAM.steps)
    metrics = load_json(tmp_path / "a" / "metrics.json")["toys"]
    assert metrics["entries"] == SIZES["test"]
    assert metrics["return"] == pytest.approx(predicted["return"].mean())
    assert train(samples, tmp_path / "d", seed=2).read_bytes() != (tmp_path / "a" / "m.safetensors").read_bytes()


def test_the_last_row_of_the_history_is_what_the_model_does(tmp_path):
    samples = write_episodes(tmp_path / "s.h5")
    network, _, _ = load_model(train(samples, tmp_path), CPU)
    entries = read_block(samples, "val").entries
    trigger = Trigger(STREAM, pulses_of(STREAM, entries["features"], entries["event"]), network.memory)
    with torch.inference_mode():
        course = run_trigger(trigger, lambda now: network(torch.from_numpy(now.observe())).argmax(1).numpy())
    expected = float(read_rows(tmp_path / "history.csv")[-1]["val_return"])
    assert returns(STREAM, course.accepted).mean() == pytest.approx(expected)


def test_a_model_of_other_episodes_is_refused(tmp_path):
    model = train(write_episodes(tmp_path / "s.h5"), tmp_path)
    other = write_episodes(tmp_path / "o.h5", stream(steps=13))
    with pytest.raises(UserError) as error:
        write_predictions(model, tmp_path / "p.h5", {"toys": other}, device="cpu")
    assert_one_line(error, "o.h5", "the model was trained on")
    assert not (tmp_path / "p.h5").exists()


@pytest.mark.parametrize("seed", [1, 2])
def test_it_learns_to_hold_the_rate_better_than_any_fixed_threshold(seed, tmp_path):
    samples = write_episodes(tmp_path / "s.h5", Stream(n=80, steps=100), {"train": 50, "val": 0, "test": 30})
    training = {"batch": 10, "epochs": 5, "learning_rate": 0.02}
    model = tmp_path / "m.safetensors"
    write_model(samples, model, policy_experiment(training, hidden=[8]), seed)
    write_predictions(model, tmp_path / "p.h5", {"toys": samples}, device="cpu")
    write_metrics(tmp_path / "p.h5", tmp_path / "metrics.json", "control", {"toys": samples})
    found = load_json(tmp_path / "metrics.json")["toys"]
    assert found["advantage"] > 5 * found["advantage_error"]
    assert found["ahead"] > 0.8
    assert found["return"] < found["informed_return"]
