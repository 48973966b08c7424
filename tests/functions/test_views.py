"""Predictions over several views of a jet: exactly symmetric, and the same wherever a model is applied."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from configurations import EXPERIMENT, changed
from jetpulse.cli import main
from jetpulse.config import Experiment, parse_config
from jetpulse.errors import UserError
from jetpulse.evaluation.calibration import write_calibration
from jetpulse.models import build_network
from jetpulse.samples import dump_json, load_json, read_attributes, read_block
from jetpulse.training.augmentation import turn_jets
from jetpulse.training.files import write_model
from jetpulse.training.onnx_export import TOLERANCE, export_model
from jetpulse.training.release import write_release
from jetpulse.training.scoring import write_scores
from jetpulse.training.trained import load_model, write_predictions
from jetpulse.training.views import MeanOfViews, centroid
from test_scoring import PARTICLES, read_table, write_jets
from toy_jets import assert_one_line, momenta, random_jets
from toys import specification, write_images

SPEC = specification({"epochs": 1}) | {"model": PARTICLES, "representation": "samples"}


def jets(n: int = 8) -> torch.Tensor:
    """Return jets of 1 to 7 constituents, filled up with zeros, and one without any."""
    filled = torch.zeros(n + 1, 7, 4, dtype=torch.float64)
    for number, jet in enumerate(random_jets(5, n, 7)):
        filled[number, : len(jet)] = torch.from_numpy(momenta(jet))
    filled[0, 1:] = 0.0
    return filled


class Lopsided(nn.Module):
    """A network that looks at one side only: pT times the square of the distance in phi above the centroid."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pt, phi = torch.hypot(x[..., 1], x[..., 2]), torch.atan2(x[..., 2], x[..., 1]) - centroid(x)[1][:, None]
        up = (pt * phi.clamp(min=0) ** 2).sum(1)
        return torch.stack([torch.zeros_like(up), up], 1)


def test_by_hand():
    x = torch.from_numpy(momenta([(100.0, 0.0, 0.3), (100.0, 0.0, -0.1), (50.0, 0.2, 0.0)]))[None]
    torch.testing.assert_close(centroid(x), torch.tensor([[0.04], [0.08]], dtype=x.dtype))
    # From there eta is -0.04, -0.04 and 0.16, and phi 0.22, -0.18 and -0.08. Of four views the first shows phi, the
    # third -phi, the second, turned by a quarter and mirrored, -eta, and the fourth eta.
    ups = [100 * 0.22**2, 100 * 2 * 0.04**2, 100 * 0.18**2 + 50 * 0.08**2, 50 * 0.16**2]
    expected = torch.sigmoid(torch.tensor([ups], dtype=x.dtype)).mean(1)
    torch.testing.assert_close(torch.softmax(MeanOfViews(Lopsided(), 4)(x), 1)[:, 1], expected)
    # Of two the second is turned by a half and mirrored in phi: only eta is reversed.
    torch.testing.assert_close(torch.softmax(MeanOfViews(Lopsided(), 2)(x), 1), torch.softmax(Lopsided()(x), 1))


@pytest.mark.parametrize("views", [2, 4, 6, 8])
def test_the_answer_is_the_same_for_every_view(views):
    torch.manual_seed(1)
    network = build_network("particle-transformer", (4,), 2, {"width": 8, "heads": 2, "blocks": 1}).eval()
    wrapped, x = MeanOfViews(network, views), jets().float()
    ones = torch.ones(len(x), dtype=x.dtype)
    turned = turn_jets(x, centroid(x), 2 * math.pi / views * ones, torch.stack([ones, -ones], 1))
    with torch.no_grad():
        moved = (network(turned) - network(x)).abs().max()
        torch.testing.assert_close(wrapped(turned), wrapped(x), rtol=0.0, atol=1e-2 * float(moved))
        # Log probabilities, of which the classes' sum is one.
        torch.testing.assert_close(torch.exp(wrapped(x)).sum(1), ones)
        # Jets beside it and padding behind it are no matter.
        torch.testing.assert_close(wrapped(torch.cat([x, torch.zeros_like(x)], 1))[:3], wrapped(x[:3]))
    assert moved > 1e-3


@pytest.mark.parametrize("n", [0, 1])
def test_few_jets(n):
    network = build_network("particle-transformer", (4,), 2, {"width": 8, "heads": 2, "blocks": 1}).eval()
    with torch.no_grad():
        assert MeanOfViews(network, 2)(jets()[:n].float()).shape == (n, 2)


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> Path:
    """Return a folder with samples, a network trained on them for a moment, and its release with two views."""
    folder = tmp_path_factory.mktemp("views")
    samples, model = write_jets(folder / "samples.h5"), folder / "seed1/model.safetensors"
    write_model(samples, model, Experiment.model_validate(SPEC), 1)
    dump_json(folder / "metrics.json", {"toys": {"auc": 0.5}})
    about = {"experiment": "toys", "licence": "CC0-1.0", "code": {"jetpulse": "1"}}
    write_release([model], [folder / "metrics.json"], samples, folder / "release/model.safetensors", **about, views=2)
    return folder


