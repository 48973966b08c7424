"""What happens to files that have arrived: pins, offline work, files brought by hand."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from jetpulse.cli import main
from jetpulse.errors import UserError
from jetpulse.fetch.download import fetch
from jetpulse.fetch.pins import Pin, add_pin, read_pins
from jetpulse.fetch.sources import Source
from toy_jets import assert_one_line

BODY = b"twelve bytes"
SHA256 = hashlib.sha256(BODY).hexdigest()
SOURCE = Source(
    name="toy",
    file="a.bin",
    split="",
    format="",
    version="1",
    url="https://localhost:9/a.bin",
    mirror="https://localhost:9/mirror/a.bin",
    bytes=len(BODY),
    exact=True,
    checksum=f"sha256:{SHA256}",
    member="",
    licence="CC0-1.0",
    citation="nobody",
)


@pytest.fixture
def kept(tmp_path) -> Path:
    path = tmp_path / "downloads/toy/a.bin"
    path.parent.mkdir(parents=True)
    return path


def bring(tmp_path: Path, source: Source = SOURCE, **options) -> Path:
    """Fetch without network; return the output."""
    out = tmp_path / "data/a.bin"
    fetch(source, out, tmp_path / "sources.lock", downloads=tmp_path / "downloads", **options)
    return out


def fails(tmp_path: Path, *words: str, source: Source = SOURCE, **options) -> None:
    with pytest.raises(UserError) as error:
        bring(tmp_path, source, **options)
    assert_one_line(error, *words)
    assert list((tmp_path / "data").glob("*")) == []


def test_offline_says_what_to_put_where(tmp_path):
    kept = tmp_path / "downloads/toy/a.bin"
    words = (SOURCE.url, SOURCE.mirror, "12 bytes", SOURCE.checksum, f"put it at {kept}")
    fails(tmp_path, *words, offline=True)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("offline", [True, False])
def test_a_file_brought_by_hand_is_verified_and_used(tmp_path, kept, offline):
    kept.write_bytes(BODY)
    assert bring(tmp_path, offline=offline).read_bytes() == BODY
    assert kept.exists()
    assert read_pins(tmp_path / "sources.lock") == {"toy/a.bin": Pin(12, SHA256)}


def test_a_link_brought_by_hand(tmp_path, kept):
    (tmp_path / "elsewhere").write_bytes(BODY)
    kept.symlink_to(tmp_path / "elsewhere")
    out = bring(tmp_path, offline=True)
    assert out.read_bytes() == BODY
    assert not out.is_symlink()


@pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b"!"])
def test_a_wrong_size_brought_by_hand(tmp_path, kept, body):
    kept.write_bytes(body)
    fails(tmp_path, f"{kept}: has {len(body)} bytes, expected 12; remove it", offline=True)
    assert kept.read_bytes() == body


def test_wrong_bytes_brought_by_hand(tmp_path, kept):
    kept.write_bytes(BODY[::-1])
    fails(tmp_path, str(kept), "sha256 is", f"expected {SHA256}", "put the right file there", offline=True)


def test_a_disk_without_links_gets_a_copy(tmp_path, kept, monkeypatch):
    def refuse(*args):
        raise OSError(18, "Invalid cross-device link")

    kept.write_bytes(BODY)
    monkeypatch.setattr(os, "link", refuse)
    out = bring(tmp_path)
    assert out.read_bytes() == BODY
    assert not out.samefile(kept)


def test_a_file_that_changed_since_it_was_pinned(tmp_path, kept):
    kept.write_bytes(BODY)
    lock = tmp_path / "sources.lock"
    lock.write_text(json.dumps({"toy/a.bin": {"bytes": 12, "sha256": "0" * 64}}))
    unchecked = replace(SOURCE, checksum="", bytes=None)
    fails(tmp_path, SHA256, "0" * 64, f"remove the entry 'toy/a.bin' from {lock}", source=unchecked)
    lock.write_text("{}")
    assert bring(tmp_path, unchecked).read_bytes() == BODY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected NAME/FILE"),
        ('{"toy/a.bin": 3}', "toy/a.bin: expected NAME/FILE"),
        ('{"toy/a.bin": {"bytes": 1}}', "toy/a.bin: expected bytes"),
        ('{"toy/a.bin": {"bytes": true, "sha256": "' + "0" * 64 + '"}}', "expected bytes"),
        ('{"toy/a.bin": {"bytes": 1, "sha256": "xyz"}}', "64 digits"),
    ],
)
def test_a_lock_file_that_is_none(tmp_path, kept, text, words):
    kept.write_bytes(BODY)
    (tmp_path / "sources.lock").write_text(text)
    fails(tmp_path, "sources.lock", words)
    assert (tmp_path / "sources.lock").read_text() == text


PINNING = """
import sys
from pathlib import Path
from jetpulse.fetch.pins import Pin, add_pin
folder, number = Path(sys.argv[1]), int(sys.argv[2])
for i in range(10):
    add_pin(folder / "sources.lock", f"toy/{number}-{i}", Pin(i, "0" * 64), folder)
