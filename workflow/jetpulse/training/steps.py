"""One step of training: learning rate, gradient clipping, running mean of the weights."""

import copy
import math
from dataclasses import replace

import torch
from torch import nn

from jetpulse.config import Training
from jetpulse.training.objectives import Batch, Objective
from jetpulse.training.optimisers import make_optimisers
from jetpulse.training.processes import ALONE, Group

# `exponential` ends at this part of the learning rate; `one-cycle` begins at _FIRST and is at its top after _RISE.
_LAST_RATE = 0.01
_FIRST, _RISE = 0.04, 0.3


def initialise(network: nn.Module, scheme: str) -> None:
    """Draw weights as ``glorot`` or ``he`` (uniform) with zero biases; ``torch`` leaves the layers' own.

    Glorot, Bengio (proceedings.mlr.press/v9/glorot10a); He et al. (doi:10.1109/ICCV.2015.123).
    """
    if scheme == "torch":
        return
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            (nn.init.xavier_uniform_ if scheme == "glorot" else nn.init.kaiming_uniform_)(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def learning_rate(training: Training, step: int, steps: int) -> float:
    """Return the learning rate of a step (from 0) of ``steps``."""
    rate = training.learning_rate * min(1.0, (step + 1) / (training.warmup + 1))
    done = step / steps
    if training.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * done))
    elif training.schedule == "exponential":
        rate *= _LAST_RATE**done
    elif training.schedule == "one-cycle":
        rate *= _one_cycle(done)
    return rate


def _one_cycle(done: float) -> float:
    """Return the part of the learning rate in a rise and a fall, both halves of a cosine."""
    if done < _RISE:
        return _FIRST + (1 - _FIRST) * 0.5 * (1 - math.cos(math.pi * done / _RISE))
    return 0.5 * (1 + math.cos(math.pi * (done - _RISE) / (1 - _RISE)))


class Stepper:
    """A network with everything that a step of its training changes."""

    def __init__(
        self, network: nn.Module, objective: Objective, training: Training, entries: int, group: Group = ALONE
    ) -> None:
        """Prepare ``network`` for epochs of ``entries``, in a group of processes that have a part of each batch."""
        self.network, self.objective, self.training, self.group = network, objective, training, group
        self.steps_per_epoch = -(-entries // training.batch)
        self.epochs = -(-training.steps // self.steps_per_epoch) if training.steps else training.epochs
        self.steps = training.steps or training.epochs * self.steps_per_epoch
        self.parts = {turn: network.get_submodule(turn) for turn in objective.turns}
        self.optimisers = {turn: make_optimisers(part, training) for turn, part in self.parts.items()}
        self.averaged = copy.deepcopy(network) if training.average else network
        if training.compile:
            torch.use_deterministic_algorithms(True, warn_only=True)  # the compiler's part of it, too
            for module in self.modules().values():
                # One program for all sizes of batches: which of several is used would depend on what came before, and
                # a resumed training could not repeat it.
                module.compile(dynamic=True)

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks that a checkpoint has to hold, by name."""
        return {"network": self.network} | ({"averaged": self.averaged} if self.training.average else {})

    def all_optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimisers that a checkpoint has to hold, by name."""
        return {
            f"{turn}.{name}" if name else turn: optimiser
            for turn, optimisers in self.optimisers.items()
            for name, optimiser in optimisers.items()
        }

    def step(self, batch: Batch, number: int, entries: int | None = None) -> torch.Tensor:
        """Make step ``number`` (from 0), every turn once; return the sums of the last turn's loss and metrics.

        Args:
            batch: this process' part of the entries, possibly none.
            number: of the step.
            entries: of all processes.
        """
        rate = learning_rate(self.training, number, self.steps)
        batch = replace(batch, progress=number / self.steps)
        for turn, optimisers in self.optimisers.items():
            for group in (group for optimiser in optimisers.values() for group in optimiser.param_groups):
                group["lr"] = rate
            if len(self.parts) > 1:  # gradients of what does not move in this turn need not be computed
                self.network.requires_grad_(False)
                self.parts[turn].requires_grad_(True)
            self.network.zero_grad()
            sums = self._gradients(batch, turn)
            if self.group.size > 1:
                self._share(self.parts[turn], len(batch) / (entries or len(batch)))
            if self.training.l1:
                self._pull(self.parts[turn])
            if self.training.clip is not None:
                nn.utils.clip_grad_norm_(self.parts[turn].parameters(), self.training.clip)
            for optimiser in optimisers.values():
                optimiser.step()
        if self.training.average:
            self._average(number)
        return sums

    def _gradients(self, batch: Batch, turn: str) -> torch.Tensor:
        """Compute the gradients of this process' mean loss; return the sums."""
        device = batch.features.device
        total = torch.zeros(1 + len(self.objective.metrics), dtype=torch.float64, device=device)
        if not len(batch):
            return total
        for _, part in batch.by_length():
            with torch.autocast(device.type, torch.bfloat16, enabled=self.training.precision == "bfloat16"):
                loss, sums = self.objective.loss(self.network, part, turn)
            (loss * (len(part) / len(batch))).backward()
            total += sums
        return total

    @torch.no_grad()
    def _share(self, part: nn.Module, share: float) -> None:
        """Add up the processes' gradients, and what layers have counted, each by its share of the batch's entries."""
        parameters = [parameter for parameter in part.parameters() if parameter.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        buffers = [buffer for buffer in part.buffers() if buffer.is_floating_point()]
        tensors = [parameter.grad for parameter in parameters] + buffers
        flat = self.group.add(torch.cat([tensor.reshape(-1).float() for tensor in tensors]) * share)
        for tensor, values in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(values.view(tensor.shape))

    @torch.no_grad()
    def _pull(self, part: nn.Module) -> None:
        """Add the gradient of the L1 penalty."""
        for parameter in part.parameters():
            if parameter.grad is not None:
                parameter.grad.add_(parameter.sign(), alpha=self.training.l1)

    @torch.no_grad()
    def _average(self, number: int) -> None:
        """Move the running mean of the weights; it forgets the first steps sooner than `average` alone would."""
        keep = min(self.training.average, (1 + number) / (10 + number))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)
        for mean, value in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            mean.copy_(value)
