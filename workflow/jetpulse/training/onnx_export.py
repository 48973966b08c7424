"""Trained networks as ONNX files, compared with torch before anybody sees them.

torch's exporter by `torch.export` (``dynamo=True``) is the one that knows all networks here; the older one lacks
operators of those on constituents. It wants every size but that of the batch to be known, so a jet is brought to a
fixed number of constituents inside of the file, which changes nothing: networks do not see rows of zeros.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from jetpulse import __version__, seeds
from jetpulse.errors import UserError
from jetpulse.samples import publish
from jetpulse.training.devices import choose_device
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.trained import load_model

# Largest deviation from torch, relative to values above 1.
TOLERANCE = 1e-5
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
_CONSTITUENTS = 200
# What the outputs of a task are; those of an adversarial one are not functions of an input.
_OUTPUTS = {
    "classification": {"probability": "1 (columns are classes)"},
    "localisation": {"probability": "1 (columns are bins)"},
    "reconstruction": {"latent": "1", "reconstruction": "units of the input"},
    "variational": {"latent": "1", "latent_sigma": "1", "reconstruction": "units of the input"},
    "regression": {"prediction": "units of the target"},
}
_INPUTS = {
    "jets": "(batch, constituents, 4): E, px, py, pz in GeV, hardest first; rows of zeros behind a jet's last",
    "jet-image": "(batch, rows, columns): eta, phi; preprocessed as the representation says",
}


class Answer(nn.Module):
    """A network from its input as files have it to what predictions hold."""

    def __init__(
        self, network: nn.Module, task: str, normalisation: Normalisation | None, constituents: int | None = None
    ) -> None:
        """Wrap a trained network; its jets are brought to so many ``constituents``, None: left as they are."""
        super().__init__()
        self.network, self.task, self.constituents = network, task, constituents
        self.normalisation = normalisation
        self.probabilities = torch.softmax
        if task == "localisation":
            # By name: part of the code of this task's networks alone.
            self.probabilities = import_module("jetpulse.training.objectives.localisation").probabilities

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs of the task."""
        if self.constituents is not None:
            x = torch.cat([x, x.new_zeros(x.shape[0], self.constituents, x.shape[2])], 1)
            x = x.narrow(1, 0, self.constituents)
        if self.normalisation is not None:
            x = self.normalisation.apply(x)
        if self.task == "classification":
            return (torch.softmax(self.network(x), 1),)
        if self.task == "localisation":
            return (self.probabilities(self.network(x)),)
        if self.task == "regression":
            return (self.normalisation.answer(self.network(x)[:, 0]),)
        latent = self.network.encode(x)
        mean, *log_sigma = latent if isinstance(latent, tuple) else (latent,)
        decoded = self.network.decode(mean)
        if self.normalisation is not None:
            decoded = self.normalisation.invert(decoded)
        return (mean, *(torch.exp(part) for part in log_sigma), decoded)


