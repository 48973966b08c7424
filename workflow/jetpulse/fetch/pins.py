"""Pins: size and sha256 of everything that ever arrived, which later downloads must match (config/sources.lock)."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError
from jetpulse.samples import dump_json, load_json
from jetpulse.samples.locks import held


@dataclass(frozen=True)
class Pin:
    """What a file was when it first arrived."""

    bytes: int
    sha256: str


def read_pins(lock: Path) -> dict[str, Pin]:
    """Return the pins by NAME/FILE; none where the lock does not exist yet.

    Raises:
        UserError: not a lock file.
    """
    if not lock.exists():
        return {}
    return {key: _pin(value, f"{lock}: {key}") for key, value in _mapping(load_json(lock), str(lock)).items()}


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected NAME/FILE: bytes, sha256, found {value!r:.60}; restore or remove it")
    return value


def _pin(value: Any, where: str) -> Pin:
    entry = _mapping(value, where)
    size, checksum = entry.get("bytes"), entry.get("sha256")
    if (
        set(entry) != {"bytes", "sha256"}
        or type(size) is not int
        or size < 0
        or not isinstance(checksum, str)
        or not re.fullmatch("[0-9a-f]{64}", checksum)
    ):
        raise UserError(f"{where}: expected bytes (a whole number) and sha256 (64 digits); restore or remove the entry")
    return Pin(size, checksum)


def mismatch(pin: Pin, found: Pin, key: str, lock: Path) -> str:
    """Return what to tell someone whose file is not the pinned one."""
    return (
        f"sha256 is {found.sha256} ({found.bytes} bytes), {lock} has {pin.sha256} ({pin.bytes} bytes) from the first "
        f"time; if the change is right, remove the entry {key!r} from {lock}"
    )


def add_pin(lock: Path, key: str, found: Pin, folder: Path) -> None:
    """Pin a file that has arrived; jobs that run at the same time take turns.

    Raises:
        UserError: the file is pinned already, as another one.
    """
    with held(folder / ".pins.guard", str(lock), wait=True):
        pins = read_pins(lock)
        if key in pins and pins[key] != found:
            raise UserError(f"{key}: {mismatch(pins[key], found, key, lock)}")
        if key not in pins:
            pins[key] = found
            dump_json(lock, {name: asdict(pins[name]) for name in sorted(pins)})
