"""The training loop: what it returns, when it stops, what it refuses."""

import math
import platform
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from jetpulse.errors import UserError
from jetpulse.training import devices
from jetpulse.training.devices import choose_device, describe_device
from jetpulse.training.inputs import Inputs
from jetpulse.training.loop import Trained, evaluate_network, predict_network, train_network
from jetpulse.training.objectives import Batch
from jetpulse.training.objectives.base import sums
from jetpulse.training.objectives.classification import Classification
from jetpulse.training.steps import initialise
from toy_jets import assert_one_line
from toys import CLASSIFICATION, CPU, builder, experiment, load_both, load_split, weight_bytes, write_images

OPTIMISERS = ("sgd", "adagrad", "rmsprop", "adam", "adamw", "muon")


class Scripted(Classification):
    """An objective whose validation losses are given; training minimises the mean output."""

    metrics = ()

    def __init__(self, losses: Sequence[float]) -> None:
        self.losses = iter(losses)

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        loss = network(batch.features).mean() if network.training else torch.tensor(next(self.losses))
        return loss, sums(loss, len(batch))


class Watched(Classification):
    """An objective that remembers what the network answers in training."""

    def __init__(self) -> None:
        self.shown = []

    def loss(self, network: nn.Module, batch: Batch, turn: str) -> tuple[torch.Tensor, torch.Tensor]:
        def answer(features: torch.Tensor) -> torch.Tensor:
            outputs = network(features)
            self.shown.extend([outputs.detach()] * network.training)
            return outputs

        return super().loss(answer, batch, turn)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> tuple[Inputs, Inputs]:
    return load_both(write_images(tmp_path_factory.mktemp("toys") / "images.h5"))


def train(inputs: tuple[Inputs, Inputs], seed: int = 1, **training) -> Trained:
    spec = experiment(training)
    return train_network(builder(spec), CLASSIFICATION, spec.training, seed, *inputs)


def run_script(inputs: tuple[Inputs, Inputs], losses: Sequence[float], **training) -> Trained:
    spec = experiment({"optimiser": "sgd", "learning_rate": 0.1} | training, hidden=[], dropout=0.0)
    return train_network(builder(spec), Scripted(losses), spec.training, 1, *inputs)


def test_a_network_learns(inputs):
    trained = train(inputs, epochs=20, learning_rate=0.01)
    first, last = trained.history[0], trained.history[-1]
    assert last["train_loss"] < first["train_loss"] - 0.1
    assert last["train_accuracy"] > 0.7


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(inputs, optimiser):
    first, second, other = (train(inputs, seed, optimiser=optimiser) for seed in (1, 1, 2))
    assert weight_bytes(first.weights) == weight_bytes(second.weights)
    assert first.history == second.history
    assert all(not torch.equal(first.weights[name], other.weights[name]) for name in first.weights)


def test_results_do_not_depend_on_random_numbers_drawn_before(inputs):
    first = train(inputs)
    torch.rand(7)
    np.random.default_rng().random(3)
    assert weight_bytes(train(inputs).weights) == weight_bytes(first.weights)


@pytest.mark.parametrize(
    "changed",
    [
        {"optimiser": "sgd"},
        {"learning_rate": 0.002},
        {"weight_decay": 0.1},
        {"initialisation": "he"},
        {"batch": 15},
        {"optimiser": "sgd", "momentum": 0.9},
        {"optimiser": "rmsprop", "momentum": 0.9},
        {"betas": [0.8, 0.999]},
        {"betas": [0.9, 0.99]},
        {"schedule": "cosine"},
        {"schedule": "exponential"},
        {"schedule": "one-cycle"},
        {"l1": 0.01},
        {"warmup": 3},
        {"clip": 0.01, "optimiser": "sgd"},
        {"average": 0.9},
        {"precision": "bfloat16"},
        {"steps": 7},
    ],
    ids=str,
)
def test_every_setting_has_an_effect(inputs, changed):
    alone = {key: value for key, value in changed.items() if key == "optimiser" and len(changed) > 1}
    assert weight_bytes(train(inputs, **changed).weights) != weight_bytes(train(inputs, **alone).weights)


