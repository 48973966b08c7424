"""What one module defines and what its definitions refer to, read as a syntax tree.

Reading a tree takes longer than anything else about a code hash, so what was found is kept in ``__pycache__``, as
Python keeps bytecode, and counts for the very bytes that it was found in.
"""

import ast
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

from jetpulse.codelibraries import LIBRARIES
from jetpulse.codesections import AS_TYPE, MADE, abilities, defaults, field_types, is_config, is_model, is_type
from jetpulse.codetexts import remove_texts

NAME = "jetpulse"
_FOLLOW = "code hashes follow no other form"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN = (*_FUNCTIONS, ast.Assign, ast.AnnAssign)
# The files that decide what is found.
_OWN = ("codefacts.py", "codelibraries.py", "codesections.py", "codetexts.py")
# What may be the name of a stream of random numbers, or a pattern of such.
_STREAM = re.compile(r"[a-z][a-z0-9*-]*(/[a-z0-9*-]+)?")


class Reference(NamedTuple):
    """A name that a definition uses: ``name`` imported from ``module`` (``None``: its own one), and an attribute.

    A name of the config ends with ``:`` where its type alone is meant, and with ``()`` where a section is made.
    """

    module: str | None
    name: str
    attribute: str | None = None


class Definition(NamedTuple):
    """What a name is bound to.

    That is a hash of its content without positions and texts, what it refers to, the libraries that it uses (of those
    that decide results), what may be names of its streams of random numbers, and all names that it can ask an object or
    a mapping for.
    """

    content: str
    references: list[Reference]
    libraries: list[str]
    streams: list[str]
    words: list[str]


class Facts(NamedTuple):
    """A module's imports from the package by local name, and its definitions; what does not bind has a number."""

    imports: dict[str, Reference]
    definitions: dict[str, Definition]


def read_facts(path: Path, module: str) -> Facts:
    """Return what is known of a source file of the module called ``module``.

    Raises:
        ValueError: an import has a form that cannot be followed.
    """
    source = path.read_bytes()
    key = hashlib.sha256(_own_source() + source).hexdigest()
    kept = Path(cache_from_source(str(path))).with_suffix(".facts.json")
    known = _read_kept(kept)
    if known["key"] == key:
        return _from_json(known)
    facts = _find(ast.parse(source), module)
    with suppress(OSError):  # like bytecode, it is kept only where that is possible
        _keep(kept, {"key": key, "imports": facts.imports, "definitions": facts.definitions})
    return facts


@cache
def _own_source() -> bytes:
    """Return the source that decides what is found; the Python version is in the kept file's name."""
    return b"".join(Path(__file__).with_name(name).read_bytes() for name in _OWN)


def _read_kept(path: Path) -> dict[str, Any]:
    nothing = {"key": None}
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):  # there is none, or somebody damaged it
        return nothing
    return known if isinstance(known, dict) and "key" in known else nothing


