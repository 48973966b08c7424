"""A hash of the code that a command uses, so that a workflow reruns exactly what an edit touches.

Starting from one function, names are followed through the package's source: functions, classes, constants and
imported modules, read as syntax trees. Comments, docstrings and layout do not count, and neither does anything
that cannot be reached. A name that cannot be told apart (a module handed around as a value, say) counts as all
of its module. Code that is loaded by name at run time is invisible here and has to be given as a further root.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NAME = "jetpulse"


def code_hash(*roots: str) -> str:
    """Return a hash of everything reachable from ``roots``: ``module:function`` or ``module`` below the package.

    Example:
        >>> code_hash("cli.training:train", "models.jet_cnn")

    Raises:
        ValueError: a root does not exist, or an import has a form that cannot be followed.
    """
    reached: dict[tuple[str, str], str] = {}
    waiting = []
    for root in roots:
        module, _, name = root.partition(":")
        if not _source(module) or (name and name not in _definitions(module)):
            msg = f"code_hash: no {root!r} in the package"
            raise ValueError(msg)
        waiting += [(module, name)] if name else _whole(module)
    while waiting:
        item = waiting.pop()
        if item not in reached:
            reached[item] = _text(*item)
            waiting += _uses(*item)
    joined = "\n".join(f"{module}:{name}:{text}" for (module, name), text in sorted(reached.items()))
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


def _source(module: str) -> Path | None:
    base = _PACKAGE.joinpath(*module.split(".")) if module else _PACKAGE
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _tree(module: str) -> ast.Module:
    """Return a module's syntax tree, without the docstrings of functions and classes."""
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    for node in _statements(tree):
        if isinstance(node, _FUNCTIONS) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all statements inside it; expressions, which are most of a tree, are not entered."""
    yield node
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, part, None)
        for statement in inner if isinstance(inner, list) else ():
            yield from _statements(statement)


@cache
def _text(module: str, name: str) -> str:
    """Return the content of what a name is bound to, without positions; empty for what the module itself imports."""
    return "".join(map(ast.dump, _definitions(module).get(name, ())))


@cache
def _definitions(module: str) -> dict[str, list[ast.stmt]]:
    """Return a module's top-level statements by the names they bind; what does more than bind also under a number."""
    found: dict[str, list[ast.stmt]] = {}
    for number, node in enumerate(_tree(module).body):
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


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN = (*_FUNCTIONS, ast.Assign, ast.AnnAssign)


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


def _whole(module: str) -> list[tuple[str, str]]:
    return [(module, name) for name in _definitions(module)]


def _imports(module: str, nodes: Iterable[ast.AST]) -> dict[str, tuple[str, str]]:
    """Return what imports of the package bind: local name -> (module, name in it, or "" for the module itself)."""
    bound: dict[str, tuple[str, str]] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            own = node.level or (node.module or "").split(".")[0] == _NAME
            if own and (node.level or node.names[0].name == "*"):
                msg = f"{module}, line {node.lineno}: write `from {_NAME}.module import name`; {_FOLLOW}"
                raise ValueError(msg)
            origin = (node.module or "").partition(".")[2]
            for alias in node.names if own else ():
                inner = f"{origin}.{alias.name}" if origin else alias.name
                bound[alias.asname or alias.name] = (inner, "") if _source(inner) else (origin, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == _NAME:
                    msg = f"{module}, line {node.lineno}: write `from {_NAME} import ...`; {_FOLLOW}"
                    raise ValueError(msg)
    return bound


_FOLLOW = "code hashes follow no other form"


@cache
def _module_imports(module: str) -> dict[str, tuple[str, str]]:
    return _imports(module, _outside_functions(_tree(module)))


@cache
def _uses(module: str, name: str) -> list[tuple[str, str]]:
    """Return the definitions that one definition refers to."""
    definitions = _definitions(module)
    found = [(module, key) for key in definitions if key.startswith("#")]
    if name not in definitions:
        # A name that the module itself imports: follow it to where it is defined.
        origin = _module_imports(module).get(name)
        return found + (_resolve(origin, None) if origin else [])
    inside = [part for node in definitions[name] for part in ast.walk(node)]
    bound = _module_imports(module) | _imports(module, inside)
    attribute_of = {id(n.value): n.attr for n in inside if isinstance(n, ast.Attribute)}
    for part in inside:
        if isinstance(part, ast.Name):
            if part.id in bound:
                found += _resolve(bound[part.id], attribute_of.get(id(part)))
            elif part.id in definitions:
                found.append((module, part.id))
    return found


def _resolve(origin: tuple[str, str], attribute: str | None) -> list[tuple[str, str]]:
    module, name = origin
    if name:
        return [(module, name)]
    if attribute and (attribute in _definitions(module) or attribute in _module_imports(module)):
        return [(module, attribute)]
    return _whole(module)
