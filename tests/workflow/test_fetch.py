"""Fetching in the workflow, from an HTTPS server on loopback: files of the table become inputs like any other."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jetpulse.fetch.sources import COLUMNS, known_sources
from tests.functions.https_server import Server, cut_after, serving
from tests.workflow.support import change_config, copy_project, planned, snakemake
from tests.workflow.test_bad_input import left, write_spectra

TARGET = "data/tiny-spectra/samples.h5"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(tmp_path) as (server, trusted):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        monkeypatch.setenv("NO_PROXY", "localhost")
        monkeypatch.delenv("JETPULSE_OFFLINE", raising=False)
        yield server


@pytest.fixture
def project(tmp_path: Path, server: Server) -> Path:
    """A project whose own table names one file of spectra on the server."""
    folder = copy_project(tmp_path / "project")
    write_spectra(tmp_path / "spectra.h5")
    body = (tmp_path / "spectra.h5").read_bytes()
    server.files["/s.h5"] = body
    row = dict.fromkeys(COLUMNS, "") | {
        "name": "toy",
        "file": "s.h5",
        "format": "counts",
        "url": server.url("/s.h5"),
        "bytes": str(len(body)),
        "checksum": f"sha256:{hashlib.sha256(body).hexdigest()}",
        "licence": "CC0-1.0",
        "citation": "nobody",
    }
    write_table(folder, row)
    return folder


def write_table(folder: Path, row: dict[str, str]) -> None:
    with (folder / "config/sources.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerow(row)


def download(folder: Path, name: str = "toy") -> str:
    def change(value: dict) -> None:
        value["datasets"]["tiny-spectra"]["source"] = {"download": name}

    return change_config(folder, change)


def test_a_dataset_is_fetched_and_read(project: Path, server: Server) -> None:
    server.answers["/s.h5"] = [cut_after(5000)]
    config = download(project)
    text = snakemake(project, TARGET, "--cores", "1", config=config)
    assert "Fetching toy/s.h5: " in text
    assert (project / TARGET).is_file()
    assert server.ranges() == [None, "bytes=5000-"]
    pins = json.loads((project / "config/sources.lock").read_text(encoding="utf-8"))
    body = server.files["/s.h5"]
    assert pins == {"toy/s.h5": {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}}
    # Another licence or citation is no reason to fetch or to read again; another version is.
    (row,) = csv.DictReader((project / "config/sources.csv").read_text(encoding="utf-8").splitlines())
    write_table(project, row | {"licence": "CC-BY-4.0", "citation": "somebody"})
    assert planned(project, TARGET, config=config) == {}
    write_table(project, row | {"version": "2"})
    snakemake(project, "data/downloads/toy/s.h5", "--cores", "1", config=config)
    assert len(server.asked) == 2  # what is kept was verified again, nothing was transferred


def test_wrong_bytes_stop_the_dataset_in_one_line(project: Path, server: Server) -> None:
    server.files["/s.h5"] = bytes(len(server.files["/s.h5"]))
    text = snakemake(project, TARGET, "--cores", "1", check=False, config=download(project))
    assert "jetpulse fetch: toy/s.h5: cannot be fetched: " in text
    assert "Traceback" not in text
    assert left(project) == []


def test_offline_nothing_is_asked(project: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JETPULSE_OFFLINE", "1")
    text = snakemake(project, TARGET, "--cores", "1", check=False, config=download(project))
    assert "put it at .jetpulse/downloads/toy/s.h5" in text
    assert server.asked == []
    assert left(project) == []


def test_a_download_that_is_not_in_the_table_stops_before_anything_runs(project: Path) -> None:
    text = snakemake(project, "--cores", "1", check=False, config=download(project, "toi"))
    line = "datasets.tiny-spectra.source.download: 'toi' is not in the table of downloads (`jetpulse list-sources`); "
    assert f"{line}did you mean 'toy'?" in text
    assert left(project) == []


def test_a_dry_run_lists_every_size_and_licence(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    text = snakemake(folder, "fetch_all", "--dry-run")
    sources = known_sources()
    assert len(sources) >= 17
    for source in sources.values():
        assert f"Fetching {source.key}: {source.size}" in text
        assert f"{source.licence}, {source.url}" in text
