"""YAML means the same to every reader, or it is refused in one line that says what to write."""

from pathlib import Path

import pytest
import yaml

from jetpulse.cli import main
from jetpulse.config import read_yaml
from jetpulse.errors import UserError

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))


def read(folder, text):
    path = folder / "my.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def refusal(folder, text):
    with pytest.raises(UserError) as error:
        read(folder, text)
    line = str(error.value)
    assert line.startswith(f"{folder / 'my.yaml'}: ")
    assert "\n" not in line
    assert len(line) < 500
    return line


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("010", "8", "10"),
        ("! 010", "8", "10"),
        ("-0777", "-511", "-777"),
        ("0_7", "7", '"0_7"'),
        ("1:30", "90", '"1:30"'),
        ("1:30.5", "90.5", '"1:30.5"'),
        ("1_000", "1000", '"1_000"'),
        ("1_0.5", "10.5", '"1_0.5"'),
        ("0b101", "5", '"0b101"'),
        ("-0x1F", "-31", '"-0x1F"'),
        ("0o17", '"0o17"', "15"),
        ("08", '"08"', "8"),
        ("yes", "true", '"yes"'),
        ("No", "false", '"No"'),
        ("ON", "true", '"ON"'),
        ("off", "false", '"off"'),
    ],
)
def test_a_spelling_that_versions_of_yaml_read_differently_is_refused_with_both_readings(tmp_path, text, old, new):
    line = refusal(tmp_path, f"a:\n  b: [1, {text}]\n")
    assert f"line 2: a.b.1: {text.split()[-1]} is {old} in YAML 1.1 and {new} in YAML 1.2; write {old} or {new}" in line


@pytest.mark.parametrize("text", ["2024-01-01", "2024-1-1 1:00:00", "2024-13-45", "="])
def test_a_text_that_yaml_1_1_takes_for_something_else_is_refused(tmp_path, text):
    assert refusal(tmp_path, f"a: {text}\n").endswith(f'; write "{text}"')


@pytest.mark.parametrize("text", ["on: 1", "{no: 1}", "2024-01-01: 1", "010: 1"])
def test_keys_are_held_to_the_same(tmp_path, text):
    assert "in YAML 1.2; write " in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("-3", -3),
        ("007", 7),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.0e-3", 0.001),
        ("1e-3", "1e-3"),
        ("1.5e3", "1.5e3"),
        ("-.inf", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("yesterday", "yesterday"),
        ("'010'", "010"),
        ('"no"', "no"),
        ("!!str 010", "010"),
        ("1.2.3", "1.2.3"),
        ("12:ab", "12:ab"),
    ],
)
def test_what_is_clear_is_read_as_snakemake_reads_it(tmp_path, text, value):
    assert read(tmp_path, f"a: {text}\n") == {"a": value} == yaml.safe_load(f"a: {text}\n")


LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("? [a, b]\n: c\n", "line 1: a key must be a text"),
        ("? {a: b}\n: c\n", "a key must be a text"),
        ("a:\n  ? - b\n  : c\n", "line 2: a: a key must be a text"),
        ("&a [b]: 1\n*a : 2\n", "a key must be a text"),
        ("1: a\n", 'the key 1 must be a text; write "1"'),
        ("a: {1.5: a}\n", "a: the key 1.5 must be a text"),
        ("~: a\n", "must be a text"),
        ("true: a\n", "must be a text"),
        ("a: 1\n'a': 2\n", "line 2: key 'a' is given twice"),
        ("a: {b: {c: 1, c: 2}}\n", "line 1: a.b: key 'c' is given twice"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n", "line 4: y: key '<<' is given twice"),
        ("a: &a [*a]\n", "line 1: a.0: *a is inside of what it repeats"),
        ("a: &a {b: {c: *a}}\n", "a.b.c: *a is inside of what it repeats"),
        ("a: &a\n  <<: *a\n", "*a is inside of what it repeats"),
        ("a: *b\n", "undefined alias"),
        ("a: " + "[" * 60 + "]" * 60, "nested more than 50 levels deep"),
        ("a: " + "[" * 100_000, "nested more than 50 levels deep"),
        ("a: " + "{b: " * 10_000, "nested more than 50 levels deep"),
        ("- " * 10_000 + "a", "nested more than 50 levels deep"),
        (LAUGHS, "values, counted as often as aliases repeat them"),
        ("a: " + "9" * 5000, "a number of 5000 characters is too long"),
        ("a: !!python/object/apply:os.system [ls]\n", "tags such as !!python/object/apply:os.system are not read"),
        ("a: !!float abc\n", "tags such as !!float are not read"),
        ("a: !!binary YQ==\n", "tags such as !!binary"),
        ("a: !mine 3\n", "tags such as !mine"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a:\n\t- b\n", "not valid YAML"),
        (b"a: \x00\n", "not valid YAML"),
        (b"\x89HDF\r\n\x1a\n\x00\x00", "not valid YAML"),
        ("a: ä".encode("latin-1"), "not valid YAML"),
        ("a: 1\n".encode("utf-16"), "not valid YAML"),
    ],
)
def test_yaml_that_cannot_be_meant_is_one_line(tmp_path, text, words):
    assert words in refusal(tmp_path, text)


def test_a_merge_may_be_overridden_wherever_it_is_repeated(tmp_path):
    text = "a:\n  inner: &b {<<: &a {x: 1, y: 1}, x: 2}\nc: {<<: *b, y: 3}\n"
    assert read(tmp_path, text) == {"a": {"inner": {"x": 2, "y": 1}}, "c": {"x": 2, "y": 3}}


def test_a_byte_order_mark_and_the_ends_of_lines_of_windows_are_read(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: [2]\r\n") == {"a": 1, "b": [2]}


@pytest.mark.parametrize("name", ["missing.yaml", ".", "my.yaml/below", "x" * 300])
def test_a_file_that_cannot_be_opened_is_one_line(tmp_path, capsys, name):
    (tmp_path / "my.yaml").write_text("a: 1\n")
    assert main(["check-config", str(tmp_path / name)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_ready_made_configs_mean_the_same_to_snakemake(path):
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))
