"""The history for TensorBoard; loaded by name where it is wanted, and no part of any result."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(
            "training.tensorboard: true needs the package tensorboard; run `pip install tensorboard` or set it to false"
        ) from error
    return SummaryWriter(str(folder))


@contextmanager
def written_events(folder: Path) -> Iterator[Callable[[dict[str, float]], None]]:
    """Yield a function that writes a row of the history as scalars, `train/loss` and so on, by epoch.

    What ``folder`` held is removed: a training that goes on reports its first epochs again.

    Raises:
        UserError: TensorBoard is not installed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    writer = _writer(folder)

    def write(row: dict[str, float]) -> None:
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name.replace("_", "/", 1), value, row["epoch"])
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
