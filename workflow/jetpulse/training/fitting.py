"""Training of networks that learn by themselves, as trees do: a method ``fit`` in place of steps of an optimiser."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.training.inputs import Inputs
from jetpulse.training.loop import Row, Trained
from jetpulse.training.objectives import Objective


def fit_network(
    build: Callable[[], nn.Module],
    objective: Objective,
    training: Training,
    seed: int,
    train: Inputs,
    val: Inputs | None,
    report: Callable[[Row], None] = lambda row: None,
) -> Trained:
    """Return what ``fit(features, target, val_features, val_target, training, seed, report)`` of a network makes.

    It gets arrays, None for a split that is not there, fills the network's tensors, and returns the history and the
    number of its best row, from 1. No checkpoint is written: a training that was interrupted begins anew.

    Args:
        build: makes the untrained network.
        objective: of the task; its first target is what is learned.
        training: settings.
        seed: base seed.
        train: entries to learn from.
        val: entries to tell when to stop.
        report: called with every row of the history.
    """
    network = build()
    validation = (None, None) if val is None else _arrays(val, objective)
    history, best = network.fit(*_arrays(train, objective), *validation, training, seed, report)
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    return Trained(weights, history, best)


def _arrays(inputs: Inputs, objective: Objective) -> tuple[np.ndarray, np.ndarray]:
    """Return features float32 (n, *shape) and target (n,), int64 of classes or float32 of numbers, of all entries."""
    features = inputs.features.batch(torch.arange(len(inputs), device=inputs.device))
    return features.cpu().numpy(), inputs.targets[objective.targets[0]].cpu().numpy()
