"""What a classifier looks at: gradients by class, of images and of constituents."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from jetpulse.cli import main
from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.saliency import gradients, log_odds, mean_in_bins, measure_saliency
from jetpulse.figures.saliency import constituent_saliency, image_saliency
from jetpulse.jets.images import to_dense
from jetpulse.samples import Writer, read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import load_model
from toy_jets import assert_one_line, make_block, random_jets
from toys import PIXELS, specification, task_experiment, write_images, write_spectra

PARTICLES = {"name": "particle-transformer", "width": 4, "heads": 1, "blocks": 1, "pair_width": 2}


def test_log_odds_do_not_see_what_all_logits_share():
    logits = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    torch.testing.assert_close(log_odds(logits), torch.tensor([2.0, 0.0]))
    torch.testing.assert_close(log_odds(logits + 5), log_odds(logits))
    three = torch.log(torch.tensor([[0.2, 0.5, 0.3]]))
    torch.testing.assert_close(log_odds(three), torch.tensor([0.0]), atol=1e-6, rtol=0)


def test_the_gradient_of_a_linear_network_is_its_weights():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    found = gradients(network, torch.randn(3, 2, 2))
    weight = (network[1].weight[1] - network[1].weight[0]).view(2, 2)
    torch.testing.assert_close(found, weight.expand(3, 2, 2))


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("images")
    inputs, model = write_images(folder / "images.h5"), folder / "model.safetensors"
    write_model(inputs, model, Experiment.model_validate(specification({"epochs": 2})), 1)
    return model, inputs


@pytest.fixture(scope="module")
def particles(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("particles")
    inputs, model = folder / "samples.h5", folder / "model.safetensors"
    with Writer.create(inputs, "jets", spec={"kind": "jets"}, units={}) as writer:
        for number, split in enumerate(("train", "val", "test")):
            writer.append(split, make_block(random_jets(number, 30, 8), first=100 * number))
    spec = specification({"epochs": 1}) | {"model": PARTICLES, "representation": "samples"}
    write_model(inputs, model, Experiment.model_validate(spec), 1)
    return model, inputs


def test_images_and_gradients_are_averaged_by_class(images):
    model, inputs = images
    found = measure_saliency(model, inputs, 1000)
    block = read_block(inputs, "test")
    dense = to_dense(block.offsets, block.flat["pixel"], block.flat["value"], PIXELS)
    network = load_model(model, torch.device("cpu"))[0].eval()
    slopes = gradients(network, torch.from_numpy(dense)).numpy()
    for label in (0, 1):
        chosen = block.entries["label"] == label
        assert found.jets[label] == chosen.sum() > 0
        np.testing.assert_allclose(found.image[label], dense[chosen].mean(axis=0), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.gradient[label], slopes[chosen].mean(axis=0), rtol=1e-4, atol=1e-6)
    assert image_saliency(found).axes[0].get_title().startswith("top")


def test_fewer_jets_are_a_part_that_does_not_depend_on_the_order(images):
    model, inputs = images
    few = measure_saliency(model, inputs, 5)
    assert sum(few.jets.values()) == 5
    again = measure_saliency(model, inputs, 5)
    np.testing.assert_array_equal(few.gradient[1], again.gradient[1])


def test_the_effect_of_a_constituent_is_that_of_scaling_its_momentum(particles):
    model, inputs = particles
    found = measure_saliency(model, inputs, 1000)
    block = read_block(inputs, "test")
    assert len(found.effect) == len(found.rank) == len(block.flat["constituents"])
    assert np.all(np.isfinite(found.effect))
    assert found.rank.max() == np.diff(block.offsets).max() - 1
    network = load_model(model, torch.device("cpu"))[0].eval()
    jet = torch.from_numpy(block.flat["constituents"][: block.offsets[1]])
    for rank in range(len(jet)):
        up, down = (jet.clone() for _ in range(2))
        up[rank] *= np.exp(0.02)
        down[rank] *= np.exp(-0.02)
        with torch.no_grad():
            change = (log_odds(network(up[None])) - log_odds(network(down[None]))) / 0.04
        assert found.effect[rank] == pytest.approx(abs(float(change)), rel=0.05, abs=1e-4)
    assert len(constituent_saliency(found).axes) == 2


def test_means_in_bins_have_the_error_of_the_mean():
    values, position = np.array([1.0, 3.0, 5.0, 9.0]), np.array([0.1, 0.2, 1.5, 7.0])
    mean, error = mean_in_bins(values, position, np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(mean, [2.0, np.nan])
    np.testing.assert_allclose(error, [1.0, np.nan])


def test_what_has_no_gradient_or_other_inputs_is_refused(tmp_path, images):
    model, _ = images
    other = write_images(tmp_path / "other.h5", steps=("centre",))
    with pytest.raises(UserError) as error:
        measure_saliency(model, other, 10)
    assert_one_line(error, other, "made with")
    spectra, vae = write_spectra(tmp_path / "spectra.h5"), tmp_path / "vae" / "model.safetensors"
    write_model(spectra, vae, task_experiment("variational", {"epochs": 1, "normalise": "residual"}), 1)
    with pytest.raises(UserError) as error:
        measure_saliency(vae, spectra, 10)
    assert_one_line(error, vae, "variational")


@pytest.mark.parametrize("kind", ["images", "particles"])
def test_the_command_draws_both_kinds(tmp_path, request, capsys, kind):
    model, inputs = request.getfixturevalue(kind)
    for name in ("a.svg", "b.svg"):
        assert main(["plot-saliency", str(model), str(inputs), str(tmp_path / name), "--jets", "12"]) == 0
    assert "looked at 12 jets" in capsys.readouterr().err
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
