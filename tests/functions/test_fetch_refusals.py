"""Downloads from a real HTTPS server on loopback that lies, redirects or fails, and onto disks that are full."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_runs import BODY, QUICK, SHA256, source
from https_server import chunked, claim, cut_after, endless, redirect, status
from jetpulse.fetch import transfer


@pytest.mark.parametrize("n", [len(BODY) + 10, len(BODY) - 10])
def test_a_length_other_than_the_tables_is_refused_at_once(server, run, n):
    server.answers["/a.bin"] = [claim(n)]
    run.fails(source(server), f"the server offers {n} bytes, expected {len(BODY)}")
    assert len(server.asked) == 1
    assert run.counted == 0


def test_a_length_longer_than_what_comes(server, run):
    server.answers["/a.bin"] = [claim(len(BODY) + 10)] * 3
    run.fails(source(server, bytes=None), "connection", "3 attempts")


def test_a_length_shorter_than_the_file_is_found_by_the_checksum(server, run):
    server.answers["/a.bin"] = [claim(500)]
    digest = hashlib.sha256(BODY[:500]).hexdigest()
    run.fails(source(server, bytes=None), f"sha256 is {digest}, expected {SHA256}")
    assert run.left() == []


def test_a_length_that_nobody_knows(server, run):
    server.answers["/a.bin"] = [endless, endless]
    run.fails(source(server, bytes=None), "does not say how long the file is")
    run(source(server))
    assert run.out.read_bytes() == BODY


def test_more_bytes_than_expected_are_refused(server, run):
    server.answers["/a.bin"] = [chunked]
    run.fails(source(server, bytes=1000), "more than the expected 1000 bytes")


def test_fewer_bytes_than_expected_without_a_length(server, run):
    server.answers["/a.bin"] = [chunked]
    run.fails(source(server, bytes=len(BODY) + 1), f"sent {len(BODY)} bytes, expected {len(BODY) + 1}")


def test_wrong_bytes_are_deleted_and_the_mirror_is_asked(server, run):
    server.files["/a.bin"] = bytes(len(BODY))
    run(source(server, mirror=server.url("/mirror/a.bin")))
    assert run.out.read_bytes() == BODY
    assert run.left() == ["a.bin"]
    assert any("sha256 is" in line for line in run.log)


def test_wrong_bytes_everywhere(server, run):
    server.files["/a.bin"] = server.files["/mirror/a.bin"] = bytes(len(BODY))
    wanted = source(server, mirror=server.url("/mirror/a.bin"))
    run.fails(wanted, "toy/a.bin: cannot be fetched", "/a.bin: sha256 is", "/mirror/a.bin: sha256 is", SHA256)
    assert run.left() == []
    assert not run.lock.exists()


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_missing_file_is_not_asked_for_twice(server, run, code):
    server.answers["/a.bin"] = [status(code)]
    run(source(server, mirror=server.url("/mirror/a.bin")))
    assert [path for _, path, _ in server.asked] == ["/a.bin", "/mirror/a.bin"]
    assert run.out.read_bytes() == BODY


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, run, code):
    server.answers["/a.bin"] = [status(code, Retry_After="0")]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_server_that_stays_busy_gives_way_to_the_mirror(server, run):
    server.answers["/a.bin"] = [status(500)] * 3
    run(source(server, mirror=server.url("/mirror/a.bin")))
    assert [path for _, path, _ in server.asked] == ["/a.bin"] * 3 + ["/mirror/a.bin"]


def test_what_a_broken_server_gave_is_kept_apart_from_the_mirrors(server, run):
    server.answers = {"/a.bin": [cut_after(30_000)], "/mirror/a.bin": [cut_after(20_000)]}
    wanted = source(server, mirror=server.url("/mirror/a.bin"))
    run.fails(wanted, "/a.bin: ", "/mirror/a.bin: ", patience=replace(QUICK, attempts=1))
    assert run.part.stat().st_size == 30_000
    assert run.part.with_name("a.bin.mirror.part").stat().st_size == 20_000
    run(wanted)
    assert server.ranges() == [None, None, "bytes=30000-"]
    assert run.left() == ["a.bin"]


def test_a_redirect_to_https_is_followed(server, run):
    server.answers["/a.bin"] = [redirect(server.url("/mirror/a.bin"))]
    run(source(server))
    assert run.out.read_bytes() == BODY


def test_a_redirect_to_http_is_refused(server, run):
    server.answers["/a.bin"] = [redirect("http://localhost:9/a.bin")]
    run.fails(source(server), "redirects to http://localhost:9/a.bin, which is not https")


@pytest.mark.parametrize("url", ["ftp://localhost/a.bin", "file:///etc/hosts"])
def test_a_redirect_to_anything_else_is_refused(server, run, url):
    server.answers["/a.bin"] = [redirect(url)]
    run.fails(source(server), "toy/a.bin: cannot be fetched")


def test_redirects_in_a_circle(server, run):
    server.answers["/a.bin"] = [redirect(server.url("/a.bin"))] * 20
    run.fails(source(server), "redirects")


def test_a_certificate_of_nobodys_is_refused(server, run, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    run.fails(source(server), "no trustworthy connection")
    assert server.asked == []


def test_nobody_listens(server, run):
    run.fails(source(server, url="https://localhost:9/a.bin"), "the connection broke", "3 attempts")


def test_a_full_disk_is_seen_before_anything_is_asked(server, run, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(BODY) - 1))
    run.fails(
        source(server, mirror=server.url("/mirror/a.bin")), "toy/a.bin: needs 102 kB, 102 kB are free", "free some"
    )
    assert server.asked == []


def test_a_full_disk_is_seen_when_the_server_says_the_size(server, run, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5))
    run.fails(source(server, bytes=None), "needs 102 kB, 5 B are free")
    assert run.counted == 0


def test_a_disk_that_fills_up_in_between(server, run, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    class Full:
        def __init__(self, handle):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *args):
            self.handle.close()

        def __getattr__(self, name):
            return full if name == "write" else getattr(self.handle, name)

    opened = Path.open

    def open_on_a_full_disk(path, mode="r", **options):
        handle = opened(path, mode, **options)
        return Full(handle) if path == run.part and mode == "ab" else handle

    monkeypatch.setattr(Path, "open", open_on_a_full_disk)
    run.fails(source(server), "a.bin.part: cannot be written: No space left on device; free some space")


def test_the_folder_of_downloads_is_a_file(server, run):
    run.downloads.write_bytes(b"")
    run.fails(source(server), "downloads", "cannot be written")


def test_nothing_is_unpacked_on_the_way(server, run):
    def encoded(handler, body):
        handler.head(200, len(body), ETag='"x"', Content_Encoding="gzip")
        handler.wfile.write(body)

    server.answers["/a.bin"] = [encoded]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.asked[0][2]["Accept-Encoding"] == "identity"


def test_the_pause_grows_and_follows_the_server_within_limits(server, run, monkeypatch):
    pauses = []
    monkeypatch.setattr(transfer.time, "sleep", pauses.append)
    server.answers["/a.bin"] = [status(503), status(503), status(429, Retry_After="7"), status(429, Retry_After="9999")]
    run(source(server), replace(QUICK, attempts=5, pause=1.0))
    assert pauses == [1.0, 2.0, 7.0, 60.0]
