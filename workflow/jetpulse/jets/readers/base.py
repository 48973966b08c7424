"""What all readers share: chunks of jets, files that cannot be read, limits of what is believed."""

import difflib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError, plain, reason
from jetpulse.open_files import too_many_open

# More are not believed; a damaged file may claim any number. The public samples have up to 200.
MOST_CONSTITUENTS = 100_000
# What is read at once has at most so many constituents (128 MB of momenta), however many a jet has.
MOST_AT_ONCE = 4_000_000
IN_GEV = {"GeV": 1.0, "MeV": 1e-3, "TeV": 1e3}


@dataclass(frozen=True)
class Chunk:
    """Some jets of a file: ``row`` (n) of their entry there, ``label`` (n) if read, ``counts`` (n), momenta (total, 4).

    ``constituents`` are E, px, py, pz in the file's unit, jet after jet. ``left_out`` counts what was left out, as
    "jets: REASON" or "constituents: REASON". ``event`` has the columns (n) that name a jet's event, as they are in the
    file; without any, jets of one row are one event.
    """

    row: np.ndarray
    label: np.ndarray | None
    counts: np.ndarray
    constituents: np.ndarray
    left_out: Mapping[str, int] = field(default_factory=dict)
    event: Mapping[str, np.ndarray] = field(default_factory=dict)


def event_names(source: JetSource, found: Collection[str], exported: bool) -> list[str]:
    """Return the columns that name an event: those of the config, else ``event`` where a file is as we export them."""
    if source.event is not None:
        return source.event
    return ["event"] if exported and "event" in found else []


def check_file(path: str | Path, format: str) -> None:
    """Refuse what is not a readable file with something in it.

    Raises:
        UserError: missing, a folder, without permission, or empty.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected a file of format {format!r}")
    if not path.exists():
        raise UserError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise UserError(f"{path}: is not a regular file, expected a file of format {format!r}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: permission denied; check who may read the file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty (0 bytes), expected format {format!r}; fetch or make it again")


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises while it reads into one line; put nothing else into the body.

    Libraries answer damaged bytes with exceptions of every kind, out-of-memory included: a damaged length may claim
    any number of bytes.

    Raises:
        UserError: names the file, ``what`` could not be read, and the library's reason.
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        words = too_many_open(error) or f"{what} cannot be read ({reason(error)}); fetch or make the file again"
        raise UserError(f"{path}: {words}") from error
    except MemoryError as error:
        raise UserError(
            f"{path}: {what} cannot be read (it claims more memory than there is); the file seems damaged, "
            "fetch or make it again"
        ) from error
    except Exception as error:
        raise UserError(f"{path}: {what} cannot be read ({reason(error)}); fetch or make the file again") from error


def missing_name(path: str | Path, what: str, name: str, found: Collection[str]) -> UserError:
    """Return the error for a branch or column that is not there, with the nearest ones that are."""
    near = difflib.get_close_matches(name, found, 3, 0.4) or list(found)[:8]
    more = ", ..." if len(near) < len(found) else ""
    listed = ", ".join(map(plain, near)) + more if near else "nothing"
    return UserError(f"{path}: no {what} {name!r}, found {listed}; check the names in the config")


def check_counts(counts: np.ndarray, path: str | Path, start: int) -> None:
    """Refuse numbers of constituents that nothing can have.

    Raises:
        UserError: negative or unbelievably large, with its event (``start`` is that of the first).
    """
    wrong = np.flatnonzero((counts < 0) | (counts > MOST_CONSTITUENTS))
    if len(wrong):
        raise UserError(
            f"{path}: event {start + wrong[0]}: the jet has {counts[wrong[0]]} constituents, expected 0 to "
            f"{MOST_CONSTITUENTS}; the file seems damaged, fetch or make it again"
        )


def check_lengths(
    found: np.ndarray, expected: np.ndarray, names: tuple[str, str], path: str | Path, start: int
) -> None:
    """Refuse lists that belong together but differ in length, (n) each; ``names`` are those of found and expected.

    Raises:
        UserError: names the first such event; ``start`` is that of the first list.
    """
    different = np.flatnonzero(found != expected)
    if len(different):
        event = different[0]
        raise UserError(
            f"{path}: event {start + event}: {names[0]} has {found[event]} entries, {names[1]} {expected[event]}; "
            "they belong together, check how the file was written"
        )