@pytest.mark.parametrize("learning_rate", [0.01, 0.3])
def test_the_weights_returned_are_those_of_the_lowest_validation_loss(inputs, learning_rate):
    trained = train(inputs, epochs=12, learning_rate=learning_rate, patience=12)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.best_epoch == 1 + int(np.argmin(losses))
    network = builder(experiment())()
    network.load_state_dict(trained.weights)
    again = evaluate_network(network, CLASSIFICATION, inputs[1])
    assert again["loss"] == min(losses)
    assert again["accuracy"] == trained.history[trained.best_epoch - 1]["val_accuracy"]


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best"),
    [
        ([5.0, 4.0, 3.0, 4.0, 5.0, 1.0], 2, 5, 3),
        ([5.0, 4.0, 3.0, 4.0, 5.0, 1.0], 3, 6, 6),
        ([1.0, 2.0, 0.5, 3.0, 3.0, 3.0], 1, 2, 1),
        ([2.0, 2.0, 2.0, 2.0, 2.0, 2.0], 3, 4, 1),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 1, 6, 6),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None, 6, 6),
    ],
)
def test_training_stops_patience_epochs_after_the_best_one(inputs, losses, patience, epochs, best):
    trained = run_script(inputs, losses, patience=patience, epochs=6)
    assert [row["val_loss"] for row in trained.history] == losses[:epochs]
    assert [row["epoch"] for row in trained.history] == list(range(1, epochs + 1))
    assert trained.best_epoch == best
    until_then = run_script(inputs, range(best, 0, -1), epochs=best)
    assert weight_bytes(trained.weights) == weight_bytes(until_then.weights)


def test_the_history_holds_means_over_entries_also_when_batches_are_unequal(inputs):
    # A learning rate too small to change a weight: every batch sees the network of the beginning.
    spec = experiment({"optimiser": "sgd", "learning_rate": 1e-30, "epochs": 1, "batch": 17}, dropout=0.0)
    objective = CLASSIFICATION
    trained = train_network(builder(spec), objective, spec.training, 1, *inputs)
    network = builder(spec)()
    network.load_state_dict(trained.weights)
    for name, split in zip(("train", "val"), inputs, strict=True):
        logits, label = network(split.features.batch(torch.arange(len(split)))), split.targets["label"]
        loss = nn.functional.cross_entropy(logits, label).item()
        assert trained.history[0][f"{name}_loss"] == pytest.approx(loss, rel=1e-6)
        assert trained.history[0][f"{name}_accuracy"] == (logits.argmax(1) == label).double().mean().item()


def test_every_epoch_shows_all_entries_once_in_an_order_of_its_own(inputs):
    # A learning rate too small to change a weight: an entry always has the same outputs.
    spec = experiment({"optimiser": "sgd", "learning_rate": 1e-30, "epochs": 2, "initialisation": "torch"}, dropout=0.0)
    torch.manual_seed(1)
    network, watched = builder(spec)(), Watched()
    for seed in (1, 2):
        train_network(lambda: network, watched, spec.training, seed, *inputs)
    epochs = torch.cat(watched.shown).split(len(inputs[0]))
    assert len(epochs) == 4
    in_file = network(inputs[0].features.batch(torch.arange(len(inputs[0])))).detach()
    for i, epoch in enumerate(epochs):
        assert not any(torch.equal(epoch, other) for other in [in_file, *epochs[:i]])
        torch.testing.assert_close(epoch.sort(0).values, in_file.sort(0).values)


def test_every_epoch_drops_other_neurons(tmp_path):
    same = write_images(tmp_path / "i.h5", change=lambda block: block.take(np.full(len(block), 1)))
    spec = experiment({"optimiser": "sgd", "learning_rate": 1e-30, "epochs": 2, "batch": 60}, dropout=0.5)
    watched = Watched()
    train_network(builder(spec), watched, spec.training, 1, *load_both(same))
    first, second = watched.shown
    assert len(first.unique(dim=0)) > 1
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("scheme", ["glorot", "he"])
def test_initial_weights_fill_the_published_range_and_biases_are_zero(scheme):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(200, 100), nn.Conv2d(8, 16, 3))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 9.0)
    initialise(network, scheme)
    fans = [(200, 100), (8 * 9, 16 * 9)]
    for layer, (inputs, outputs) in zip(network, fans, strict=True):
        bound = math.sqrt(6 / (inputs + outputs)) if scheme == "glorot" else math.sqrt(6 / inputs)
        weight = layer.weight.detach()
        assert 0.98 * bound < weight.abs().max() <= bound
        # Uniform on (-b, b): standard deviation b / sqrt(3).
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
        assert not layer.bias.any()


