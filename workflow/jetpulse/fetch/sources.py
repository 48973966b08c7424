"""The table of remote files: the project's and, in the folder that is worked in, one of the user's."""

import csv
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jetpulse.errors import UserError, cannot_open
from jetpulse.resources import resource
from jetpulse.samples import SPLITS

COLUMNS = (
    "name",
    "file",
    "split",
    "format",
    "version",
    "url",
    "mirror",
    "bytes",
    "checksum",
    "member",
    "licence",
    "citation",
)
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip", ".gz")
OWN = Path("config/sources.csv")
FOLDER = "data/downloads"  # where the workflow puts what it fetches, as NAME/FILE
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")
_BYTES = re.compile(r"~?[1-9][0-9]*")


@dataclass(frozen=True)
class Source:
    """One remote file: a row of the table.

    Attributes:
        bytes: size of what `url` gives, None where it is not known.
        exact: whether `bytes` is the exact size (the table marks others with `~`).
        checksum: `sha256:...` or `md5:...` of what `url` gives, empty where none is published.
        member: the wanted file's path inside an archive, empty where `url` gives the file itself.
    """

    name: str
    file: str
    split: str
    format: str
    version: str
    url: str
    mirror: str
    bytes: int | None
    exact: bool
    checksum: str
    member: str
    licence: str
    citation: str

    @property
    def key(self) -> str:
        """Return NAME/FILE, which names the file everywhere."""
        return f"{self.name}/{self.file}"

    @property
    def download(self) -> str:
        """Return NAME/FILE of what `url` gives: the archive where there is one."""
        return f"{self.name}/{archive_name(self.url)}" if self.member else self.key

    @property
    def size(self) -> str:
        """Return the size of the download for people, such as `1.04 GB`."""
        if self.bytes is None:
            return "size not published"
        return f"{'' if self.exact else 'about '}{human_size(self.bytes)}"

    @property
    def about(self) -> str:
        """Return size, licence and address in one line."""
        archive = f", from {archive_name(self.url)}" if self.member else ""
        return f"{self.size}{archive}, {self.licence or 'licence not stated'}, {self.url}"


def human_size(n: int) -> str:
    """Return a number of bytes for people, three digits and a decimal unit."""
    value, units = float(n), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.3g} {units[0]}"


def archive_name(url: str) -> str:
    """Return the last part of a URL's path, or what follows `#` (which no server is sent) if anything does."""
    parts = urlsplit(url)
    return parts.fragment or unquote(parts.path.removesuffix("/content").rpartition("/")[2])


def known_sources() -> dict[str, Source]:
    """Return the remote files that there are by NAME/FILE: those of OWN, if it is there, and the project's.

    A name that the user's table has stands for that table's files alone.

    Raises:
        UserError: see ``read_sources``.
    """
    own = read_sources(OWN) if OWN.is_file() else {}
    names = {source.name for source in own.values()}
    further = read_sources(resource("sources.csv"))
    return own | {key: source for key, source in further.items() if source.name not in names}


def read_sources(path: str | Path) -> dict[str, Source]:
    """Return the rows of a table of remote files by NAME/FILE, in the table's order.

    Raises:
        UserError: missing, not UTF-8, columns missing or unknown, or a row that cannot be used.
    """
    path = Path(path)
    sources: dict[str, Source] = {}
    for line, row in _rows(path):
        source = _source(row, f"{path}: line {line}")
        if source.key in sources:
            raise UserError(f"{path}: line {line}: {source.key} is given twice; remove or rename one")
        sources[source.key] = source
    for source in sources.values():
        if source.download != source.key and source.download in sources:
            raise UserError(
                f"{path}: {source.download} is both a file and the archive of {source.key}; rename the file"
            )
    return sources


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) with exactly the known columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            found = reader.fieldnames or []
            if sorted(found) != sorted(COLUMNS):
                missing = ", ".join(c for c in COLUMNS if c not in found) or "none"
                further = ", ".join(repr(c) for c in found if c not in COLUMNS or found.count(c) > 1) or "none"
                raise UserError(f"{path}: line 1: columns missing: {missing}; unknown or given twice: {further}")
            for row in reader:
                if None in row or None in row.values():
                    n = sum(value is not None for key, value in row.items() if key) + len(row.get(None, ()))
                    raise UserError(f"{path}: line {reader.line_num}: {n} columns, expected {len(COLUMNS)}")
                yield reader.line_num, {key: value.strip() for key, value in row.items()}
    except OSError as error:
        raise cannot_open(path, error, "a table") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save the table as UTF-8") from error
    except csv.Error as error:
        raise UserError(f"{path}: not a table with commas: {error}") from error


def _source(row: dict[str, str], where: str) -> Source:
    """Return a checked row.

    Raises:
        UserError: a cell that cannot be used.
    """

    def check(good: object, column: str, expected: str) -> None:
        if not good:
            raise UserError(f"{where}: {column} is {row[column]!r}, expected {expected}")

    check(_NAME.fullmatch(row["name"]), "name", "lower-case letters, digits and dashes")
    check(_FILE.fullmatch(row["file"]), "file", "a plain file name: letters, digits, `.`, `_`, `-`, no folder")
    check(row["split"] in ("", *SPLITS), "split", "train, val, test or nothing")
    check(_is_https(row["url"]), "url", "an https:// address (others can be changed on their way)")
    check(not row["mirror"] or _is_https(row["mirror"]), "mirror", "an https:// address or nothing")
    check(
        not row["bytes"] or _BYTES.fullmatch(row["bytes"]),
        "bytes",
        "a whole number (`~` before a rough one) or nothing",
    )
    check(
        not row["checksum"] or _CHECKSUM.fullmatch(row["checksum"]),
        "checksum",
        "sha256: and 64 or md5: and 32 digits of 0-9a-f, or nothing",
    )
    check(not row["member"] or is_safe_member(row["member"]), "member", "a path inside the archive without `..`")
    if row["member"]:
        check(
            archive_name(row["url"]).endswith(ARCHIVES), "url", f"an archive ({', '.join(ARCHIVES)}) as it has a member"
        )
        check(_FILE.fullmatch(archive_name(row["url"])), "url", "an archive with a plain file name")
    cells: dict[str, Any] = dict(row)
    size = cells.pop("bytes")
    return Source(**cells, bytes=int(size.removeprefix("~")) if size else None, exact=not size.startswith("~"))


def _is_https(url: str) -> bool:
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def is_safe_member(member: str) -> bool:
    """Return whether a path inside an archive stays inside: relative, no `..`, no backslash, no drive, no NUL."""
    parts = member.split("/")
    return not (member.startswith("/") or ".." in parts or "" in parts or re.search(r"[\\:\0]", member))


def find_source(sources: dict[str, Source], key: str, where: str) -> Source:
    """Return the row of NAME/FILE.

    Raises:
        UserError: no such row; the nearest one is named.
    """
    if key not in sources:
        near = difflib.get_close_matches(key, sources, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"{where}: no file {key!r}; {hint}there are: {', '.join(sources) or 'none'}")
    return sources[key]
