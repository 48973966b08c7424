"""What the hash of a command's code reacts to, shown on a small package of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jetpulse import codehash
from jetpulse.codehash import code_hash
from toys import forget_code

FILES = {
    "__init__.py": '"""The package."""\n__version__ = "1"\n',
    "tools.py": '''
"""Tools."""
import math

LIMIT = 3
TABLE = {"a": 1}
TABLE["b"] = 2
FIRST, SECOND = 1, 2
TOTAL = 10
TOTAL += 5


def helper(x: int) -> int:
    """Help."""
    # A comment.
    return inner(x) + LIMIT


def inner(x):
    return math.floor(x) + 1


def unreached(x):
    return x + 100


def read_table():
    return TABLE


def read_total():
    return TOTAL


def read_first():
    return FIRST


class Shape:
    """A shape."""
    sides = 4

    def area(self):
        """Return the area."""
        return 11


class Square(Shape):
    pass


def decorate(function):
    return wrap(function)


def wrap(function):
    return function if 21 else None


def default_value():
    return 31


def bound():
    return 41
''',
    "open/__init__.py": '"""Re-exports."""\nfrom jetpulse.open.deep import publish, unused\nALL = 1\n',
    "open/deep.py": "def publish():\n    return 51\n\n\ndef unused():\n    return 52\n",
    "lazy.py": "def later():\n    return 61\n\n\ndef never():\n    return 62\n",
    "effects.py": """
import os

os.environ['A'] = '71'
os.environ['B'] = '72'
print('73')


def quiet():
    return 0
""",
    "listed.py": "def one():\n    return 81\n\n\ndef two():\n    return 82\n",
    "main.py": """
from jetpulse import __version__, listed, open, tools
from jetpulse.effects import quiet
from jetpulse.listed import one, two
from jetpulse.open import publish
from jetpulse.tools import Square, decorate, default_value, helper
from jetpulse.tools import bound as renamed

CHOICES = {"one": one, "two": two}


def simple():
    return helper(1)


def attribute():
    return tools.inner(1)


def annotated(x: tools.LIMIT = 0):
    return x


def through_class():
    return Square().area()


def through_table():
    return CHOICES["one"]


def reexported():
    return publish()


def reexported_attribute():
    return open.publish()


@decorate
def decorated():
    return 0


def with_default(x=default_value()):
    return x


def under_another_name():
    return renamed()


def lazily():
    from jetpulse.lazy import later

    return later()


def whole_module():
    return dir(listed)


def with_effects():
    return quiet()


def version():
    return __version__


def nested():
    def inside():
        return [helper(x) for x in (lambda: range(3))()]

    return inside


def reads_table():
    return tools.read_table()


def reads_total():
    return tools.read_total()


def reads_first():
    return tools.read_first()


def first():
    return second()


def second():
    return first() or 91
