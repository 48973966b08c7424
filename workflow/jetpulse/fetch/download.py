"""Fetching one file of the table: from where it lies already, from its address or from its mirror; verified, pinned."""

import os
import shutil
from pathlib import Path

import pooch

from jetpulse.errors import UserError
from jetpulse.fetch.archives import extract
from jetpulse.fetch.pins import Pin, add_pin, mismatch, read_pins
from jetpulse.fetch.published import published_checksum
from jetpulse.fetch.sources import Source
from jetpulse.fetch.transfer import (
    Log,
    Patience,
    Progress,
    TransferError,
    check_space,
    discard,
    receive,
    write_failure,
)
from jetpulse.samples import publish
from jetpulse.samples.locks import held

DOWNLOADS = Path(".jetpulse/downloads")
_PATIENCE = Patience()
_ENDINGS = (".part", ".mirror.part")  # what a broken transfer from the address and from the mirror leaves


def fetch(
    source: Source,
    out: Path,
    lock: Path,
    *,
    offline: bool = False,
    downloads: Path = DOWNLOADS,
    patience: Patience = _PATIENCE,
    progress: Progress = lambda n: None,
    log: Log = lambda line: None,
) -> None:
    """Write one file of the table to ``out``, verified.

    The download itself is kept in ``downloads`` and ``out`` is a hard link to it, so that making ``out`` again costs
    no transfer. A file that someone put there by hand is verified and used in the same way.

    Args:
        source: the row of the table.
        out: the file to write; it appears whole or not at all.
        lock: JSON file of pins; what arrives for the first time is added.
        offline: open no connection.
        downloads: folder of downloads, finished and not.
        patience: attempts and times.
        progress: called with the number of bytes that have come.
        log: called with a line for everything worth keeping.

    Raises:
        UserError: neither address gives the file, it is not the expected one, no room, or offline without the file.
    """
    kept = downloads / source.download
    try:
        with held(kept.with_name(f".{kept.name}.guard"), str(kept), log, wait=True):
            if kept.exists():
                log(f"found {kept}, no download needed")
                _check_kept(source, kept, lock)
            elif offline:
                raise UserError(_how_to_bring(source, kept))
            else:
                _download(source, kept, lock, patience, progress, log)
            _deliver(source, kept, out, lock)
    except OSError as error:
        raise write_failure(Path(error.filename or kept), error) from error


def _how_to_bring(source: Source, kept: Path) -> str:
    mirror = f" (or {source.mirror})" if source.mirror else ""
    size = f"{source.bytes} bytes" if source.exact and source.bytes else source.size
    return (
        f"{source.key}: offline, and {kept} is not there; fetch {source.url}{mirror} ({size}, "
        f"{source.checksum or 'no checksum published'}) on a machine with network and put it at {kept}"
    )


def _check_kept(source: Source, kept: Path, lock: Path) -> None:
    """Verify and pin a finished download.

    Raises:
        UserError: not the expected file.
    """
    found = measure(kept)
    wrong = _difference(source, kept, found, lock, "")
    if wrong:
        raise UserError(f"{kept}: {wrong}; remove it to fetch it again, or put the right file there")
    add_pin(lock, source.download, found, kept.parent.parent)


def measure(path: Path) -> Pin:
    """Return the size and sha256 of a file."""
    return Pin(path.stat().st_size, pooch.file_hash(str(path), alg="sha256"))


def _difference(source: Source, path: Path, found: Pin, lock: Path, published: str) -> str:
    """Return how a file differs from what was expected, empty if it does not."""
    if source.exact and source.bytes is not None and found.bytes != source.bytes:
        return f"has {found.bytes} bytes, expected {source.bytes}"
    for checksum in filter(None, (source.checksum, published)):
        kind, _, expected = checksum.partition(":")
        digest = found.sha256 if kind == "sha256" else pooch.file_hash(str(path), alg=kind)
        if digest != expected:
            return f"{kind} is {digest}, expected {expected}"
    pin = read_pins(lock).get(source.download)
    return mismatch(pin, found, source.download, lock) if pin and pin != found else ""


def _download(source: Source, kept: Path, lock: Path, patience: Patience, progress: Progress, log: Log) -> None:
    """Bring a file to ``kept`` from its address or its mirror, verify and pin it."""
    size = source.bytes if source.exact else None
    if source.bytes is not None:
        part = kept.with_name(kept.name + _ENDINGS[0])
        check_space(kept.parent, source.bytes - (part.stat().st_size if part.exists() else 0), source.key)
    published = ""
    if not source.checksum and source.download not in read_pins(lock):
        published = published_checksum(source.url, patience, log)
        log(f"checksum asked of the archive: {published or 'it publishes none; what arrives is pinned'}")
    failures = []
    for url, ending in zip((source.url, source.mirror), _ENDINGS, strict=True):
        if not url:
            continue
        part = kept.with_name(kept.name + ending)
        log(f"fetching {url}")
        try:
            receive(url, part, size, patience, progress, log)
            found = measure(part)
            wrong = _difference(source, part, found, lock, published)
            if wrong:
                discard(part)
                raise TransferError(wrong)
        except TransferError as error:
            log(f"{url}: {error}")
            failures.append(f"{url}: {error}")
            continue
        add_pin(lock, source.download, found, kept.parent.parent)
        part.replace(kept)
        for ending in _ENDINGS:
            discard(kept.with_name(kept.name + ending))
        return
    raise UserError(
        f"{source.key}: cannot be fetched: {'; '.join(failures)}. Run again to go on where it stopped, or bring the "
        f"file by hand to {kept}"
    )


def _deliver(source: Source, kept: Path, out: Path, lock: Path) -> None:
    """Publish ``out``: the download itself, or its member."""
    with publish(out) as temporary:
        if source.member:
            extract(kept, source.member, temporary)
            add_pin(lock, source.key, measure(temporary), kept.parent.parent)
            return
        try:
            temporary.unlink()
            os.link(kept.resolve(), temporary)
        except OSError:  # another disk, or one without links
            check_space(out.parent, kept.stat().st_size, str(out))
            shutil.copyfile(kept, temporary)
