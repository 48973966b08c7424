"""One file over https into a part file: resumed where a connection broke, retried, watched for size and stalls."""

import errno
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter

from jetpulse import __version__
from jetpulse.errors import UserError
from jetpulse.fetch.sources import human_size

Progress = Callable[[int], None]
Log = Callable[[str], None]
_CHUNK = 1 << 20
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_PAUSE = 60.0  # seconds, also where a server asks for more


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server; times in seconds."""

    attempts: int = 5
    pause: float = 1.0  # before the second attempt, doubled before each further one
    connect: float = 20.0
    stall: float = 60.0  # without a single byte


class TransferError(Exception):
    """A server did not give the file; the message says why."""


class _BrokenError(TransferError):
    """A failure that may pass: try again."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _NoPlainHttp(BaseAdapter):
    """Stands for http: whoever redirects there is refused."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Refuse.

        Raises:
            TransferError: always.
        """
        raise TransferError(f"redirects to {request.url}, which is not https")

    def close(self) -> None:
        """Do nothing."""


def open_session() -> requests.Session:
    """Return a session that speaks https only and takes files as they are stored."""
    session = requests.Session()
    session.mount("http://", _NoPlainHttp())
    session.headers.update({"User-Agent": f"jetpulse/{__version__}", "Accept-Encoding": "identity"})
    session.max_redirects = 10
    return session


def receive(
    url: str,
    part: Path,
    size: int | None,
    patience: Patience,
    progress: Progress,
    log: Log,
) -> None:
    """Write what ``url`` gives to ``part``, going on where an earlier attempt stopped.

    Beside the part lies ``PART.json`` with what the server called that version of the file; another version, or a
    server that cannot send the rest, starts over.

    Args:
        url: an https address.
        part: the part file, kept when the transfer breaks.
        size: exact size in bytes if it is known.
        patience: attempts and times.
        progress: called with the number of bytes that have come, those of an earlier attempt included.
        log: called with a line for every attempt that breaks.

    Raises:
        TransferError: the server refuses, offers another size, or breaks off at every attempt.
        UserError: the disk is full.
    """
    reached = 0

    def show(position: int) -> None:
        nonlocal reached
        if position > reached:
            progress(position - reached)
            reached = position

    with open_session() as session:
        for attempt in range(1, patience.attempts + 1):
            try:
                return _attempt(session, url, part, size, patience, show)
            except _BrokenError as error:
                log(f"attempt {attempt} of {patience.attempts}: {error}")
                if attempt == patience.attempts:
                    raise TransferError(f"{error} ({attempt} attempts)") from error
                time.sleep(min(max(patience.pause * 2 ** (attempt - 1), error.wait), _LONGEST_PAUSE))


def _attempt(
    session: requests.Session, url: str, part: Path, size: int | None, patience: Patience, show: Progress
) -> None:
    note = _note(part)
    start, validator = _resumable(part, note)
    if start and start == size:
        return show(start)
    headers = {"Range": f"bytes={start}-", "If-Range": validator} if start else {}
    try:
        with session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.stall)) as response:
            start, total = _accept(response, start, validator, part)
            if size is not None and total is not None and total != size:
                raise TransferError(f"the server offers {total} bytes, expected {size}")
            if size is None and total is None and "chunked" not in response.headers.get("Transfer-Encoding", ""):
                raise TransferError("the server does not say how long the file is; give its `bytes` in the table")
            _check_space(part, None if total is None else total - start)
            if not start:
                part.write_bytes(b"")
                note.write_text(json.dumps({"validator": _validator(response)}), encoding="utf-8")
            end = _copy(response, part, start, total if size is None else size, show)
    except requests.exceptions.SSLError as error:
        kind = TransferError if "CERTIFICATE_VERIFY_FAILED" in str(error) else _BrokenError
        raise kind(f"no trustworthy connection ({_words(error)})") from error
    except requests.ConnectTimeout as error:
        raise _BrokenError(f"no connection within {patience.connect:g} seconds") from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _BrokenError(f"nothing came for {patience.stall:g} seconds") from error
    except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
        raise _BrokenError(f"the connection broke ({_words(error)})") from error
    except requests.RequestException as error:
        raise TransferError(_words(error)) from error
    if total is not None and end != total:
        raise _BrokenError(f"the connection ended after {end} of {total} bytes")
    if size is not None and end != size:
        raise TransferError(f"the server sent {end} bytes, expected {size}")


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def discard(part: Path) -> None:
    """Remove a part file and what was noted about it."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _resumable(part: Path, note: Path) -> tuple[int, str]:
    """Return how many bytes can be kept and the name of their version; 0 without such a name."""
    try:
        validator = json.loads(note.read_text(encoding="utf-8"))["validator"]
        return (part.stat().st_size, validator) if validator and isinstance(validator, str) else (0, "")
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def _validator(response: requests.Response) -> str:
    """Return what names this very version of the file: a strong ETag, or the time of its last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _accept(response: requests.Response, start: int, validator: str, part: Path) -> tuple[int, int | None]:
    """Return where the body starts in the file and the file's size if the server says so.

    Raises:
        TransferError: an answer without the file.
    """
    status = response.status_code
    if status == 206 and start:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
        if found and int(found[1]) == start and _validator(response) in ("", validator):
            return start, int(found[3])
        discard(part)
        raise _BrokenError("the rest that the server sent does not fit what had come; starting over")
    if status == 416 and start:
        discard(part)
        raise _BrokenError(f"the server has nothing after byte {start}; starting over")
    if status in _TRANSIENT:
        wait = _whole_number(response.headers.get("Retry-After", ""))
        raise _BrokenError(f"HTTP {status} {response.reason}", float(wait or 0))
    if status != 200:
        raise TransferError(f"HTTP {status} {response.reason}")
    return 0, _whole_number(response.headers.get("Content-Length", ""))


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _copy(response: requests.Response, part: Path, start: int, limit: int | None, show: Progress) -> int:
    """Append the body to the first ``start`` bytes of the part; return the part's size."""
    with part.open("ab") as handle:
        show(start)
        end = start
        # The bytes as they are stored: a .gz file that a server calls "encoded" is not to be unpacked on the way.
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            end += len(chunk)
            if limit is not None and end > limit:
                raise TransferError(f"the server sends more than the expected {limit} bytes")
            try:
                handle.write(chunk)
            except OSError as error:
                raise write_failure(part, error) from error
            show(end)
        handle.flush()
    return end


def check_space(folder: Path, needed: int, what: str) -> None:
    """Refuse a file that the disk has no room for.

    Raises:
        UserError: less free space than ``needed`` bytes.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{what}: needs {human_size(needed)}, {human_size(free)} are free in {folder}; free some space or make "
            "the folder a link to a larger disk"
        )


def _check_space(part: Path, needed: int | None) -> None:
    if needed is not None:
        check_space(part.parent, needed, str(part))


def write_failure(path: Path, error: OSError) -> UserError:
    """Return what to tell someone whose disk or folder does not take a file."""
    todo = (
        "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "check who may write there"
    )
    return UserError(f"{path}: cannot be written: {error.strerror or error}; {todo}")


def _words(error: Exception) -> str:
    """Return an error's innermost words, without the chain of objects around them."""
    text = " ".join(str(error).split())
    found = re.search(r"(?:Caused by \w+\(|\()[\"'](?:<[^>]*>: )?(.+?)[\"']", text)
    return (found[1] if found else text)[:200]
