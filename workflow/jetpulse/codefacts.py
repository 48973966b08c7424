"""What one module defines and what its definitions refer to, read as a syntax tree.

Reading a tree takes longer than anything else about a code hash, so what was found is kept in ``__pycache__``, as
Python keeps bytecode, and counts for the very bytes that it was found in.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

NAME = "jetpulse"
_FOLLOW = "code hashes follow no other form"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN = (*_FUNCTIONS, ast.Assign, ast.AnnAssign)


class Reference(NamedTuple):
    """A name that a definition uses: ``name`` imported from ``module`` (``None``: its own one), and an attribute."""

    module: str | None
    name: str
    attribute: str | None = None


class Definition(NamedTuple):
    """What a name is bound to: a hash of its content without positions, and what it refers to."""

    content: str
    references: list[Reference]


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
    """Return the source of this file, which decides what is found; the Python version is in the kept file's name."""
    return Path(__file__).read_bytes()


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
            name: Definition(content, [Reference(*reference) for reference in references])
            for name, (content, references) in value["definitions"].items()
        },
    )


def _find(tree: ast.Module, module: str) -> Facts:
    for node in _statements(tree):  # docstrings of functions and classes do not count
        if isinstance(node, _FUNCTIONS) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    imports = _imports(module, _outside_functions(tree))
    definitions = _definitions(tree)
    found = {}
    for name, nodes in definitions.items():
        content = hashlib.sha256("".join(map(ast.dump, nodes)).encode()).hexdigest()[:16]
        found[name] = Definition(content, _references(module, nodes, imports, definitions))
    return Facts(imports, found)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all statements inside it; expressions, which are most of a tree, are not entered."""
    yield node
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, part, None)
        for statement in inner if isinstance(inner, list) else ():
            yield from _statements(statement)


def _definitions(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Return top-level statements by the names they bind; what does more than bind also under a number."""
    found: dict[str, list[ast.stmt]] = {}
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            continue
        names = _bound_names(node)
        for name in names:
            found.setdefault(name, []).append(node)
        if not names or not isinstance(node, _PLAIN):
            found[f"#{number}"] = [node]
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


def _imports(module: str, nodes: Iterable[ast.AST]) -> dict[str, Reference]:
    """Return what imports of the package bind, by local name."""
    bound: dict[str, Reference] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            own = node.level or (node.module or "").split(".")[0] == NAME
            if own and (node.level or node.names[0].name == "*"):
                msg = f"{module}, line {node.lineno}: write `from {NAME}.module import name`; {_FOLLOW}"
                raise ValueError(msg)
            for alias in node.names if own else ():
                bound[alias.asname or alias.name] = Reference((node.module or "").partition(".")[2], alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == NAME:
                    msg = f"{module}, line {node.lineno}: write `from {NAME} import ...`; {_FOLLOW}"
                    raise ValueError(msg)
    return bound


def _references(
    module: str, nodes: list[ast.stmt], imports: dict[str, Reference], definitions: Iterable[str]
) -> list[Reference]:
    inside = [part for node in nodes for part in ast.walk(node)]
    bound = imports | _imports(module, inside)
    attribute_of = {id(n.value): n.attr for n in inside if isinstance(n, ast.Attribute)}
    found: dict[Reference, None] = {}  # a set that keeps its order
    for part in inside:
        if isinstance(part, ast.Name):
            if part.id in bound:
                found[bound[part.id]._replace(attribute=attribute_of.get(id(part)))] = None
            elif part.id in definitions:
                found[Reference(None, part.id)] = None
    return list(found)
