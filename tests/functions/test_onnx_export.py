"""Trained networks as ONNX files that say what torch says."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from jetpulse.config.networks import check_model, model_input, model_names, model_tasks
from jetpulse.errors import UserError
from jetpulse.models import build_network
from jetpulse.samples import dump_json, load_json
from jetpulse.training import onnx_export
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.onnx_export import Answer, export_model
from jetpulse.training.trained import load_model
from toy_jets import assert_one_line
from toys import reseal

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

# Small ones, so that an export takes a second.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "boosted-trees": {"trees": 3, "depth": 2},
    "jet-cnn": {"filters": 2, "hidden": [4]},
    "lorentz-net": {"width": 4, "blocks": 2, "constituents": 6},
    "particle-net": {"widths": [4], "layers": 1, "hidden": 4, "constituents": 6, "neighbours": 3},
    "particle-transformer": {"width": 8, "heads": 2, "blocks": 1, "pair_width": 4, "constituents": 6},
    "pulse-cnn": {"trace_channels": 2, "trace_blocks": 1, "channels": 2, "blocks": 1},
    "pulse-rnn": {"hidden": 3, "layers": 1},
    "pulse-reference": {"window": 5},
}
# Networks that are no functions of an input, and those that torch does not compute.
REFUSED = {"gan": "adversarial", "policy": "control", "estimator": "scikit-learn computes it"}
SHAPES = {"constituents": (4,), "images": (8, 8), "observables": (5,)}
KINDS = {"constituents": "jets", "images": "jet-image", "observables": "jet-observables"}


def trained(folder: Path, name: str) -> Path:
    """Write a network with random weights as a training does."""
    task, reads = model_tasks(name)[0], model_input(name)
    if task != "classification":
        shapes = {"localisation": ((2, 12), "pulses"), "regression": ((5,), "problems")}
        shape, kind = shapes.get(task, ((10,), "spectra"))
    else:
        reads = "images" if reads == "arrays" else reads
        shape, kind = SHAPES[reads], KINDS[reads]
    arguments = check_model(name, ARGUMENTS.get(name, {}))
    torch.manual_seed(3)
    outputs = {"localisation": 12, "regression": 1}.get(task, 2)
    network = build_network(name, shape, outputs, arguments)
    weights = dict(network.state_dict())
    normalise = "none"
    if kind in ("spectra", "jet-observables"):
        normalise = "residual"
        scale = torch.full(shape, 3.0)
        weights |= Normalisation(torch.full(shape, 7.0), scale).tensors()
    if task == "regression":
        target = torch.tensor([300.0, 20.0], dtype=torch.float64)
        weights |= Normalisation(torch.zeros(()), torch.ones(()), target=target).tensors()
    dataset = {"kind": "jets", "source": {"simulation": {"max_constituents": 9}}}
    description = {
        "model": name,
        "arguments": arguments,
        "shape": list(shape),
        "outputs": outputs,
        "task": task,
        "seed": 3,
        "training": {"normalise": normalise, "threads": 1},
        "representation": {"kind": kind},
        "dataset": dataset,
    }
    folder.mkdir(exist_ok=True)
    dump_json(folder / "model.json", description)
    save_file({key: value.contiguous() for key, value in weights.items()}, folder / "model.safetensors")
    reseal(folder / "model.safetensors")
    return folder / "model.safetensors"


def entries(n: int, shape: tuple[int, ...], constituents: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    if shape != (4,):
        return rng.random((n, *shape)).astype(np.float32)
    momenta = rng.normal(0, 50, (n, constituents, 4))
    momenta[..., 0] = np.linalg.norm(momenta[..., 1:], axis=2) * 1.01
    momenta[-1, -1] = (300.0, 0.01, 0.02, -299.9)  # far in the backward direction
    return momenta.astype(np.float32)


@pytest.mark.parametrize("name", [name for name in model_names() if name not in REFUSED])
def test_every_network_says_the_same_as_in_torch(tmp_path, name):
    model = trained(tmp_path, name)
    lines = []
    worst = export_model(model, tmp_path / "model.onnx", log=lines.append)
    assert worst <= onnx_export.TOLERANCE
    assert "1e-05" in lines[-1]
    network, description, normalisation = load_model(model, torch.device("cpu"))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    answer = Answer(network, description["task"], normalisation).eval()
    for n, constituents in ((1, 2), (4, 9), (3, 1)):
        x = entries(n, tuple(description["shape"]), constituents)
        with torch.no_grad():
            expected = answer(torch.from_numpy(x))
        for ours, theirs in zip(expected, session.run(None, {"input": x}), strict=True):
            assert theirs.shape == tuple(ours.shape)
            np.testing.assert_allclose(theirs, ours.numpy(), rtol=2e-5, atol=2e-5)
            assert ours.ndim == 1 or description["task"] != "regression"
    if description["task"] in ("classification", "localisation"):
        np.testing.assert_allclose(expected[0].sum(1), 1.0, atol=1e-5)
    free = ["batch", "constituents"] if description["representation"]["kind"] == "jets" else ["batch"]
    assert session.get_inputs()[0].shape == [*free, *description["shape"]]
    assert all(output.shape[0] == "batch" for output in session.get_outputs())
    told = session.get_modelmeta().custom_metadata_map
    assert told["model"] == name
    assert json.loads(told["representation"]) == description["representation"]
    assert float(told["largest_deviation_from_torch"]) == pytest.approx(worst, rel=1e-2)
    assert list(json.loads(told["outputs"])) == [output.name for output in session.get_outputs()]


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_makes_entries_up_is_refused(tmp_path, name):
    with pytest.raises(UserError) as error:
        export_model(trained(tmp_path, name), tmp_path / "model.onnx")
    assert_one_line(error, "model.safetensors", REFUSED[name])
    assert not (tmp_path / "model.onnx").exists()


def test_the_same_model_gives_the_same_bytes_which_name_no_file_of_this_machine(tmp_path):
    model = trained(tmp_path, "dense")
    for name in ("a.onnx", "b.onnx"):
        export_model(model, tmp_path / name)
    content = (tmp_path / "a.onnx").read_bytes()
    assert content == (tmp_path / "b.onnx").read_bytes()
    assert b".py" not in content


@pytest.mark.parametrize(
    ("kind", "classes", "expected"),
    [
        ("jet-image", None, {"0": "QCD", "1": "top"}),
        ("problems", ["a", "b"], {"0": "a", "1": "b"}),
        ("problems", None, None),
    ],
)
def test_the_file_tells_what_its_classes_are_called(tmp_path, kind, classes, expected):
    model = trained(tmp_path, "dense")
    described = load_json(tmp_path / "model.json") | {"representation": {"kind": kind}}
    dump_json(tmp_path / "model.json", described | ({"classes": classes} if classes else {}))
    reseal(model)
    export_model(model, tmp_path / "model.onnx")
    told = {item.key: item.value for item in onnx.load(str(tmp_path / "model.onnx")).metadata_props}
    assert (json.loads(told["classes"]) if "classes" in told else None) == expected


def test_a_file_that_says_something_else_is_not_left(tmp_path, monkeypatch):
    model = trained(tmp_path, "dense")
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(UserError) as error:
        export_model(model, tmp_path / "model.onnx")
    assert_one_line(error, "model.onnx", "deviates")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_deviation_that_is_no_number_is_refused(tmp_path, monkeypatch):
    model = trained(tmp_path, "dense")
    monkeypatch.setattr(onnx_export, "_compare", lambda *arguments: float("nan"))
    with pytest.raises(UserError):
        export_model(model, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_one_line(tmp_path, monkeypatch, package):
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(UserError) as error:
        export_model(tmp_path / "model.safetensors", tmp_path / "model.onnx")
    assert_one_line(error, repr(package), ".[onnx]")