def _keep(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(path)


def _from_json(value: dict[str, Any]) -> Facts:
    return Facts(
        {name: Reference(*reference) for name, reference in value["imports"].items()},
        {
            name: Definition(content, [Reference(*reference) for reference in references], *rest)
            for name, (content, references, *rest) in value["definitions"].items()
        },
    )


class _Module(NamedTuple):
    """What is known of a module before its definitions are looked at."""

    name: str
    imports: dict[str, Reference]
    libraries: dict[str, str]
    names: set[str]


def _find(tree: ast.Module, module: str) -> Facts:
    remove_texts(tree)
    imports, libraries = _imports(module, _outside_functions(tree))
    definitions = _definitions(tree)
    known = _Module(module, imports, libraries, set(definitions))
    found = {}
    for name, nodes in definitions.items():
        if is_config(module) and len(nodes) == 1 and is_model(nodes[0]):
            found |= _sections(name, nodes[0], known)
        elif is_config(module) and len(nodes) == 1 and is_type(nodes[0]):
            named = _definition([], known, [nodes[0].value])
            found |= {name: named._replace(content=_content(nodes)), name + AS_TYPE: named}
        else:
            found[name] = _definition(nodes, known)
    return Facts(imports, found)


def _sections(name: str, model: ast.ClassDef, known: _Module) -> dict[str, Definition]:
    """Return a model of the config as it counts where it is used, where it is a type, and where a section is made."""
    able, types = abilities(model), field_types(model)
    used = _definition(able, known, types)
    return {name: used, name + AS_TYPE: used, name + MADE: _definition([*able, *defaults(model)], known, types)}


def _definition(nodes: list[ast.AST], known: _Module, types: Iterable[ast.AST] = ()) -> Definition:
    """Return what is known of nodes that count, and of types of which only the names do."""
    references, libraries = _references(nodes, known)
    as_types = [
        reference._replace(name=reference.name.removesuffix(MADE) + AS_TYPE)
        for reference in _references(list(types), known)[0]
    ]
    every = list(dict.fromkeys([*references, *as_types]))
    return Definition(_content(nodes), every, libraries, _streams(nodes), _words(nodes))


def _content(nodes: Iterable[ast.AST]) -> str:
    return hashlib.sha256("".join(map(ast.dump, nodes)).encode()).hexdigest()[:16]


def _definitions(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Return top-level statements by the names they bind; what does more than bind also under a number."""
    found: dict[str, list[ast.stmt]] = {}
    number = 0
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = _bound_names(node)
        for name in names:
            found.setdefault(name, []).append(node)
        if not names or not isinstance(node, _PLAIN):
            found[f"#{number}"] = [node]
            number += 1
    return found


def _bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a top-level statement binds, those inside its branches included."""
    names: set[str] = set()
    for inner in _outside_functions(node):
        if isinstance(inner, _FUNCTIONS):
            names.add(inner.name)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
    return names


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and all inside it, without entering functions and classes."""
    yield node
    if not isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _imports(module: str, nodes: Iterable[ast.AST]) -> tuple[dict[str, Reference], dict[str, str]]:
    """Return what imports of the package bind, by local name, and the same of libraries that decide results."""
    bound: dict[str, Reference] = {}
    libraries: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            top = (node.module or "").split(".")[0]
            own = node.level or top == NAME
            if own and (node.level or node.names[0].name == "*"):
                msg = f"{module}, line {node.lineno}: write `from {NAME}.module import name`; {_FOLLOW}"
                raise ValueError(msg)
            for alias in node.names:
                if own:
                    bound[alias.asname or alias.name] = Reference((node.module or "").partition(".")[2], alias.name)
                elif top in LIBRARIES:
                    libraries[alias.asname or alias.name] = top
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                if top == NAME:
                    msg = f"{module}, line {node.lineno}: write `from {NAME} import ...`; {_FOLLOW}"
                    raise ValueError(msg)
                if top in LIBRARIES:
                    libraries[alias.asname or top] = top
    return bound, libraries


def _references(nodes: list[ast.AST], known: _Module) -> tuple[list[Reference], list[str]]:
    """Return the names of the package and the libraries that nodes use."""
    inside = [part for node in nodes for part in ast.walk(node)]
    imports, libraries = _imports(known.name, inside)
    bound, outside = known.imports | imports, known.libraries | libraries
    called = {id(part.func) for part in inside if isinstance(part, ast.Call)}
    attribute_of = {
        id(part.value): part.attr + (MADE if id(part) in called else "")
        for part in inside
        if isinstance(part, ast.Attribute)
    }
    found: dict[Reference, None] = {}  # a set that keeps its order
    used: set[str] = set()
    for part in inside:
        if isinstance(part, ast.Call):
            used |= _loaded_by_name(part)
        if not isinstance(part, ast.Name):
            continue
        made = MADE if id(part) in called else ""
        if part.id in bound:
            reference = bound[part.id]
            found[reference._replace(name=reference.name + made, attribute=attribute_of.get(id(part)))] = None
        elif part.id in outside:
            used.add(outside[part.id])
        elif part.id in known.names:
            found[Reference(None, part.id + made)] = None
    return list(found), sorted(used)


def _loaded_by_name(call: ast.Call) -> set[str]:
    """Return the library of which ``import_module("sklearn...")`` loads a module."""
    if getattr(call.func, "id", "") != "import_module" or not call.args:
        return set()
    name = call.args[0].values[0] if isinstance(call.args[0], ast.JoinedStr) else call.args[0]
    text = name.value if isinstance(name, ast.Constant) else ""
    return {str(text).split(".")[0]} & LIBRARIES.keys()


def _streams(nodes: Iterable[ast.AST]) -> list[str]:
    """Return texts that functions are given, ``*`` for what is put into them: among them are the names of streams."""
    found = set()
    for part in (part for node in nodes for part in ast.walk(node)):
        if isinstance(part, ast.Call):
            given = [*part.args, *(keyword.value for keyword in part.keywords)]
        elif isinstance(part, ast.arguments):
            given = [*part.defaults, *part.kw_defaults]
        else:
            continue
        found |= {text for value in given for text in _texts(value)}
    return sorted(text for text in found if _STREAM.fullmatch(text))


def _words(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names of attributes and arguments, and texts that could be such."""
    found = set()
    for part in (part for node in nodes for part in ast.walk(node)):
        if isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.keyword | ast.arg):
            found.add(part.arg)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
            found.add(part.value)
    return sorted(found - {None})


def _texts(value: ast.AST | None) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in value.values)
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
