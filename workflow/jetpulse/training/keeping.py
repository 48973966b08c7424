"""When the state of a training is kept: now and then, when a signal asks it to end, and what is said when it fails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals as SignalName

import torch

from jetpulse.errors import DivergedError, StoppedError, UserError, first_line
from jetpulse.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from jetpulse.training.interruptions import Signals
from jetpulse.training.steps import Stepper

# Within an epoch checkpoints are so much rarer than between epochs.
_LONG = 6
# Stands for "it is time" where numbers of signals stand for these; SIGHUP has it, which is not among them.
_DUE = 1


class Keeper:
    """Keeps the state of one training in a file, or nowhere if ``path`` is None."""

    def __init__(self, path: Path | None, stepper: Stepper, seconds: float, signals: Signals) -> None:
        """Keep the state of ``stepper`` every ``seconds``, and when ``signals`` has noted one."""
        self.path, self.stepper, self.seconds, self.signals = path, stepper, seconds, signals
        self._written = time.monotonic()

    def resume(self) -> Progress:
        """Restore networks and optimisers from the checkpoint, if there is one; return the progress.

        Raises:
            UserError: a damaged checkpoint.
        """
        if self.path is None or not self.path.exists():
            return Progress()
        progress = load_checkpoint(self.path, self.stepper.modules(), self.stepper.all_optimisers())
        if progress.steps:
            device = next(iter(self.stepper.network.parameters())).device
            # The sums are those of all processes; one goes on with them.
            progress.sums = progress.sums.to(device) * self.stepper.group.leads
        return progress

    def after_step(self, progress: Progress) -> None:
        """Keep the state if much time has passed, or a signal came.

        Raises:
            StoppedError: a signal came.
        """
        self._keep(progress, self.seconds * _LONG)

    def after_epoch(self, progress: Progress) -> None:
        """Keep the state if some time has passed, or a signal came.

        Raises:
            StoppedError: a signal came.
        """
        self._keep(progress, self.seconds)

    def while_evaluating(self, progress: Progress) -> None:
        """Keep the state of before the evaluation if a signal came; of several processes none can leave alone.

        Raises:
            StoppedError: a signal came.
        """
        if self.signals.number and self.stepper.group.size == 1:
            self._keep(progress, self.seconds)

    def _keep(self, progress: Progress, seconds: float) -> None:
        if self.path is None:
            return
        group = self.stepper.group
        due = time.monotonic() - self._written >= seconds
        number = group.largest(self.signals.number or _DUE * due)
        if not number:
            return
        epoch = len(progress.history) + bool(progress.steps)
        self.check_weights(epoch)  # a state that cannot be mended must not replace one that can
        kept = progress
        if progress.steps and group.size > 1:
            kept = Progress(**vars(progress) | {"sums": group.add(progress.sums.clone())})
        if group.leads:
            save_checkpoint(self.path, self.stepper.modules(), self.stepper.all_optimisers(), kept)
        self._written = time.monotonic()
        if number != _DUE:
            raise StoppedError(
                f"stopped by {SignalName(number).name} {'in' if progress.steps else 'after'} epoch {epoch}; state kept "
                f"in {self.path}; the same command goes on from there",
                128 + number,
            )

    def check_weights(self, epoch: int) -> None:
        """Refuse weights that are not finite, which no more training can mend.

        Raises:
            DivergedError: there are such weights.
        """
        for name, parameter in self.stepper.network.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise DivergedError(
                    f"epoch {epoch}: weights of {name} are not finite; lower training.learning_rate or check the "
                    f"inputs ({self.kept()})"
                )

    def kept(self) -> str:
        """Return what is said of the checkpoint when a training fails."""
        if self.path is not None and self.path.exists():
            return f"the last checkpoint is kept: {self.path}"
        return "there is no checkpoint yet"

    @contextmanager
    def explained(self, epoch: int) -> Iterator[None]:
        """Turn what ends a training although it is no defect of the program into one line.

        Raises:
            UserError: the device's memory is exhausted, or torch cannot compile the network.
            StoppedError: a signal has ended the compiler.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"epoch {epoch}: the GPU's memory ({_memory()}) is exhausted; lower training.batch ({self.kept()})"
            ) from error
        except Exception as error:
            if not self.stepper.training.compile or not type(error).__module__.startswith(_COMPILERS):
                raise
            if self.signals.number:  # a signal to all processes of a job ends the compiler's, which have no handler
                name, code = SignalName(self.signals.number).name, 128 + self.signals.number
                raise StoppedError(f"stopped by {name} while torch compiled; {self.kept()}", code) from error
            raise UserError(
                f"training.compile: torch cannot compile the network here ({first_line(error)}); install a C++ "
                "compiler such as g++, or set compile: false"
            ) from error


# Where the exceptions of torch's compiler are defined.
_COMPILERS = ("torch._dynamo", "torch._inductor", "torch._functorch")


def _memory() -> str:
    if not torch.cuda.is_available():
        return "of unknown size"
    return f"{torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory / 2**30:.0f} GiB"
