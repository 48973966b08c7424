"""Networks that torch.compile translates: the same numbers up to rounding, the same bytes twice."""

import shutil
from pathlib import Path

import pytest
import torch

from jetpulse.config import Training
from jetpulse.errors import StoppedError, UserError
from jetpulse.models import build_network
from jetpulse.training.loop import Trained, prepare, train_network
from jetpulse.training.objectives import Batch
from jetpulse.training.steps import Stepper
from test_interruptions import Signalling
from toy_jets import assert_one_line
from toys import CLASSIFICATION, CPU, builder, experiment, load_both, weight_bytes, write_images

SETTINGS = {"epochs": 2, "average": 0.5, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return load_both(write_images(tmp_path_factory.mktemp("toys") / "images.h5"))


@pytest.fixture(autouse=True)
def _forget_what_was_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    torch.compiler.reset()


def train(inputs, compiled: bool, dropout: float = 0.0, objective=CLASSIFICATION, *more) -> Trained:
    spec = experiment(SETTINGS | {"compile": compiled}, dropout=dropout)
    return train_network(builder(spec), objective, spec.training, 1, *inputs, *more)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++ on a CPU")
def test_a_compiled_network_learns_the_same_and_is_resumed_to_the_same_bytes(inputs, tmp_path):
    plain, compiled = train(inputs, False), train(inputs, True)
    assert plain.weights.keys() == compiled.weights.keys()
    for name, tensor in plain.weights.items():
        torch.testing.assert_close(compiled.weights[name], tensor, rtol=1e-4, atol=1e-6)
    whole = train(inputs, True, 0.4)
    torch.compiler.reset()
    with pytest.raises(StoppedError):
        train(inputs, True, 0.4, Signalling(10, training=True, step=4), tmp_path / "c.safetensors")
    torch.compiler.reset()
    resumed = train(inputs, True, 0.4, CLASSIFICATION, tmp_path / "c.safetensors")
    assert weight_bytes(resumed.weights) == weight_bytes(whole.weights)
    assert resumed.history == whole.history


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++ on a CPU")
def test_the_reference_network_is_compiled_too():
    # Its convolutions of few filters are computed in another way when they are not.
    batch = Batch(torch.rand(8, 16, 16), {"label": torch.arange(8) % 2})
    found = []
    for compiled in (False, True):
        torch.manual_seed(1)
        network = prepare(build_network("jet-cnn", (16, 16), 2, {}), CPU)
        stepper = Stepper(network, CLASSIFICATION, Training(compile=compiled), 16)
        found.append([stepper.step(batch, number) for number in range(2)])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_that_cannot_be_compiled_is_an_error(inputs):
    broken = torch._inductor.config.patch({"cpp.cxx": (str(Path("no-such-compiler")),)})
    with broken, pytest.raises(UserError) as error:
        train(inputs, True)
    assert_one_line(error, "training.compile: torch cannot compile", "g++", "compile: false")
