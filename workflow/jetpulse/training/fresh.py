"""Entries that are generated for every epoch, in place of the training split; loaded by name where they are wanted."""

import json
from importlib import import_module

import torch
from pydantic import TypeAdapter

from jetpulse.config.load import fresh_settings
from jetpulse.config.models import Dataset
from jetpulse.config.training import Fresh
from jetpulse.errors import UserError
from jetpulse.training.inputs import Inputs, make_inputs
from jetpulse.training.normalisation import Normalisation
from jetpulse.training.objectives import Objective


def fresh_inputs(
    like: Inputs, fresh: Fresh, objective: Objective, seed: int, epoch: int, normalisation: Normalisation | None
) -> Inputs:
    """Generate the entries of one epoch, of the kind of ``like`` with the settings that ``fresh`` changes.

    Raises:
        UserError: entries that were not generated.
    """
    kind = like.attributes["kind"]
    source = TypeAdapter(Dataset).validate_python(json.loads(like.attributes["dataset"])).source
    generator = getattr(source, "waveforms", None) or getattr(source, "counts", None)
    if generator is None:
        raise UserError("training.fresh: the dataset was not generated; remove it to train on the training split")
    spec = fresh_settings(generator, fresh.settings)
    module = import_module(f"jetpulse.{kind}.fresh")
    made = module.fresh_block(spec, fresh.entries, seed, epoch, torch.get_num_threads())
    return make_inputs(made, like.attributes, objective, like.device, normalisation)