""",
}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[Path]:
    for name, text in FILES.items():
        path = tmp_path / "jetpulse" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.lstrip("\n"))
    monkeypatch.setattr(codehash, "_PACKAGE", tmp_path / "jetpulse")
    forget_code()
    yield tmp_path / "jetpulse"
    forget_code()


@pytest.fixture
def changes(package) -> Callable[[str, str, str, str], bool]:
    """Return whether an edit changes the hash of a root."""

    def changed(root: str, name: str, old: str, new: str) -> bool:
        forget_code()
        before = code_hash(root)
        text = (package / name).read_text()
        assert old in text
        (package / name).write_text(text.replace(old, new, 1))
        forget_code()
        return code_hash(root) != before

    return changed


@pytest.mark.parametrize(
    ("root", "name", "old", "new"),
    [
        ("main:simple", "main.py", "helper(1)", "helper(2)"),
        ("main:simple", "tools.py", "inner(x) + LIMIT", "inner(x) - LIMIT"),
        ("main:simple", "tools.py", "math.floor(x) + 1", "math.floor(x) + 2"),
        ("main:simple", "tools.py", "LIMIT = 3", "LIMIT = 4"),
        ("main:attribute", "tools.py", "math.floor(x) + 1", "math.floor(x) + 2"),
        ("main:annotated", "tools.py", "LIMIT = 3", "LIMIT = 4"),
        ("main:through_class", "tools.py", "return 11", "return 12"),
        ("main:through_class", "tools.py", "sides = 4", "sides = 5"),
        ("main:through_class", "tools.py", "class Square(Shape):\n    pass", "class Square(Shape):\n    x = 1"),
        ("main:through_table", "listed.py", "return 82", "return 0"),
        ("main:through_table", "main.py", '"two": two', '"three": two'),
        ("main:reexported", "open/deep.py", "return 51", "return 0"),
        ("main:reexported_attribute", "open/deep.py", "return 51", "return 0"),
        ("main:decorated", "tools.py", "return wrap(function)", "return wrap(wrap(function))"),
        ("main:decorated", "tools.py", "if 21", "if 22"),
        ("main:decorated", "main.py", "@decorate\n", ""),
        ("main:with_default", "tools.py", "return 31", "return 0"),
        ("main:under_another_name", "tools.py", "return 41", "return 0"),
        ("main:lazily", "lazy.py", "return 61", "return 0"),
        ("main:whole_module", "listed.py", "return 81", "return 0"),
        ("main:with_effects", "effects.py", "'73'", "'0'"),
        ("main:with_effects", "effects.py", "'71'", "'0'"),
        ("main:with_effects", "effects.py", "'72'", "'0'"),
        ("main:version", "__init__.py", '"1"', '"2"'),
        ("main:nested", "tools.py", "math.floor(x) + 1", "math.floor(x) + 2"),
        ("main:reads_table", "tools.py", '"a": 1', '"a": 3'),
        ("main:reads_table", "tools.py", '["b"] = 2', '["b"] = 3'),
        ("main:reads_total", "tools.py", "TOTAL = 10", "TOTAL = 11"),
        ("main:reads_total", "tools.py", "TOTAL += 5", "TOTAL += 6"),
        ("main:reads_first", "tools.py", "= 1, 2", "= 3, 2"),
        ("main:first", "main.py", "or 91", "or 92"),
        ("main", "main.py", "or 91", "or 92"),
    ],
)
def test_an_edit_of_what_is_reached_changes_the_hash(changes, root, name, old, new):
    assert changes(root, name, old, new)


@pytest.mark.parametrize(
    ("root", "name", "old", "new"),
    [
        ("main:simple", "tools.py", "# A comment.", "# Another one."),
        ("main:simple", "tools.py", '    """Help."""\n', ""),
        ("main:simple", "tools.py", '"""Help."""', '"""Help others."""'),
        ("main:simple", "tools.py", '"""Tools."""', '"""More tools."""'),
        ("main:through_class", "tools.py", '"""A shape."""', '"""Any shape."""'),
        ("main:through_class", "tools.py", '        """Return the area."""\n', ""),
        ("main:simple", "tools.py", "def helper(x: int) -> int:", "\n\n\ndef helper(\n    x: int,\n) -> int:"),
        ("main:simple", "tools.py", "LIMIT = 3", "LIMIT = (3)  # sides"),
        ("main:simple", "tools.py", "x + 100", "x + 101"),
        ("main:simple", "tools.py", "return 11", "return 12"),
        ("main:simple", "main.py", "or 91", "or 92"),
        ("main:reexported", "open/deep.py", "return 52", "return 0"),
        ("main:reexported", "open/__init__.py", "ALL = 1", "ALL = 2"),
        ("main:lazily", "lazy.py", "return 62", "return 0"),
        ("main:simple", "lazy.py", "return 61", "return 0"),
        ("main:simple", "effects.py", "'73'", "'0'"),
    ],
)
def test_other_edits_do_not(changes, root, name, old, new):
    assert not changes(root, name, old, new)


def test_every_root_counts(package):
    both = code_hash("main:simple", "lazy")
    assert both != code_hash("main:simple")
    assert both == code_hash("lazy", "main:simple")
    (package / "lazy.py").write_text(FILES["lazy.py"].replace("62", "0"))
    forget_code()
    assert code_hash("main:simple", "lazy") != both


@pytest.mark.parametrize("root", ["main:missing", "missing", "missing:simple", "open.missing", "main.simple"])
def test_an_unknown_root_is_an_error(package, root):
    with pytest.raises(ValueError, match=root):
        code_hash(root)
