"""Ways to write a definition or an import: the hash follows each, or refuses it; it never overlooks one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jetpulse import codehash
from jetpulse.codehash import code_hash
from toys import forget_code

FUNCTION = "def g():\n    return 1\n"
FORMS = {
    "an import of a name": ("from jetpulse.other import g\ndef f():\n    return g()\n", FUNCTION),
    "an import of a module": ("import jetpulse.other\ndef f():\n    return jetpulse.other.g()\n", FUNCTION),
    "an import under try": (
        "try:\n    from jetpulse.other import g\nfinally:\n    pass\ndef f():\n    return g()\n",
        FUNCTION,
    ),
    "a list that is added to": ("from jetpulse.other import K\ndef f():\n    return K\n", "K = []\nK.append(1)\n"),
    "a relative import": ("from .other import g\ndef f():\n    return g()\n", FUNCTION),
    "a relative import of a module": ("from . import other\ndef f():\n    return other.g()\n", FUNCTION),
    "an import of everything": ("from jetpulse.other import *\ndef f():\n    return g()\n", FUNCTION),
    "an import of the package": ("import jetpulse\ndef f():\n    return jetpulse.other.g()\n", FUNCTION),
    "imports of two modules": (
        "import jetpulse.other\nimport jetpulse.third\ndef f():\n    return jetpulse.other.g()\n",
        FUNCTION,
    ),
    "a function under a condition": (
        "from jetpulse.other import g\ndef f():\n    return g()\n",
        "if True:\n    def g():\n        return 1\n",
    ),
    "a constant under try": (
        "from jetpulse.other import K\ndef f():\n    return K\n",
        "try:\n    K = 1\nexcept ValueError:\n    K = 2\n",
    ),
    "a name that is bound twice": ("from jetpulse.other import K\ndef f():\n    return K\n", "K = 1\nK = K + 5\n"),
}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[Path]:
    folder = tmp_path / "jetpulse"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "third.py").write_text("def h():\n    return 9\n")
    monkeypatch.setattr(codehash, "_PACKAGE", folder)
    forget_code()
    yield folder
    forget_code()


@pytest.mark.parametrize(("main", "other"), FORMS.values(), ids=FORMS)
def test_an_edit_is_seen_or_the_form_is_refused(package, main, other):
    (package / "main.py").write_text(main)
    (package / "other.py").write_text(other)
    try:
        before = code_hash("main:f")
    except ValueError:
        return
    (package / "other.py").write_text(other.replace("1", "3", 1))
    forget_code()
    assert code_hash("main:f") != before
