"""Verbs of the downloads: fetch a file, list what can be fetched."""

import os
from pathlib import Path

from jetpulse.cli.common import argument, log, log_start, path, progress, verb

_SOURCES = path("--sources", "table of remote files (default: config/sources.csv if it is there, and the project's)")


@verb(
    argument("name", metavar="NAME/FILE", help="a row of the table of sources"),
    path("out", "file to write"),
    _SOURCES,
    path("--lock", "pins of what has arrived (default: config/sources.lock)", default=Path("config/sources.lock")),
    argument("--offline", action="store_true", help="open no connection, as JETPULSE_OFFLINE=1 does everywhere"),
)
def fetch(name: str, out: Path, sources: Path | None, lock: Path, offline: bool) -> None:
    """Fetch a public file, verify it and put it into place.

    A connection that breaks is taken up again where it stopped, now or in a later run; after that the mirror is
    tried. Size and checksum must be those of the table; where it has none, the archive is asked for its own. What
    arrives is pinned in the lock file, and must be the same in every later run.

    Downloads are kept in .jetpulse/downloads/NAME; OUT is a hard link to them, or a member unpacked from an archive.
    A file that is put there by hand is verified and used. Offline (--offline, or the environment variable
    JETPULSE_OFFLINE=1), that is the only way, and the message says what to put where.

    Example:
      jetpulse fetch top-landscape/test.h5 data/downloads/top-landscape/test.h5
    """
    from jetpulse.fetch.datasets import TABLE
    from jetpulse.fetch.download import fetch as fetch_source
    from jetpulse.fetch.sources import find_source, known_sources, read_sources

    source = find_source(read_sources(sources) if sources else known_sources(), name, str(sources or TABLE))
    log_start("fetch", "pooch", "requests", file=name, version=source.version or "not stated", size=source.size)
    log(f"licence: {source.licence or 'not stated'}")
    log(f"citation: {source.citation or 'not stated'}")
    total = source.bytes if source.exact else None
    with progress(total, "bytes") as count:
        fetch_source(source, out, lock, offline=offline or is_offline(), progress=count, log=log)
    log(f"wrote {out}")


def is_offline() -> bool:
    """Return whether the environment forbids connections: JETPULSE_OFFLINE set to anything but 0 and nothing."""
    return os.environ.get("JETPULSE_OFFLINE", "") not in ("", "0")


@verb(_SOURCES)
def list_sources(sources: Path | None) -> None:
    """List what can be fetched: sizes, licences, citations, addresses.

    Example:
      jetpulse list-sources
    """
    from jetpulse.fetch.sources import known_sources, read_sources

    for source in (read_sources(sources) if sources else known_sources()).values():
        print(f"{source.key}: {source.about}")
        print(f"    {source.citation or 'no citation given'}")