def test_initialising_as_torch_does_changes_nothing():
    network = nn.Linear(3, 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    initialise(network, "torch")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_layers_without_bias_are_initialised():
    initialise(nn.Linear(3, 2, bias=False), "glorot")


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_validation_loss_that_is_not_a_number_is_refused_with_its_epoch(inputs, epoch):
    with pytest.raises(UserError) as error:
        run_script(inputs, [1.0] * (epoch - 1) + [math.nan])
    assert_one_line(error, f"epoch {epoch}: val_loss is nan", "learning_rate")


def test_a_learning_rate_that_is_far_too_large_is_refused(inputs):
    with pytest.raises(UserError) as error:
        train(inputs, optimiser="sgd", learning_rate=1e30)
    assert_one_line(error, "epoch ", "_loss is ", "learning_rate")


def test_infinite_inputs_are_refused(tmp_path):
    def spoil(block):
        block.flat["value"][3] = np.inf
        return block

    with pytest.raises(UserError) as error:
        train(load_both(write_images(tmp_path / "i.h5", change=spoil)))
    assert_one_line(error, tmp_path / "i.h5", "value is inf, expected a finite number")


def test_predictions_are_probabilities_in_the_order_of_the_entries(inputs):
    network = builder(experiment())()
    predicted = predict_network(network, CLASSIFICATION, inputs[0])["probability"]
    assert predicted.dtype == torch.float64
    torch.testing.assert_close(predicted.sum(1), torch.ones(60, dtype=torch.float64), rtol=0, atol=1e-15)
    one = torch.softmax(network(inputs[0].features.batch(torch.tensor([41]))).double(), 1)
    torch.testing.assert_close(predicted[41:42], one, check_dtype=True)


def test_a_split_of_many_entries_is_evaluated_as_if_it_were_one_batch(tmp_path):
    inputs = load_split(write_images(tmp_path / "i.h5", sizes={"val": 2300}), "val")
    network = builder(experiment())().eval()
    logits = network(inputs.features.batch(torch.arange(2300))).detach()
    measured = evaluate_network(network, CLASSIFICATION, inputs)
    assert measured["loss"] == pytest.approx(
        nn.functional.cross_entropy(logits, inputs.targets["label"]).item(), rel=1e-6
    )
    assert measured["accuracy"] == (logits.argmax(1) == inputs.targets["label"]).double().mean().item()
    predicted = predict_network(network, CLASSIFICATION, inputs)["probability"]
    torch.testing.assert_close(predicted, torch.softmax(logits.double(), 1), rtol=1e-5, atol=1e-7)


def test_a_device_is_chosen_and_the_number_of_threads_set():
    assert choose_device("cpu", 1) == CPU
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert choose_device("auto", 1).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a GPU")
def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(UserError) as error:
        choose_device("cuda", 1)
    assert_one_line(error, "--device: cuda", "sees no GPU", torch.__version__, "--device cpu")
    with pytest.raises(UserError) as error:
        choose_device("cuda", 1, "training.device")
    assert_one_line(error, "training.device: cuda", "training.device cpu")


@pytest.fixture
def three_gpus(monkeypatch) -> list[int]:
    """Let torch see GPUs that are not there; return which are chosen."""
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_every_process_has_a_gpu_of_its_own(three_gpus, name):
    assert choose_device(name, 1) == torch.device("cuda")
    found = [choose_device(name, 1, "training.device", 3, place) for place in range(3)]
    assert found == [torch.device("cuda", place) for place in range(3)]
    assert three_gpus == [0, 1, 2]
    assert choose_device("cpu", 1, "training.device", 7, 6) == CPU


def test_more_processes_than_gpus_are_an_error(three_gpus):
    with pytest.raises(UserError) as error:
        choose_device("auto", 1, "training.device", 4, 0)
    assert_one_line(error, "training.processes: 4 exceeds the 3 GPUs", "training.device cpu")


def test_the_log_names_device_driver_and_versions(monkeypatch, tmp_path):
    class Properties:
        total_memory = 80 * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    monkeypatch.setattr(devices, "_DRIVER", tmp_path / "version")
    assert "driver unknown, " in describe_device(torch.device("cuda"))
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build"
    (tmp_path / "version").write_text(line)
    described = describe_device(torch.device("cuda"))
    assert described.startswith("A GPU, 80 GiB, driver 550.54.14, CUDA ")
    assert described.endswith(f"torch {torch.__version__}")
    choose_device("cpu", 1)
    assert describe_device(CPU) == f"CPU, 1 threads, torch {torch.__version__}"


def test_memory_given_back_by_large_tensors_is_used_again():
    script = """
import resource, torch
from jetpulse.training.devices import choose_device
choose_device("cpu", 1)
for _ in range(2):
    torch.ones(1 << 25).sum()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(1 << 25).sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc has the settings")
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # New memory for each of ten tensors of 128 MiB would be 327,680 pages; a few may not fit into what is there.
    assert int(ran.stdout) < 327_680 / 2


def test_products_are_those_of_whole_float32_numbers_and_no_algorithm_is_chosen_by_time():
    choose_device("cpu", 1)
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.benchmark
