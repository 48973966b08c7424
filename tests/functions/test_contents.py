"""Users' files are known by their content."""

import os
from pathlib import Path

import pytest

from jetpulse import contents
from jetpulse.contents import Contents
from jetpulse.errors import UserError

LONG_AGO = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text("1,2\n")
    return path


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_SETTLED", 0.0)


def found(file: Path) -> str:
    """Return what a new run finds."""
    return Contents(file.with_name("kept") / "contents.json").of([file])


@pytest.mark.parametrize("when", [LONG_AGO, None])
def test_a_file_that_is_replaced_is_another_one_whatever_its_time(file: Path, when: int | None) -> None:
    before = found(file)
    other = file.with_name("other.csv")
    other.write_text("1,3\n")
    if when:
        os.utime(other, (when, when))
    else:  # the very time of the one before
        os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert found(file) != before


def test_a_file_that_is_rewritten_in_place_with_its_time_set_back_is_another_one(file: Path) -> None:
    before, times = found(file), file.stat()
    file.write_text("1,3\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert found(file) != before


def test_a_touched_file_or_a_copy_is_the_same(file: Path) -> None:
    before = found(file)
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert found(file) == before
    file.rename(file.with_name("renamed.csv"))
    assert found(file.with_name("renamed.csv")) == before


def test_a_file_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = found(file)
    monkeypatch.setattr(contents, "hash_file", lambda path: pytest.fail("read again"))
    assert found(file) == before


def test_a_file_that_may_still_change_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_SETTLED", 1000.0)
    found(file)
    assert not file.with_name("kept").exists()


def test_order_counts_and_no_file_is_nothing(file: Path) -> None:
    other = file.with_name("other.csv")
    other.write_text("1,3\n")
    known = Contents(file.with_name("contents.json"))
    assert known.of([file, other]) != known.of([other, file])
    assert known.of([]) == ""


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": 3}'])
def test_what_is_kept_may_be_damaged_or_in_the_way(file: Path, text: str) -> None:
    before = found(file)
    (file.with_name("kept") / "contents.json").write_text(text)
    assert found(file) == before
    assert Contents(file / "no" / "folder").of([file]) == before


def test_much_to_read_is_told_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_LARGE", 3)
    lines: list[str] = []
    known = Contents(file.with_name("contents.json"), lines.append)
    assert known.of([file]) == known.of([file])
    assert len(lines) == 1


def test_a_missing_file_is_one_line(file: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        found(file.with_name("missing.csv"))
