"""Objectives: for every task its loss, what is watched in training, and what a prediction is; one module each."""

from importlib import import_module

from jetpulse.training.objectives.base import Batch, Objective


def load_objective(task: str) -> Objective:
    """Return the objective of a task, from the module of its name."""
    return import_module(f"jetpulse.training.objectives.{task}").OBJECTIVE


__all__ = ["Batch", "Objective", "load_objective"]