"""


def test_jobs_that_pin_at_the_same_time_lose_nothing(tmp_path):
    command = [sys.executable, "-c", PINNING, str(tmp_path)]
    jobs = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [job.wait() for job in jobs] == [0, 0, 0]
    assert set(read_pins(tmp_path / "sources.lock")) == {f"toy/{n}-{i}" for n in range(3) for i in range(10)}
    assert [path.name for path in tmp_path.iterdir()] == ["sources.lock"]


def test_a_pin_is_not_changed_by_another_file(tmp_path):
    lock = tmp_path / "sources.lock"
    add_pin(lock, "toy/a", Pin(1, "0" * 64), tmp_path)
    add_pin(lock, "toy/a", Pin(1, "0" * 64), tmp_path)
    with pytest.raises(UserError) as error:
        add_pin(lock, "toy/a", Pin(2, "1" * 64), tmp_path)
    assert_one_line(error, "toy/a", "0" * 64, "1" * 64)
    assert read_pins(lock) == {"toy/a": Pin(1, "0" * 64)}


def test_two_members_come_from_one_download_and_are_pinned_each(tmp_path):
    archive = tmp_path / "downloads/toy/all.tar"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as handle:
        for name, body in (("a.bin", BODY), ("b.bin", BODY * 2)):
            (tmp_path / name).write_bytes(body)
            handle.add(tmp_path / name, f"in/{name}")
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    source = replace(
        SOURCE, url="https://localhost:9/all.tar", checksum=f"md5:{digest}", bytes=9, exact=False, member="in/a.bin"
    )
    assert bring(tmp_path, source, offline=True).read_bytes() == BODY
    second = replace(source, file="b.bin", member="in/b.bin")
    assert bring(tmp_path, second, offline=True).read_bytes() == BODY * 2
    assert set(read_pins(tmp_path / "sources.lock")) == {"toy/a.bin", "toy/b.bin", "toy/all.tar"}
    fails_again = replace(source, member="in/b.bin")  # another content under a pinned name
    with pytest.raises(UserError) as error:
        bring(tmp_path, fails_again, offline=True)
    assert_one_line(error, "toy/a.bin", "remove the entry")
    assert (tmp_path / "data/a.bin").read_bytes() == BODY * 2  # what was there before stays


# --- the verb ---------------------------------------------------------------------------------------------------------

TABLE = (
    "name,file,split,format,version,url,mirror,bytes,checksum,member,licence,citation\n"
    f"toy,a.bin,,,1,https://localhost:9/a.bin,,12,sha256:{SHA256},,CC0-1.0,nobody\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/sources.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JETPULSE_OFFLINE", raising=False)
    return tmp_path


@pytest.mark.parametrize("by", ["option", "environment"])
def test_the_verb_offline(folder, capsys, monkeypatch, by):
    options = ["--offline"] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("JETPULSE_OFFLINE", "1")
    assert main(["fetch", "toy/a.bin", "out.bin", *options]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("jetpulse fetch: toy/a.bin: offline, and .jetpulse/downloads/toy/a.bin is not there")


def test_the_verb_with_a_file_brought_by_hand(folder, capsys):
    (folder / ".jetpulse/downloads/toy").mkdir(parents=True)
    (folder / ".jetpulse/downloads/toy/a.bin").write_bytes(BODY)
    assert main(["fetch", "toy/a.bin", "out/a.bin"]) == 0
    assert (folder / "out/a.bin").read_bytes() == BODY
    said = capsys.readouterr().err
    assert "licence: CC0-1.0" in said
    assert "citation: nobody" in said
    assert json.loads((folder / "config/sources.lock").read_text())["toy/a.bin"]["bytes"] == 12


def test_the_verb_with_a_file_that_is_not_in_the_table(folder, capsys):
    assert main(["fetch", "toy/a.bim", "out.bin"]) == 1
    assert (
        "the table of downloads (`jetpulse list-sources`): no file 'toy/a.bim'; did you mean 'toy/a.bin'?"
        in capsys.readouterr().err
    )


def test_the_list(folder, capsys):
    assert main(["list-sources"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith(
        "toy/a.bin: 12 B, CC0-1.0, https://localhost:9/a.bin\n    nobody\ntop-landscape/train.h5: "
    )
