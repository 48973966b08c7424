"""One member of an archive (tar, zip, gz), streamed out; nothing but regular files that stay inside."""

import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jetpulse.errors import UserError, first_line
from jetpulse.fetch.sources import is_safe_member
from jetpulse.fetch.transfer import check_space

_CHUNK = 1 << 20
_DAMAGES = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


def extract(archive: Path, member: str, path: Path) -> None:
    """Write one member of an archive to ``path``.

    Raises:
        UserError: a damaged archive, no such member, one that is no regular file or would lead outside, or a disk
            without room for it.
    """
    where = f"{archive}: member {member!r}"
    if not is_safe_member(member):
        raise UserError(f"{where} leads outside of the archive; only relative paths without `..` are taken")
    if archive.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")):
        opened = _tar_member
    elif archive.name.endswith(".zip"):
        opened = _zip_member
    else:
        opened = _gz_member
    try:
        if archive.stat().st_size == 0:
            raise EOFError("0 bytes")
        with opened(archive, member, where) as (size, source), path.open("wb") as target:
            check_space(path.parent, size, where)
            shutil.copyfileobj(source, target, _CHUNK)
    except _DAMAGES as error:
        reason = first_line(error).rstrip(":")
        raise UserError(f"{archive}: the archive is damaged ({reason}); remove it and fetch it again") from error


@contextmanager
def _tar_member(archive: Path, member: str, where: str) -> Iterator[tuple[int, BinaryIO]]:
    with tarfile.open(archive, "r:*") as handle:
        for entry in handle:
            handle.members = []  # the list of all entries would grow with the archive
            if _plain(entry.name) == member:
                if not entry.isreg():
                    raise UserError(f"{where} is {_kind(entry)}, expected a regular file")
                yield entry.size, handle.extractfile(entry)
                return
    raise UserError(f"{where} is not in the archive; check the table of sources")


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _kind(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return f"a link to {entry.linkname!r}"
    return "a folder" if entry.isdir() else "a device"


@contextmanager
def _zip_member(archive: Path, member: str, where: str) -> Iterator[tuple[int, BinaryIO]]:
    with zipfile.ZipFile(archive) as handle:
        entry = next((entry for entry in handle.infolist() if _plain(entry.filename).rstrip("/") == member), None)
        if entry is None:
            raise UserError(f"{where} is not in the archive; check the table of sources")
        mode = stat.S_IFMT(entry.external_attr >> 16)
        if entry.is_dir() or mode not in (0, stat.S_IFREG):
            raise UserError(f"{where} is {'a link' if stat.S_ISLNK(mode) else 'a folder or a device'}, expected a file")
        if entry.flag_bits & 1:
            raise UserError(f"{where} is encrypted; unpack it by hand")
        with handle.open(entry) as source:
            yield entry.file_size, source


@contextmanager
def _gz_member(archive: Path, member: str, where: str) -> Iterator[tuple[int, BinaryIO]]:
    if member != archive.name.removesuffix(".gz"):
        raise UserError(f"{where} is not in the archive; it holds {archive.name.removesuffix('.gz')!r} alone")
    with gzip.open(archive) as source:
        yield archive.stat().st_size, source