def test_every_verb_takes_the_mean_and_a_release_remembers_it(chain, tmp_path):
    samples, model = chain / "samples.h5", chain / "seed1/model.safetensors"
    found = {}
    for name, options in {"plain": [], "one": ["--views", "1"], "two": ["--views", "2"]}.items():
        command = ["predict", str(model), str(tmp_path / f"{name}.h5"), "--on", f"toys={samples}", *options]
        assert main(command) == 0
        found[name] = read_block(tmp_path / f"{name}.h5", "toys").entries["probability"]
    np.testing.assert_array_equal(found["plain"], found["one"])
    assert np.abs(found["two"] - found["plain"]).max() > 1e-6
    assert read_attributes(tmp_path / "two.h5")["spec"]["views"] == 2
    assert "views" not in read_attributes(tmp_path / "plain.h5")["spec"]
    for folder, options in (("seed1", {"views": 2}), ("release", {})):
        write_scores(chain / folder / "model.safetensors", samples, tmp_path / "s.h5", split="test", **options)
        np.testing.assert_allclose(read_table(tmp_path / "s.h5")["score"], found["two"][:, 1], rtol=1e-5)
        write_predictions(chain / folder / "model.safetensors", tmp_path / "p.h5", {"toys": samples}, **options)
        np.testing.assert_array_equal(read_block(tmp_path / "p.h5", "toys").entries["probability"], found["two"])
    assert main(["score", str(chain / "release/model.safetensors"), str(samples), str(tmp_path / "s.csv")]) == 0
    assert load_json(chain / "release/model.json")["views"] == 2
    write_predictions(chain / "release/model.safetensors", tmp_path / "p.h5", {"toys": samples}, views=1)
    np.testing.assert_array_equal(read_block(tmp_path / "p.h5", "toys").entries["probability"], found["plain"])


def test_the_temperature_is_that_of_the_mean(chain):
    model, samples = chain / "seed1/model.safetensors", chain / "samples.h5"
    one, two = (write_calibration(model, samples, chain / "c.json", views=views) for views in (None, 2))
    assert one["val_log_loss"] != two["val_log_loss"]
    assert one["val_log_loss"] == pytest.approx(two["val_log_loss"], rel=0.2)


def test_a_released_mean_is_exported_whole(chain, tmp_path):
    pytest.importorskip("onnxscript", reason="the extra `onnx` is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    assert export_model(chain / "release/model.safetensors", tmp_path / "model.onnx") <= TOLERANCE
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["views"] == "2"


def test_images_have_no_views(tmp_path):
    images, model = write_images(tmp_path / "images.h5"), tmp_path / "seed1/model.safetensors"
    write_model(images, model, Experiment.model_validate(specification({"epochs": 1})), 1)
    with pytest.raises(UserError) as error:
        load_model(model, torch.device("cpu"), 2)
    assert_one_line(error, "model.safetensors", "2 views", "constituents")


TRANSFORMER = (f"{EXPERIMENT}.model.name", "particle-transformer"), (f"{EXPERIMENT}.representation", "samples")
MISTAKES = {
    "odd": ([*TRANSFORMER, (f"{EXPERIMENT}.views", 3)], "top-cnn.views: 3 is odd; turns and mirrors"),
    "none": ([*TRANSFORMER, (f"{EXPERIMENT}.views", 0)], "top-cnn.views: "),
    "images": ([(f"{EXPERIMENT}.views", 4)], "top-cnn.views: are of constituents, jet-cnn reads 'images'; remove it"),
    "scores": (
        [(EXPERIMENT, {"dataset": "jets", "scores": "a.npz", "views": 1})],
        "top-cnn.views: has no meaning with `scores`: ",
    ),
    "problems": (
        [
            ("datasets.rings", {"kind": "problems", "source": {"points": {"shape": "rings"}}}),
            (EXPERIMENT, {"dataset": "rings", "model": {"name": "dense"}, "views": 2}),
        ],
        "top-cnn.views: changes the constituents of jets, which problems have not; remove it",
    ),
}


@pytest.mark.parametrize(("changes", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(changes, words):
    with pytest.raises(UserError) as error:
        parse_config(changed(*changes), "my.yaml")
    assert_one_line(error, words)


def test_views_are_a_setting_of_predictions_alone():
    analysis = parse_config(changed(*TRANSFORMER, (f"{EXPERIMENT}.views", 4)), "my.yaml")
    assert analysis.experiments["top-cnn"].views == 4
    assert (
        analysis.experiments["top-cnn"].training == parse_config(changed(), "my.yaml").experiments["top-cnn"].training
    )


@pytest.mark.parametrize("text", ["3", "0", "-2", "two"])
def test_the_command_takes_one_or_an_even_number(text, capsys):
    with pytest.raises(SystemExit):
        main(["predict", "m.safetensors", "p.h5", "--on", "a=b.h5", "--views", text])
    assert repr(text) in capsys.readouterr().err
