"""Expected errors, invalid input and termination by a signal, and the words of exceptions of libraries."""

import re
from pathlib import Path

_LONGEST_REASON = 160


class UserError(Exception):
    """A mistake that the user can mend: bad input, a wrong setting, a full disk.

    The message is one line: where (file, key, event), what was found, what is allowed, what to do. The
    command line prints it without a traceback and exits with code 1.
    """


class DivergedError(UserError):
    """A training whose loss or weights are no longer finite; a search goes on with other settings."""


class StoppedError(Exception):
    """The program was asked to end by a signal and has kept what it needs to go on.

    The command line prints the message and exits with ``code``: 128 + the signal's number.
    """

    def __init__(self, message: str, code: int) -> None:
        """Keep the message, one line, and the exit code."""
        super().__init__(message)
        self.code = code


def cannot_open(path: str | Path, error: OSError, expected: str) -> UserError:
    """Return the error for a file, ``expected`` to be "a table" or the like, that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: no such file; check the path")
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path}: is a folder, expected {expected}")
    if isinstance(error, PermissionError):
        return UserError(f"{path}: permission denied; check who may read the file")
    return UserError(f"{path}: cannot be read ({error.strerror or error}); check the file")


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's words, or its name if it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def reason(error: BaseException) -> str:
    """Return all of an exception's words as a short piece of one line, or its name if it has none."""
    text = plain(error) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON].rstrip() + "..."


def plain(value: object) -> str:
    """Return a text that may come from a damaged file without line breaks and control characters."""
    text = " ".join(str(value).split())
    return re.sub(r"[^ -~\u00a0-\ud7ff]", "?", text)
