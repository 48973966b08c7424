"""Fixtures of the tests of downloads: an HTTPS server on loopback and a folder to fetch into."""

import pytest

from fetch_runs import Run, fresh
from https_server import Server, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("tls")) as (server, trusted):
        yield server, trusted


@pytest.fixture
def server(running, monkeypatch) -> Server:
    return fresh(*running, monkeypatch)


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)
