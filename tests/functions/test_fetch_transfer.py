"""Downloads from a real HTTPS server on loopback: resumed, repeated, taken from the mirror."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fetch_runs import BODY, MD5, QUICK, SHA256, Run, source
from https_server import (
    chunked,
    cut_after,
    nameless,
    nameless_part,
    no_range,
    stall_after,
    status,
    wrong_part,
)


def test_a_file_arrives_whole_and_is_pinned(server, run):
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert run.counted == len(BODY)
    assert json.loads(run.lock.read_text()) == {"toy/a.bin": {"bytes": len(BODY), "sha256": SHA256}}
    assert run.left() == ["a.bin"]
    assert run.out.samefile(run.kept)  # no second copy on disk


def test_it_is_taken_from_the_kept_download_the_second_time(server, run):
    run(source(server))
    run.out.unlink()
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert len(server.asked) == 1


def test_jobs_that_want_the_same_download_share_one_transfer(server, tmp_path):
    runs = [Run(tmp_path) for _ in range(3)]
    for number, run in enumerate(runs):
        run.out = tmp_path / f"out/{number}.bin"
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda run: run(source(server)), runs))
    assert [run.out.read_bytes() for run in runs] == [BODY] * 3
    assert len(server.asked) == 1
    assert runs[0].left() == ["a.bin"]


@pytest.mark.parametrize("checksum", [f"md5:{MD5}", f"sha256:{SHA256}", ""])
@pytest.mark.parametrize("size", [len(BODY), None])
def test_every_form_of_checksum_and_size_is_enough(server, run, checksum, size):
    run(source(server, checksum=checksum, bytes=size))
    assert run.out.read_bytes() == BODY


def test_a_rough_size_is_not_held_against_the_server(server, run):
    run(source(server, bytes=100_000, exact=False))
    assert run.out.read_bytes() == BODY


def test_a_server_that_does_not_say_the_length(server, run):
    server.answers["/a.bin"] = [chunked]
    run(source(server, bytes=None))
    assert run.out.read_bytes() == BODY


def test_a_cut_transfer_goes_on_with_the_missing_bytes_only(server, run):
    server.answers["/a.bin"] = [cut_after(70_000)]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=70000-"]
    assert run.counted == len(BODY)
    assert any("attempt 1 of 3" in line for line in run.log)


def test_it_goes_on_in_a_later_run(server, run):
    server.answers["/a.bin"] = [cut_after(50_000)]
    run.fails(source(server), "toy/a.bin", "Run again", patience=replace(QUICK, attempts=1))
    assert run.part.stat().st_size == 50_000
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=50000-"]
    assert run.left() == ["a.bin"]


def test_a_part_without_a_name_keeps_the_name_of_the_first(server, run):
    server.answers["/a.bin"] = [cut_after(50_000), nameless_part]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=50000-", "bytes=60000-"]


def test_a_server_without_ranges_starts_over(server, run):
    server.answers["/a.bin"] = [cut_after(70_000), no_range]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=70000-"]


def test_a_server_that_does_not_name_the_version_starts_over(server, run):
    server.answers["/a.bin"] = [nameless]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, None]


def test_a_file_that_changes_between_attempts_is_not_mixed(server, run):
    old = bytes(len(BODY))

    def old_and_cut(handler, body):
        server.files["/a.bin"] = BODY
        cut_after(70_000)(handler, old)

    server.answers["/a.bin"] = [old_and_cut]
    run(source(server, checksum="", bytes=None))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=70000-"]


@pytest.mark.parametrize("answer", [wrong_part, status(416)])
def test_a_part_that_does_not_fit_is_thrown_away(server, run, answer):
    server.answers["/a.bin"] = [cut_after(70_000), answer]
    run(source(server))
    assert run.out.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=70000-", None]


def test_a_stalled_server_is_given_up(server, run):
    server.answers["/a.bin"] = [stall_after(1000)] * 2
    patience = replace(QUICK, attempts=2, stall=0.3)
    run.fails(source(server), "nothing came for 0.3 seconds", "2 attempts", patience=patience)


def test_a_stalled_server_that_comes_back(server, run):
    server.answers["/a.bin"] = [stall_after(1000)]
    run(source(server), replace(QUICK, stall=0.3))
    assert run.out.read_bytes() == BODY
