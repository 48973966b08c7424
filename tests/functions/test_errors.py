"""Exceptions of libraries in words that fit into one line of ours."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jetpulse.config.yaml_files import read_yaml
from jetpulse.contents import hash_file
from jetpulse.errors import UserError, first_line, reason
from jetpulse.fetch.references import published_on
from jetpulse.fetch.sources import read_sources
from jetpulse.samples.files import load_json
from toy_jets import assert_one_line


@pytest.mark.parametrize(
    ("error", "first", "whole"),
    [
        (ValueError("one\ntwo"), "one", "one two"),
        (ValueError("\n\n  late \n"), "late", "late"),
        (ValueError(), "ValueError", "ValueError"),
        (ValueError("\n"), "ValueError", "ValueError"),
        (OSError("x\x1b[31m\x00"), "x\x1b[31m\x00", "x?[31m?"),
        (KeyError("a" * 200), repr("a" * 200), "'" + "a" * 159 + "..."),
    ],
)
def test_words_of_an_exception(error: Exception, first: str, whole: str):
    assert first_line(error) == first
    assert reason(error) == whole


@pytest.mark.parametrize(
    "read",
    [read_yaml, load_json, lambda path: published_on("a", path), read_sources, hash_file],
    ids=["yaml", "json", "published", "sources", "hash"],
)
@pytest.mark.parametrize(("name", "said"), [("none", "no such file"), ("folder", "is a folder, expected a")])
def test_what_is_no_file_is_one_line(tmp_path: Path, read: Callable[[Path], object], name: str, said: str):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as error:
        read(tmp_path / name)
    assert_one_line(error, tmp_path / name, said)
