"""Calls of ``fetch`` in folders of their own, with a source on the server on loopback."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from https_server import Server
from jetpulse.errors import UserError
from jetpulse.fetch.download import fetch
from jetpulse.fetch.sources import Source
from jetpulse.fetch.transfer import Patience
from toy_jets import assert_one_line

BODY = bytes(range(256)) * 400  # 102,400 bytes, more than one packet
QUICK = Patience(attempts=3, pause=0.0, connect=5.0, stall=5.0)
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


def fresh(server: Server, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the server with the toy file and its mirror, and trust its certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    monkeypatch.setenv("NO_PROXY", "localhost")
    server.files = {"/a.bin": BODY, "/mirror/a.bin": BODY}
    server.answers = {}
    server.asked.clear()
    server.released.clear()
    return server


def source(server: Server, **changes) -> Source:
    good = Source(
        name="toy",
        file="a.bin",
        split="",
        format="",
        version="1",
        url=server.url("/a.bin"),
        mirror="",
        bytes=len(BODY),
        exact=True,
        checksum=f"sha256:{SHA256}",
        member="",
        licence="CC0-1.0",
        citation="nobody",
    )
    return replace(good, **changes)


class Run:
    """One call of ``fetch`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.out, self.lock, self.downloads = folder / "out/a.bin", folder / "sources.lock", folder / "downloads"
        self.kept = self.downloads / "toy/a.bin"
        self.part = self.downloads / "toy/a.bin.part"
        self.counted = 0
        self.log: list[str] = []

    def __call__(self, wanted: Source, patience: Patience = QUICK, **options) -> None:
        fetch(
            wanted,
            self.out,
            self.lock,
            downloads=self.downloads,
            patience=patience,
            progress=self.count,
            log=self.log.append,
            **options,
        )

    def count(self, n: int) -> None:
        self.counted += n

    def fails(self, wanted: Source, *words: str, **options) -> None:
        with pytest.raises(UserError) as error:
            self(wanted, **options)
        assert_one_line(error, *words)
        assert not self.out.exists()

    def left(self) -> list[str]:
        return sorted(path.name for path in self.downloads.rglob("*") if path.is_file())
