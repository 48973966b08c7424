"""A hash of the code that a command uses, so that a workflow reruns exactly what an edit touches.

Starting from one function, names are followed through the package's source: functions, classes, constants and
imported modules. What cannot be reached does not count, and of the rest neither do comments, docstrings, layout,
messages and help (``codetexts``), what the config allows (``codesections``), the package's version, or streams of
random numbers that nobody here asks for. Versions of libraries count where they decide (``codelibraries``). A name that
cannot be told apart (a module handed around as a value, say) counts as all of its module. Code that is loaded by name
at run time is invisible here and has to be given as a further root.
"""

import ast
import hashlib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from jetpulse.codefacts import Facts, Reference, read_facts
from jetpulse.codelibraries import installed
from jetpulse.codesections import AS_TYPE, MADE, is_config

_PACKAGE = Path(__file__).parent
_VERSION, _STREAMS = ("", "__version__"), ("seeds", "STREAMS")


@cache
def code_hash(*roots: str) -> str:
    """Return a hash of everything reachable from ``roots``: ``module:function`` or ``module`` below the package.

    Example:
        >>> code_hash("cli.training:train", "models.jet_cnn")

    Raises:
        ValueError: a root does not exist, or an import has a form that cannot be followed.
    """
    reached = _reached(*roots)
    lines = [f"{module}:{name}:{content}" for (module, name), content in reached.items()]
    lines += [" ".join(installed(library)) for library in _libraries(reached)]
    if _STREAMS in reached:
        lines += [f"{name} {number}" for name, number in _streams().items() if _asked_for(name, reached)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def libraries_of(*roots: str) -> list[str]:
    """Return the libraries that decide what the code reachable from ``roots`` computes or draws."""
    return _libraries(_reached(*roots))


@cache
def words_of(*roots: str) -> frozenset[str]:
    """Return the names that the code reachable from ``roots`` can ask an object or a mapping for."""
    found = (_facts(module).definitions.get(name) for module, name in _reached(*roots))
    return frozenset(word for definition in found if definition for word in definition.words)


@cache
def _reached(*roots: str) -> dict[tuple[str, str], str]:
    """Return the content of all definitions that can be reached, by module and name."""
    reached: dict[tuple[str, str], str] = {}
    waiting = []
    for root in roots:
        module, _, name = root.partition(":")
        if not _source(module) or (name and name not in _facts(module).definitions):
            msg = f"code_hash: no {root!r} in the package"
            raise ValueError(msg)
        waiting += [(module, name)] if name else _whole(module)
    while waiting:
        item = waiting.pop()
        if item not in reached and item != _VERSION:
            reached[item] = "" if item == _STREAMS else _content(*item)
            waiting += _uses(*item)
    return reached


def _libraries(reached: dict[tuple[str, str], str]) -> list[str]:
    found = (_facts(module).definitions.get(name) for module, name in reached)
    return sorted({library for definition in found if definition for library in definition.libraries})


def _asked_for(stream: str, reached: dict[tuple[str, str], str]) -> bool:
    """Return whether anything that can be reached names a stream of random numbers."""
    found = (_facts(module).definitions.get(name) for module, name in reached)
    return any(fnmatchcase(stream, text) for definition in found if definition for text in definition.streams)


@cache
def _streams() -> dict[str, int]:
    """Return the numbers of all streams, as the package's source has them."""
    for node in ast.parse(_source(_STREAMS[0]).read_bytes()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == _STREAMS[1]:
            return ast.literal_eval(node.value)
    return {}


@cache
def _source(module: str) -> Path | None:
    base = _PACKAGE.joinpath(*module.split(".")) if module else _PACKAGE
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _facts(module: str) -> Facts:
    return read_facts(_source(module), module)


def _content(module: str, name: str) -> str:
    """Return the hash of what a name is bound to; empty for what the module itself imports."""
    definition = _facts(module).definitions.get(name)
    return definition.content if definition else ""


def _whole(module: str) -> list[tuple[str, str]]:
    return [(module, name) for name in _facts(module).definitions]


@cache
def _uses(module: str, name: str) -> list[tuple[str, str]]:
    """Return the definitions that one definition refers to, and what its module does when it is imported."""
    facts = _facts(module)
    found = [(module, key) for key in facts.definitions if key.startswith("#")]
    if name in facts.definitions:
        references = facts.definitions[name].references
    else:  # a name that the module itself imports: follow it to where it is defined
        plain, ending = _split(name)
        imported = facts.imports.get(plain)
        references = [imported._replace(name=imported.name + ending)] if imported else []
    for reference in references:
        found += _resolve(module, reference)
    return found


def _resolve(module: str, reference: Reference) -> list[tuple[str, str]]:
    if reference.module is None:
        return _named(module, reference.name)
    plain, _ = _split(reference.name)
    inner = f"{reference.module}.{plain}" if reference.module else plain
    if not _source(inner):
        return _named(reference.module, reference.name)
    facts = _facts(inner)
    attribute, ending = _split(reference.attribute or "")
    if attribute in facts.definitions or attribute in facts.imports:
        return _named(inner, attribute + ending)
    return _whole(inner)


def _named(module: str, name: str) -> list[tuple[str, str]]:
    """Return what is meant by a name of a module: outside the config it makes no difference how it is used."""
    plain, ending = _split(name)
    facts = _facts(module)
    if not is_config(module):
        return [(module, plain)]
    if name in facts.definitions or plain in facts.imports:
        return [(module, name)]
    return [] if ending == AS_TYPE else [(module, plain)]


def _split(name: str) -> tuple[str, str]:
    """Return a name without the ending that says how it is used, and that ending."""
    ending = next((ending for ending in (AS_TYPE, MADE) if name.endswith(ending)), "")
    return name.removesuffix(ending), ending
