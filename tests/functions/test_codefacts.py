"""What is known of a module is kept beside its bytecode, for these very bytes, and never in the way."""

import json
from pathlib import Path

import pytest

from jetpulse import codefacts
from jetpulse.codefacts import Definition, Facts, Reference, read_facts

SOURCE = """from jetpulse import tools
from jetpulse.deep import one as other

LIMIT = 3
print(LIMIT)


def use():
    return tools.inner(other, LIMIT)
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def kept(module: Path) -> Path:
    (path,) = module.parent.glob("__pycache__/module.*.facts.json")
    return path


def read_without_a_tree(module: Path, monkeypatch: pytest.MonkeyPatch) -> Facts:
    with monkeypatch.context() as patch:
        patch.setattr(codefacts, "_find", lambda tree, name: pytest.fail("the source was read as a tree"))
        return read_facts(module, "module")


def test_facts_of_a_module_by_hand(module: Path) -> None:
    facts = read_facts(module, "module")
    assert facts.imports == {"tools": Reference("", "tools"), "other": Reference("deep", "one")}
    assert set(facts.definitions) == {"LIMIT", "#0", "use"}
    assert set(facts.definitions["use"].references) == {
        Reference("", "tools", "inner()"),
        Reference("deep", "one"),
        Reference(None, "LIMIT"),
    }


def test_what_is_kept_is_the_same(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = read_facts(module, "module")
    again = read_without_a_tree(module, monkeypatch)
    assert again == facts
    assert all(isinstance(definition, Definition) for definition in again.definitions.values())


def test_other_bytes_or_another_way_to_read_them_are_read_anew(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_facts(module, "module")
    module.write_text(SOURCE.replace("LIMIT = 3", "LIMIT = 4"), encoding="utf-8")
    after = read_facts(module, "module")
    changed = {name for name in before.definitions if before.definitions[name] != after.definitions[name]}
    assert changed == {"LIMIT"}
    monkeypatch.setattr(codefacts, "_own_source", lambda: b"another way")
    with pytest.raises(pytest.fail.Exception):
        read_without_a_tree(module, monkeypatch)


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"key": 3}'])
def test_a_damaged_file_is_replaced(module: Path, monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    facts = read_facts(module, "module")
    kept(module).write_text(damaged, encoding="utf-8")
    assert read_facts(module, "module") == facts
    assert read_without_a_tree(module, monkeypatch) == facts
    assert json.loads(kept(module).read_text(encoding="utf-8"))["key"]


def test_where_nothing_can_be_kept_the_facts_are_the_same(module: Path) -> None:
    facts = read_facts(module, "module")
    kept(module).unlink()
    kept_in = module.parent / "__pycache__"
    kept_in.rmdir()
    kept_in.write_text("in the way", encoding="utf-8")
    assert read_facts(module, "module") == facts
