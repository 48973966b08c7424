"""A hash of the code that a command uses, so that a workflow reruns exactly what an edit touches.

Starting from one function, names are followed through the package's source: functions, classes, constants and
imported modules, read as syntax trees. Comments, docstrings and layout do not count, and neither does anything
that cannot be reached. A name that cannot be told apart (a module handed around as a value, say) counts as all
of its module. Code that is loaded by name at run time is invisible here and has to be given as a further root.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NAME = "jetpulse"


def code_hash(*roots: str) -> str:
    """Return a hash of everything reachable from ``roots``: ``module:function`` or ``module`` below the package.

    Example:
        >>> code_hash("cli.training:train", "models.jet_cnn")

    Raises:
        ValueError: a root does not exist.
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
            node = _definitions(item[0]).get(item[1])
            reached[item] = _text(node) if node else ""
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
    return ast.parse(_source(module).read_text(encoding="utf-8"))


def _text(node: ast.AST) -> str:
    """Return a node's content without positions, comments and docstrings."""
    copy = ast.parse(ast.unparse(node))
    for inner in ast.walk(copy):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and isinstance(inner, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                inner.body = body[1:] or [ast.Pass()]
    return ast.dump(copy)


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Return a module's top-level statements by the names they bind; other statements under numbers."""
    found: dict[str, ast.stmt] = {}
    for number, node in enumerate(_tree(module).body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        found[name.id] = node
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_docstring:
                found[f"#{number}"] = node
    return found


def _whole(module: str) -> list[tuple[str, str]]:
    return [(module, name) for name in _definitions(module)]


def _imports(module: str, nodes: list[ast.AST]) -> dict[str, tuple[str, str]]:
    """Return what imports of the package bind: local name -> (module, name in it, or "" for the module itself)."""
    bound: dict[str, tuple[str, str]] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == _NAME:
            origin = node.module.partition(".")[2]
            for alias in node.names:
                inner = f"{origin}.{alias.name}" if origin else alias.name
                bound[alias.asname or alias.name] = (inner, "") if _source(inner) else (origin, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{_NAME}."):
                    bound[alias.asname or _NAME] = (alias.name.partition(".")[2], "")
    return bound


@cache
def _module_imports(module: str) -> dict[str, tuple[str, str]]:
    return _imports(module, list(_tree(module).body))


@cache
def _uses(module: str, name: str) -> list[tuple[str, str]]:
    """Return the definitions that one definition refers to."""
    definitions = _definitions(module)
    node = definitions.get(name)
    if node is None:
        # A name that the module itself imports: follow it to where it is defined.
        origin = _module_imports(module).get(name)
        return _resolve(origin, None) if origin else []
    inside = list(ast.walk(node))
    bound = _module_imports(module) | _imports(module, inside)
    found = [(module, key) for key in definitions if key.startswith("#")]
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
