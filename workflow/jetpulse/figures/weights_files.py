"""The file of the figure of weights: models in, SVG out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from jetpulse.errors import UserError
from jetpulse.figures.numbers import with_error
from jetpulse.figures.problem_files import line_truth, names_of, problem_attributes
from jetpulse.figures.problem_style import Names
from jetpulse.figures.style import save_figure
from jetpulse.figures.weights import Layer, Linear, coefficients, weights
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.trained import load_model


def read_layers(model: Path, names: Names) -> list[Layer]:
    """Return the dense and convolutional layers of a trained network, in their order.

    Raises:
        UserError: unusable model, or a network without such layers.
    """
    network, description, _ = load_model(model, torch.device("cpu"))
    parts = [part for part in network.modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    if not parts:
        raise UserError(f"{model}: {description['model']!r} has no layers of weights to draw; name another network")
    layers = []
    for number, part in enumerate(parts):
        weight = part.weight.detach().numpy().astype(np.float64)
        bias = None if part.bias is None else part.bias.detach().numpy().astype(np.float64)
        inputs = names.columns if number == 0 and len(names.columns) == weight.shape[1] else ()
        outputs = _outputs(names, len(weight)) if number == len(parts) - 1 else ()
        kind = "convolution" if weight.ndim == 4 else "dense layer"
        layers.append(Layer(f"{kind} {number + 1}", weight, bias, inputs, outputs))
    return layers


def _outputs(names: Names, count: int) -> tuple[str, ...]:
    if len(names.classes) == count:
        return names.classes
    if count == 1 and len(names.classes) == 2:
        return (names.classes[1],)
    return (names.target or "target",) if count == 1 else ()


def read_linear(model: Path) -> Linear | None:
    """Return slopes and offset of a linear network in the units of its data, None of any other network.

    Raises:
        UserError: unusable model.
    """
    network, description, normalisation = load_model(model, torch.device("cpu"))
    if description["model"] != "linear":
        return None
    layer = next(part for part in network.modules() if isinstance(part, nn.Linear))
    found = np.append(layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()).astype(np.float64)
    turn, shift = _restoring(len(found) - 1, normalisation)
    covariance = network.covariance.numpy().astype(np.float64)
    return Linear(turn @ found + shift, turn @ covariance @ turn.T)


def _restoring(d: int, normalisation: Normalisation | None) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and shift that bring slopes and offset from normalised units to those of the data."""
    if normalisation is None:
        return np.eye(d + 1), np.zeros(d + 1)
    scale = np.broadcast_to(normalisation.scale.numpy().astype(np.float64).ravel(), d)
    basis = np.eye(d) if normalisation.basis is None else normalisation.basis.numpy().astype(np.float64)
    onto = basis / scale[:, None]  # of a feature vector less its centre
    centre = np.broadcast_to(normalisation.centre.numpy().astype(np.float64).ravel(), onto.shape[1])
    turn = np.zeros((len(centre) + 1, d + 1))
    turn[:-1, :-1], turn[-1, :-1], turn[-1, -1] = onto.T, -onto @ centre, 1.0
    shift = np.zeros(len(centre) + 1)
    if normalisation.target is not None:
        shift[-1], deviation = normalisation.target.tolist()
        turn *= deviation
    return turn, shift


def plot_weights_figure(models: Sequence[Path], samples: Path, out: Path) -> list[str]:
    """Draw what networks have learned; return lines with the slopes and offsets of linear ones.

    Args:
        models: model.safetensors of every training of one experiment.
        samples: the entries as the networks saw them, for names.
        out: figure to write.

    Raises:
        UserError: unusable models, or networks without weights to draw.
    """
    attributes = problem_attributes(samples)
    names = names_of(attributes)
    linear = [found for found in map(read_linear, models) if found is not None]
    if len(linear) < len(models):
        save_figure(weights([read_layers(model, names) for model in models]), out)
        return []
    titles = [f"slope of {names.column(i)}" for i in range(len(linear[0].values) - 1)] + ["offset"]
    save_figure(coefficients(linear, titles, line_truth(attributes)), out)
    titles = [f"slope of {names.given(i)}" for i in range(len(linear[0].values) - 1)] + ["offset"]
    return [
        f"training {number}: {title} {with_error(value, error)}"
        for number, found in enumerate(linear, 1)
        for title, value, error in zip(titles, found.values, found.errors(), strict=True)
    ]
