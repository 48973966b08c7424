"""Which optimiser moves which parameters, and a step of `muon` by hand."""

import pytest
import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.models import build_network
from jetpulse.training.loop import train_network
from jetpulse.training.objectives import Batch
from jetpulse.training.optimisers import make_optimisers
from jetpulse.training.steps import Stepper
from toys import CLASSIFICATION, builder, experiment, load_both, weight_bytes, write_images


def muon(network: nn.Module, **settings) -> dict[str, torch.optim.Optimizer]:
    return make_optimisers(network, Training(optimiser="muon", **settings))


def shapes(optimiser: torch.optim.Optimizer) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for group in optimiser.param_groups for parameter in group["params"]]


def test_large_matrices_are_moved_by_muon_and_all_else_by_adamw():
    network = nn.Sequential(nn.Linear(7, 64), nn.Linear(64, 32), nn.LayerNorm(32), nn.Linear(32, 31), nn.Linear(31, 2))
    made = muon(network, betas=[0.5, 0.9], weight_decay=0.1)
    assert shapes(made["matrices"]) == [(32, 64)]
    assert shapes(made[""]) == [(64, 7), (64,), (32,), (32,), (32,), (31, 32), (31,), (2, 31), (2,)]
    assert isinstance(made[""], torch.optim.AdamW)
    assert made[""].defaults["betas"] == (0.5, 0.9)
    assert [optimiser.defaults["weight_decay"] for optimiser in made.values()] == [0.1, 0.1]


@pytest.mark.parametrize(("rows", "names"), [(31, [""]), (32, ["matrices"])])
def test_a_network_of_one_kind_has_one_optimiser(rows, names):
    assert list(muon(nn.Linear(40, rows, bias=False))) == names


def test_a_step_of_muon_moves_every_direction_alike():
    # Of a gradient U S V the step keeps U V, up to the half to one and a half that its five iterations leave of 1; its
    # length is 0.2 of the learning rate times the square root of the longer side.
    generator = torch.Generator().manual_seed(1)
    u, v = (torch.linalg.qr(torch.randn(n, n, generator=generator))[0] for n in (32, 50))
    sizes = torch.logspace(0, -1, 32)
    weight = nn.Parameter(torch.zeros(32, 50))
    network = nn.Module()
    network.weight = weight
    (optimiser,) = muon(network, learning_rate=0.01).values()
    weight.grad = u @ torch.cat([torch.diag(sizes), torch.zeros(32, 18)], 1) @ v
    optimiser.step()
    step = -(u.T @ weight.detach() @ v.T) / (0.01 * 0.2 * 50**0.5)
    diagonal = step.diagonal()
    assert diagonal.min() > 0.5
    assert diagonal.max() < 1.5
    assert (step - torch.cat([torch.diag(diagonal), torch.zeros(32, 18)], 1)).abs().max() < 0.05


def test_the_learning_rate_of_both_follows_the_schedule():
    made = Stepper(
        build_network("dense", (40,), 2, {"hidden": [40]}),
        CLASSIFICATION,
        Training(optimiser="muon", learning_rate=0.3, warmup=9, batch=10),
        entries=50,
    )
    made.step(Batch(torch.ones(3, 40), {"label": torch.tensor([0, 1, 1])}), 0)
    assert list(made.all_optimisers()) == ["", ".matrices"]
    rates = [group["lr"] for optimiser in made.all_optimisers().values() for group in optimiser.param_groups]
    assert rates == pytest.approx([0.03, 0.03])


def test_a_training_by_muon_that_is_stopped_goes_on_to_the_same_bytes(tmp_path):
    inputs = load_both(write_images(tmp_path / "images.h5"))
    spec = experiment({"optimiser": "muon", "average": 0.9, "epochs": 4}, hidden=[33, 34])

    def stop(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    def train(*arguments):
        return train_network(builder(spec), CLASSIFICATION, spec.training, 1, *inputs, *arguments)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "c.safetensors", stop)
    resumed, whole = train(tmp_path / "c.safetensors"), train()
    assert weight_bytes(resumed.weights) == weight_bytes(whole.weights)
    assert resumed.history == whole.history
    adam = experiment({"optimiser": "adamw", "average": 0.9, "epochs": 4}, hidden=[33, 34])
    other = train_network(builder(adam), CLASSIFICATION, adam.training, 1, *inputs)
    assert weight_bytes(other.weights) != weight_bytes(whole.weights)
