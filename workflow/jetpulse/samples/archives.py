"""npz archives read with errors a person can act on; Python objects in them are never unpickled."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from jetpulse.errors import UserError, cannot_open, first_line
from jetpulse.open_files import too_many_open

# What numpy and the archives below it raise for bytes that are wrong. Running out of memory is among them: the arrays
# asked for are small, so that one that wants more memory than there is has a damaged header.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    SyntaxError,
    EOFError,
    OSError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    TypeError,
    MemoryError,
)
_AGAIN = "fetch or make it again"


def read_npz(path: str | Path, choose: Callable[[Collection[str]], Iterable[str]]) -> dict[str, np.ndarray]:
    """Return arrays of an npz archive by name.

    Args:
        path: the archive.
        choose: is given the names that there are and returns those to read; what it raises is passed on.

    Raises:
        UserError: missing, not an archive, truncated or damaged, or Python objects in it.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                size = path.stat().st_size
                raise UserError(f"{path}: not an npz archive, or truncated ({size} bytes); write it with numpy.savez")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in choose(archive.files)}
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise cannot_open(path, error, "an npz file") from error
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise UserError(f"{path}: holds Python objects, expected arrays of numbers; convert them") from error
        raise UserError(f"{path}: cannot be read as npz ({first_line(error)}); {_AGAIN}") from error
    except DAMAGED as error:
        if words := too_many_open(error):
            raise UserError(f"{path}: {words}") from error
        raise UserError(f"{path}: the file is damaged ({first_line(error)}); {_AGAIN}") from error
