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
    "said.py": """
import math
from math import log as logarithm

from jetpulse.errors import UserError
from jetpulse.said_elsewhere import explain


def read(path, log):
    found = path.read()
    if not found:
        hint = "hint 1"
        msg = f"{path}: {hint}"
        msg += "; more 2"
        raise ValueError(msg)
    lines = []
    if found == "both":
        lines.append("line 3")
    if lines:
        raise UserError(chr(10).join(lines))
    log(f"read 4 {path}")
    assert found, "assert 5"
    raise UserError(f"mistake 6 {explain(found)}")


def write(path):
    kind = "kind 7"
    path.write(kind)
    if path.closed:
        raise StopIteration("value 8", 9)
    raise StoppedError("stopped 9", 10)


def score(x, log):
    word = "word 10"
    if log(word) and logarithm(x["key 11"]) and math.log(x["key 12"]):
        return None
    raise SystemExit(12 + 1)


def named():
    class Inner:
        name = "name 13"

    return Inner
""",
    "said_elsewhere.py": "def explain(x):\n    return 'reason 1'\n",
    "errors.py": "class UserError(Exception):\n    pass\n",
    "seeds.py": """
STREAMS = {"a/one": 1, "a/two": 2, "b": 3, "c": 4}


def generator(seed, stream):
    return [seed, STREAMS[stream]]
""",
    "drawn.py": """
from jetpulse import seeds


def one(seed):
    return seeds.generator(seed, "b")


def either(seed, kind):
    return seeds.generator(seed, f"a/{kind}")
""",
    "config/__init__.py": '"""Re-exports."""\nfrom jetpulse.config.parts import Options, Whole\n',
    "config/parts.py": """
from pydantic import Field, field_validator

from jetpulse.config.limits import Small, check, double

LIMIT = 5


class Part(Section):
    size: int = Field(3, ge=1, description="Size.")

    def area(self):
        return self.size * 11


class Whole(Section):
    part: Part = Field(description="A part.")
    kind: Small = Field("a", description="Kind.")
    flag: bool = False

    _both = field_validator("kind")(check)

    @field_validator("kind")
    @classmethod
    def _fits(cls, kind):
        return kind if 12 else LIMIT

    @property
    def twice(self):
        return double(self.part)


class Options(Section):
    tree: str = Field("tree", description="Tree.")
    mass: str | None = Field(None, description="Mass.")
""",
    "config/limits.py": """
from typing import Annotated, Literal

from pydantic import AfterValidator


def check(value):
    return value or 13


def double(part):
    return 2 * part.area()


Small = Annotated[Literal["a", "b"], AfterValidator(check)]
""",
    "uses.py": """
from jetpulse.config import Options, Whole


def whole(text):
    return Whole.model_validate(text).twice


def annotated(section: Whole):
    return section.part.area()


def makes():
    return Options()
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
        ("main:nested", "tools.py", "math.floor(x) + 1", "math.floor(x) + 2"),
        ("main:reads_table", "tools.py", '"a": 1', '"a": 3'),
        ("main:reads_table", "tools.py", '["b"] = 2', '["b"] = 3'),
        ("main:reads_total", "tools.py", "TOTAL = 10", "TOTAL = 11"),
        ("main:reads_total", "tools.py", "TOTAL += 5", "TOTAL += 6"),
        ("main:reads_first", "tools.py", "= 1, 2", "= 3, 2"),
        ("main:first", "main.py", "or 91", "or 92"),
        ("main", "main.py", "or 91", "or 92"),
        ("said:write", "said.py", "kind 7", "kind 8"),
        ("said:write", "said.py", "value 8", "value 9"),
        ("said:write", "said.py", '9", 10', '9", 11'),
        ("said:score", "said.py", "key 11", "key 1"),
        ("said:score", "said.py", "key 12", "key 1"),
        ("said:score", "said.py", "12 + 1", "12 + 2"),
        ("said:named", "said.py", "name 13", "name 14"),
        ("said:read", "said.py", '"both"', '"all"'),
        ("drawn:one", "seeds.py", '"b": 3', '"b": 5'),
        ("drawn:either", "seeds.py", '"a/one": 1', '"a/one": 5'),
        ("drawn:either", "seeds.py", '"a/two": 2', '"a/two": 5'),
        ("uses:whole", "config/parts.py", "self.size * 11", "self.size * 12"),
        ("uses:whole", "config/limits.py", "2 * part", "3 * part"),
        ("uses:annotated", "config/parts.py", "self.size * 11", "self.size * 12"),
        ("uses:makes", "config/parts.py", 'Field("tree"', 'Field("events"'),
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
        ("main:with_effects", "effects.py", "def quiet", "def before():\n    return 1\n\n\ndef quiet"),
        ("main:version", "__init__.py", '"1"', '"2"'),
        *(("said:read", "said.py", f" {i}", f" {i} word") for i in range(1, 7)),
        ("said:read", "said_elsewhere.py", "reason 1", "reason 2"),
        ("said:write", "said.py", "stopped 9", "stopped 10"),
        ("said:score", "said.py", "word 10", "word 11"),
        ("drawn:one", "seeds.py", '"a/one": 1', '"a/one": 5'),
        ("drawn:one", "seeds.py", '"c": 4', '"c": 4, "d": 5'),
        ("drawn:either", "seeds.py", '"c": 4', '"c": 4, "d/one": 5'),
        ("uses:whole", "config/parts.py", "ge=1", "ge=2"),
        ("uses:whole", "config/parts.py", '"Size."', '"Size in cm."'),
        ("uses:whole", "config/parts.py", "Field(3", "Field(4"),
        ("uses:whole", "config/parts.py", "kind if 12", "kind if 13"),
        ("uses:whole", "config/parts.py", "LIMIT = 5", "LIMIT = 6"),
        ("uses:whole", "config/parts.py", "flag: bool = False", "flag: bool = False\n    new: int = 3"),
        ("uses:whole", "config/limits.py", "value or 13", "value or 14"),
        ("uses:whole", "config/limits.py", '["a", "b"]', '["a", "b", "c"]'),
        ("uses:makes", "config/parts.py", '"Tree."', '"The tree."'),
        ("uses:makes", "config/parts.py", "    mass: str", "    new: str | None = None\n    mass: str"),
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
