"""Members of archives: streamed out where they are plain files, refused in one line where they are not."""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_runs import source
from jetpulse.errors import UserError
from jetpulse.fetch.archives import extract
from toy_jets import assert_one_line

BODY = b"twelve bytes"


def write_tar(path: Path, *entries: tuple[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as handle:
        for name, content in entries:
            if isinstance(content, tarfile.TarInfo):
                handle.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            handle.addfile(entry, io.BytesIO(content))
    return path


def tar_entry(name: str, kind: bytes, link: str = "") -> tuple[str, tarfile.TarInfo]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return name, entry


def write_zip(path: Path, *entries: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as handle:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            handle.writestr(entry, content)
    return path


def write_gz(path: Path, body: bytes) -> Path:
    path.write_bytes(gzip.compress(body))
    return path


def refused(tmp_path: Path, archive: Path, member: str, *words: str) -> None:
    inside = {path.name for path in tmp_path.iterdir()}
    target = tmp_path / "target"
    with pytest.raises(UserError) as error:
        extract(archive, member, target)
    assert_one_line(error, archive.name, *words)
    assert {path.name for path in tmp_path.iterdir()} <= inside | {"target"}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_a_member_of_a_tar_file(tmp_path, name, prefix):
    path = write_tar(tmp_path / name, ("other", b"x" * 3000), (f"{prefix}in/b.root", BODY), ("last", b"y"))
    extract(path, "in/b.root", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == BODY


def test_a_member_of_a_zip_file(tmp_path):
    path = write_zip(tmp_path / "a.zip", ("other", b"x"), ("in/b.csv", BODY))
    extract(path, "in/b.csv", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == BODY


def test_the_content_of_a_gz_file(tmp_path):
    extract(write_gz(tmp_path / "b.csv.gz", BODY), "b.csv", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == BODY


def test_an_archive_whose_name_stands_behind_its_address(tmp_path, server, run):
    archive = write_tar(tmp_path / "a.tgz", ("in/b.csv", BODY)).read_bytes()
    server.files["/files/7"] = archive
    checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    run(source(server, url=server.url("/files/7#all.tgz"), bytes=len(archive), checksum=checksum, member="in/b.csv"))
    assert run.out.read_bytes() == BODY
    assert (run.downloads / "toy/all.tgz").exists()
    assert {path for _, path, _ in server.asked} == {"/files/7"}


@pytest.mark.parametrize("member", ["../b", "in/../../b", "/etc/b", "in\\b", "C:b", "in//b", ""])
def test_members_that_lead_outside(tmp_path, member):
    refused(tmp_path, write_tar(tmp_path / "a.tar", (member or "x", BODY)), member, "leads outside")
    refused(tmp_path, write_zip(tmp_path / "a.zip", (member or "x", BODY)), member, "leads outside")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a link to '/etc/passwd'"),
        (tarfile.LNKTYPE, "a link to '/etc/passwd'"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a device"),
        (tarfile.CHRTYPE, "a device"),
    ],
)
def test_members_of_a_tar_file_that_are_no_files(tmp_path, kind, words):
    archive = write_tar(tmp_path / "a.tar", tar_entry("b", kind, "/etc/passwd"))
    refused(tmp_path, archive, "b", words, "expected a regular file")


def test_a_link_in_a_zip_file(tmp_path):
    refused(tmp_path, write_zip(tmp_path / "a.zip", ("b", b"/etc/passwd"), mode=0o120777), "b", "is a link")


def test_a_folder_in_a_zip_file(tmp_path):
    refused(tmp_path, write_zip(tmp_path / "a.zip", ("b/", b"")), "b", "folder")


@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_a_member_that_is_not_there(tmp_path, name):
    write = write_tar if name == "a.tar" else write_zip
    refused(tmp_path, write(tmp_path / name, ("c", BODY)), "b", "member 'b' is not in the archive")


def test_a_gz_file_holds_one_file_alone(tmp_path):
    refused(tmp_path, write_gz(tmp_path / "b.csv.gz", BODY), "c.csv", "it holds 'b.csv' alone")


@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz", "b.zip", "b.gz", "b.tar.xz"])
@pytest.mark.parametrize("body", [b"", b"not an archive at all" * 99])
def test_files_that_are_no_archives(tmp_path, name, body):
    (tmp_path / name).write_bytes(body)
    refused(tmp_path, tmp_path / name, "b", "the archive is damaged")


@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz", "b.zip", "b.gz"])
def test_archives_that_are_cut_short(tmp_path, name):
    body = os.urandom(50_000)
    write = {"b.zip": write_zip, "b.gz": None}.get(name, write_tar)
    archive = write(tmp_path / name, ("b", body)) if write else write_gz(tmp_path / name, body)
    archive.write_bytes(archive.read_bytes()[:30_000])
    refused(tmp_path, archive, "b", "the archive is damaged")


def test_a_zip_file_with_wrong_bytes(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as handle:
        handle.writestr("b", BODY * 100)
    archive = tmp_path / "a.zip"
    archive.write_bytes(archive.read_bytes().replace(BODY, BODY[::-1], 1))
    refused(tmp_path, archive, "b", "damaged", "CRC")


def test_a_member_larger_than_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5))
    refused(tmp_path, write_zip(tmp_path / "a.zip", ("b", BODY)), "b", "needs 12 B, 5 B are free")
