"""Checksums that archives publish themselves, asked of a server on loopback in their place."""

import json

import pytest

from fetch_runs import BODY, MD5, QUICK, SHA256, source
from https_server import status, whole
from jetpulse.fetch import transfer
from jetpulse.fetch.published import published_checksum


class OwnZenodo:
    """Pooch's dealings with Zenodo, led to the server on loopback."""

    def __init__(self, monkeypatch, server, files):
        from pooch import downloaders

        monkeypatch.setattr(downloaders, "doi_to_url", lambda doi, **options: f"https://zenodo.org/records/{doi[15:]}")
        monkeypatch.setattr(downloaders.ZenodoRepository, "base_api_url", server.url("/api/records"))
        server.files["/api/records/123"] = json.dumps({"id": 123, "files": files}).encode()


ZENODO = "https://zenodo.org/records/123/files/a.bin?download=1"


def test_zenodo_is_asked_for_its_own_checksum(server, run, monkeypatch):
    OwnZenodo(monkeypatch, server, [{"key": "a.bin", "checksum": f"md5:{MD5}", "links": {}}])
    assert published_checksum(ZENODO, QUICK, run.log.append) == f"md5:{MD5}"
    assert published_checksum(ZENODO.replace("a.bin", "b.bin"), QUICK, run.log.append) == ""


@pytest.mark.parametrize("files", [[{"key": "a.bin", "checksum": "md5:short"}], [{"other": 1}]])
def test_records_of_zenodo_that_cannot_be_understood(server, run, monkeypatch, files):
    OwnZenodo(monkeypatch, server, files)
    assert published_checksum(ZENODO, QUICK, run.log.append) == ""


def test_hugging_face_is_asked_for_its_own_checksum(server, run, monkeypatch):
    server.answers["/datasets/x/resolve/main/a.parquet"] = [
        status(302, Location="https://localhost:9/", X_Linked_ETag=f'"{SHA256}"')
    ]

    class Session(transfer.requests.Session):
        def head(self, url, **options):
            return super().head(url.replace("https://huggingface.co", server.url("")), **options)

    monkeypatch.setattr(transfer.requests, "Session", Session)
    url = "https://huggingface.co/datasets/x/resolve/main/a.parquet"
    assert published_checksum(url, QUICK, run.log.append) == f"sha256:{SHA256}"
    assert published_checksum(url, QUICK, run.log.append) == ""  # the second answer is 404


def test_the_archives_own_checksum_is_held_against_what_came(server, run, monkeypatch):
    import jetpulse.fetch.download as download

    monkeypatch.setattr(download, "published_checksum", lambda url, patience, log: f"md5:{MD5}")
    server.files["/a.bin"] = bytes(len(BODY))
    run.fails(source(server, checksum=""), f"expected {MD5}")
    server.answers["/a.bin"] = [lambda handler, body: whole(handler, BODY)]
    run(source(server, checksum=""))
    assert run.out.read_bytes() == BODY