def export_model(model: Path, path: Path, *, log: Callable[[str], None] = lambda line: None) -> float:
    """Write a trained network as ONNX; return by how much it deviates from torch at most.

    Args:
        model: model.safetensors, model.json beside it.
        path: ONNX file to write.
        log: called with lines for the log.

    Raises:
        UserError: unusable model, a network that is no function of its input, packages that are missing, or a file
            that does not say what torch says.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise UserError(f"export-onnx needs the package {package!r}; install it with `pip install '.[onnx]'`")
    device = choose_device("cpu", 1)
    network, description, normalisation = load_model(model, device)
    task, representation = description["task"], description["representation"]
    if task not in _OUTPUTS:
        raise UserError(f"{model}: a network of task {task!r} is no function of an input; there is nothing to export")
    if hasattr(network, "outside"):
        raise UserError(f"{model}: {description['model']}: {network.outside}; there is nothing to export")
    network.eval().requires_grad_(False)
    ragged = representation["kind"] == "jets"
    limit = _limit(description) if ragged else None
    shape, names = tuple(description["shape"]), list(_OUTPUTS[task])
    bare, padded = (Answer(network, task, normalisation, n).eval() for n in (None, limit))
    with publish(path) as temporary:
        _write(padded, _like_real(2, shape, ragged, normalisation, 7), temporary, names, ragged)
        worst = _compare(bare, temporary, shape, ragged, normalisation, limit)
        if not worst <= TOLERANCE:
            raise UserError(f"{path}: deviates by {worst:.2g} from torch, expected at most {TOLERANCE:g}; not written")
        _describe(temporary, description, limit, worst)
    log(f"largest deviation from torch: {worst:.2g} (allowed: {TOLERANCE:g})")
    return worst


def _limit(description: Mapping[str, Any]) -> int:
    """Return how many constituents the jets have at most that a network was trained on."""
    source = description.get("dataset", {}).get("source", {})
    return (source.get("simulation") or source).get("max_constituents") or _CONSTITUENTS


def _like_real(
    n: int, shape: tuple[int, ...], ragged: bool, normalisation: Normalisation | None, constituents: int
) -> torch.Tensor:
    """Return n entries that look like data: jets of falling pT with padding, sparse images, noise around the mean."""
    rng = seeds.generator(1, "export", constituents)
    if ragged:
        pt = np.sort(rng.exponential(20.0, (n, constituents)) + 0.5)[:, ::-1]
        eta, phi = rng.uniform(-2, 2, (n, 1)), rng.uniform(-np.pi, np.pi, (n, 1))
        eta, phi = (axis + 0.3 * rng.standard_normal((n, constituents)) for axis in (eta, phi))
        momenta = np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=2)
        momenta[1::2, constituents // 2 + 1 :] = 0
        return torch.from_numpy(momenta.astype(np.float32))
    if normalisation is not None and normalisation.basis is None:
        wide = np.broadcast_to(normalisation.scale.numpy(), shape)
        values = normalisation.centre.numpy() + wide * rng.standard_normal((n, *shape))
        return torch.from_numpy(values.astype(np.float32))
    filled = rng.random((n, *shape)) < 0.05
    return torch.from_numpy((filled * rng.random((n, *shape))).astype(np.float32))


def _random(n: int, shape: tuple[int, ...], ragged: bool, constituents: int) -> torch.Tensor:
    """Return n entries of which nothing is like data, but that momenta are physical."""
    rng = seeds.generator(2, "export", constituents)
    if not ragged:
        return torch.from_numpy(rng.standard_normal((n, *shape)).astype(np.float32))
    momenta = rng.normal(0, 100, (n, constituents, 4))
    momenta[..., 0] = np.sqrt(np.sum(momenta[..., 1:] ** 2, axis=2)) * 1.001
    return torch.from_numpy(momenta.astype(np.float32))


def _asinh(x: Any) -> Any:
    """Write asinh so that it is odd: ONNX Runtime's own loses all digits of pz / pT far in the backward direction."""
    from onnxscript import opset18

    size = opset18.Abs(x)
    return opset18.Mul(
        opset18.Sign(x), opset18.Log(opset18.Add(size, opset18.Sqrt(opset18.Add(opset18.Mul(x, x), 1.0))))
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says about itself out of the log."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _write(answer: Answer, example: torch.Tensor, path: Path, names: list[str], ragged: bool) -> None:
    free = {0: torch.export.Dim.DYNAMIC} | ({1: torch.export.Dim.DYNAMIC} if ragged else {})
    # Attention written out: what stands for the fused kernel has strides that the exporter stumbles over.
    with _quiet(), sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        torch.onnx.export(
            answer,
            (example,),
            str(path),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=["input"],
            output_names=names,
            external_data=False,
            verbose=False,
            optimize=False,  # it takes a term of 1e-8 for 0 and leaves it out, and then a logarithm is infinite
            custom_translation_table={
                torch.ops.aten.hypot.default: _hypot,
                torch.ops.aten.asinh.default: _asinh,
            },
        )


def _hypot(x: Any, y: Any) -> Any:
    """Write what the exporter has no words for, as onnxscript; momenta in GeV are far from overflowing."""
    from onnxscript import opset18

    return opset18.Sqrt(opset18.Add(opset18.Mul(x, x), opset18.Mul(y, y)))


def _compare(
    answer: Answer,
    path: Path,
    shape: tuple[int, ...],
    ragged: bool,
    normalisation: Normalisation | None,
    limit: int | None,
) -> float:
    """Return by how much the file deviates from torch at most, in units of the larger of 1 and the value.

    Of a number to be learned the unit is its standard deviation on the training split.
    """
    import onnxruntime

    unit = 1.0 if normalisation is None or normalisation.target is None else float(normalisation.target[1])

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; what is slow to start is no concern here
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for constituents in sorted({1, min(3, limit), min(30, limit), limit}) if ragged else (1,):
        for n in (1, 5):
            for x in (
                _like_real(n, shape, ragged, normalisation, constituents),
                _random(n, shape, ragged, constituents),
            ):
                with torch.no_grad():
                    expected = [output.numpy().astype(float) for output in answer(x)]
                found = session.run(None, {"input": x.numpy()})
                for ours, theirs in zip(expected, found, strict=True):
                    deviation = np.abs(ours - theirs) / np.maximum(unit, np.abs(ours))
                    # What is no number on one side, or on both, is no agreement.
                    worst = max(worst, float(np.max(np.nan_to_num(deviation, nan=np.inf))))
    return worst


def _describe(path: Path, description: Mapping[str, Any], limit: int | None, worst: float) -> None:
    """Add to the file what a user must know about input and output."""
    import onnx

    proto = onnx.load(str(path))
    kind, task = description["representation"]["kind"], description["task"]
    constituents = {"constituents": f"at most {limit}; what is behind is not looked at"} if limit is not None else {}
    names = description.get("classes", ("QCD", "top") if kind.startswith("jet") else None)
    classes = {"classes": json.dumps({str(k): name for k, name in enumerate(names)})} if names else {}
    classes = classes if task == "classification" else {}
    told = {
        "jetpulse": __version__,
        "torch": str(torch.__version__),
        "model": description["model"],
        "arguments": json.dumps(description["arguments"]),
        "task": task,
        "seed": str(description["seed"]),
        "representation": json.dumps(description["representation"]),
        "input": _INPUTS.get(kind, "(batch, ...): as in the representation's files, not normalised"),
        "outputs": json.dumps(_OUTPUTS[task]),
        "largest_deviation_from_torch": f"{worst:.3g}",
        **constituents,
        **classes,
        **({"views": str(description["views"])} if "views" in description else {}),
    }
    # The exporter's traces name files of this machine.
    parts = (proto.graph, *proto.functions)
    proto.graph.ClearField("value_info")
    for item in (*parts, *(node for part in parts for node in part.node)):
        item.ClearField("metadata_props")
    for item in (*proto.graph.initializer, *proto.graph.input, *proto.graph.output):
        item.ClearField("metadata_props")
    axes = {}
    for name, axis in zip(("batch", "constituents"), proto.graph.input[0].type.tensor_type.shape.dim, strict=False):
        if axis.dim_param:
            axes[axis.dim_param] = name
    for item in (*proto.graph.input, *proto.graph.output):
        for axis in item.type.tensor_type.shape.dim:
            if axis.dim_param:
                axis.dim_param = axes.get(axis.dim_param, axis.dim_param)
    onnx.helper.set_model_props(proto, told)
    proto.producer_name, proto.producer_version = "jetpulse", __version__
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))
