"""Exceptions of libraries in words that fit into one line of ours."""

import pytest

from jetpulse.errors import first_line, reason


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
