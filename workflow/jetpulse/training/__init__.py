"""Training: objectives (loss and metrics per task), the loop, checkpoints, devices."""

from jetpulse.training.devices import choose_device
from jetpulse.training.inputs import Inputs, load_inputs
from jetpulse.training.loop import Trained, train_network
from jetpulse.training.objectives import OBJECTIVES

__all__ = ["OBJECTIVES", "Inputs", "Trained", "choose_device", "load_inputs", "train_network"]
