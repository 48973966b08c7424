"""What every verb shares: declaring arguments, the log's first lines, progress, specs given as JSON."""

import argparse
import math
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jetpulse import __version__
from jetpulse.cli.json_text import read_json
from jetpulse.errors import UserError

Section = TypeVar("Section", bound=BaseModel)
# Threads and views at most; digits of a number on the command line.
_MOST, _LONGEST = 1024, 20


def argument(*flags: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare one argument, as `argparse.ArgumentParser.add_argument` takes it."""
    return flags, options


def verb(*arguments: tuple[tuple[str, ...], dict[str, Any]]) -> Callable[[Callable], Callable]:
    """Mark a function as a verb with these arguments."""

    def mark(function: Callable) -> Callable:
        function.arguments = arguments
        return function

    return mark


def path(name: str, text: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare an argument that is a path."""
    given = {"type": Path} | ({} if name.startswith("-") else {"metavar": name.upper()}) | options
    return argument(name, help=text, **given)


def model_file(place: Path) -> Path:
    """Return the file of a trained network's weights for that file itself or for the folder that it is in.

    Raises:
        UserError: a folder without a model.
    """
    if not place.is_dir():
        return place
    file = place / "model.safetensors"
    if file.is_file():
        return file
    inside = sorted(found.parent.name for found in place.glob("*/model.safetensors"))
    hint = (
        f"there are models in {', '.join(inside[:5])} inside of it"
        if inside
        else "name one that a training has written"
    )
    raise UserError(f"{place}: a folder without model.safetensors; {hint}")


def _model_file(text: str) -> Path:
    try:
        return model_file(Path(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def model(
    name: str = "model", text: str = "model.safetensors", **options: Any
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare an argument that is a trained network: model.safetensors or the folder that it is in."""
    return path(name, f"{text}, or the folder that it is in; model.json is read beside it", type=_model_file, **options)


def count(text: str) -> int:
    """Return a whole number from 0 on, as argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: another text.
    """
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text[:_LONGEST]!r} is not a whole number from 0 on")
    if len(text) > _LONGEST or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text[:_LONGEST]} is too large, it must be below 2^32")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number from 1 on, as argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: another text.
    """
    if count(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def several(text: str) -> int:
    """Return a whole number from 1 to 1024, as argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: another text.
    """
    if positive(text) > _MOST:
        raise argparse.ArgumentTypeError(f"{text} is too large, {_MOST} at most")
    return int(text)


def seconds(text: str) -> float:
    """Return a time from 0 on, as argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: another text.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 on")
    return value


def even(text: str) -> int:
    """Return 1 or an even number, as argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: another text.
    """
    if several(text) > 1 and int(text) % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor even")
    return int(text)


def views() -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare --views."""
    help_ = (
        "predict the mean over so many views of a jet, turned and mirrored (default: as the model was released, or 1)"
    )
    return argument("--views", type=even, help=help_)


def threads() -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare --threads."""
    return argument("--threads", type=several, default=1, help="CPU threads; no result depends on it (default: 1)")


def spec_argument(what: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Declare --spec."""
    return argument(
        "--spec", required=True, metavar="JSON", help=f"{what}, as JSON or as @FILE; missing keys get their defaults"
    )


def read_spec(text: str, model: type[Section]) -> Section:
    """Return a section of the config from JSON text, or from a file for ``@FILE``.

    Raises:
        UserError: not JSON, or not that section.
    """
    return check_spec(read_json(text), model)


def check_spec(value: Any, model: type[Section]) -> Section:
    """Return a section of the config from a value.

    Raises:
        UserError: not that section.
    """
    from jetpulse.config.load import explain

    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise UserError("\n".join(f"--spec: {explain(item, model)}" for item in error.errors())) from error


def grouped_paths(items: list[str], flag: str) -> dict[str, list[Path]]:
    """Return the paths of ``NAME=FILE`` arguments by name, in the order given.

    Raises:
        UserError: another form.
    """
    grouped: dict[str, list[Path]] = {}
    for item in items:
        name, _, file = item.partition("=")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or not file:
            raise UserError(f"{flag} {item}: expected NAME=FILE, for example jets=data/jets/images.h5")
        grouped.setdefault(name, []).append(Path(file))
    return grouped


def named_paths(items: list[str], flag: str) -> dict[str, Path]:
    """Return the path of each ``NAME=FILE`` argument by name.

    Raises:
        UserError: another form, or one name twice.
    """
    grouped = grouped_paths(items, flag)
    twice = [name for name, paths in grouped.items() if len(paths) > 1]
    if twice:
        raise UserError(f"{flag}: {twice[0]!r} is given twice")
    return {name: paths[0] for name, paths in grouped.items()}


def log(line: str) -> None:
    """Write one line to the log (standard error)."""
    print(line, file=sys.stderr, flush=True)


def log_start(verb: str, *packages: str, **settings: Any) -> None:
    """Write a log's first lines: the verb, the versions, and settings such as the seed."""
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("numpy", *packages))]
    log(f"jetpulse {__version__} {verb} ({', '.join(versions)})")
    for name, value in settings.items():
        log(f"{name}: {value}")


def checkpoint_arguments(what: str) -> tuple[tuple[tuple[str, ...], dict[str, Any]], ...]:
    """Declare --checkpoints and --code."""
    text = f"folder for the state of an unfinished {what}, which is resumed if nothing has changed"
    code = f"hash of the training code; a {what} of other code is not resumed"
    return path("--checkpoints", text), argument("--code", default="", metavar="HASH", help=code)


def placement_arguments() -> tuple[tuple[tuple[str, ...], dict[str, Any]], ...]:
    """Declare --resident and --tensorboard, which say more than the spec does and decide no result."""
    places = ("auto", "device", "host", "disk")
    resident = "where the entries wait for their turn; no result depends on it (default: as the spec says, or auto)"
    events = "write the history for TensorBoard as well, to a folder `tensorboard` beside the model"
    return (
        argument("--resident", choices=places, help=resident),
        argument("--tensorboard", action="store_true", help=events),
    )


def placed(experiment: Section, resident: str | None, tensorboard: bool) -> Section:
    """Return an experiment with what --resident and --tensorboard say."""
    given = {"resident": resident or experiment.training.resident}
    given["tensorboard"] = tensorboard or experiment.training.tensorboard
    return experiment.model_copy(update={"training": experiment.training.model_copy(update=given)})


@contextmanager
def stoppable(checkpoints: Path | None) -> Iterator[None]:
    """Say in one line what the same command will do if a signal ends what is inside."""
    from jetpulse.training.interruptions import explained_exit

    going_on = "goes on from the last checkpoint, if there is one" if checkpoints else "begins anew"
    with explained_exit(f"the same command {going_on}"):
        yield


@contextmanager
def progress(total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts: a bar on a terminal, a line every tenth of the way in a log."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, unit=f" {unit}", unit_scale=True) as bar:
            yield bar.update
        return
    done = 0
    step = max(1, (total or 100_000) // 10)

    def advance(n: int) -> None:
        nonlocal done
        before, done = done, done + n
        if before // step != done // step:
            log(f"{done}{f' of {total}' if total else ''} {unit}")

    yield advance
