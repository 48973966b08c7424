"""A hash of the code that a command uses, so that a workflow reruns exactly what an edit touches.

Starting from one function, names are followed through the package's source: functions, classes, constants and
imported modules. Comments, docstrings and layout do not count, and neither does anything that cannot be reached. A
name that cannot be told apart (a module handed around as a value, say) counts as all of its module. Code that is
loaded by name at run time is invisible here and has to be given as a further root.
"""

import hashlib
from functools import cache
from pathlib import Path

from jetpulse.codefacts import Facts, Reference, read_facts

_PACKAGE = Path(__file__).parent


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
        if not _source(module) or (name and name not in _facts(module).definitions):
            msg = f"code_hash: no {root!r} in the package"
            raise ValueError(msg)
        waiting += [(module, name)] if name else _whole(module)
    while waiting:
        item = waiting.pop()
        if item not in reached:
            reached[item] = _content(*item)
            waiting += _uses(*item)
    joined = "\n".join(f"{module}:{name}:{content}" for (module, name), content in sorted(reached.items()))
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


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
        references = [facts.imports[name]] if name in facts.imports else []
    for reference in references:
        found += _resolve(module, reference)
    return found


def _resolve(module: str, reference: Reference) -> list[tuple[str, str]]:
    if reference.module is None:
        return [(module, reference.name)]
    inner = f"{reference.module}.{reference.name}" if reference.module else reference.name
    if not _source(inner):
        return [(reference.module, reference.name)]
    facts, attribute = _facts(inner), reference.attribute
    if attribute and (attribute in facts.definitions or attribute in facts.imports):
        return [(inner, attribute)]
    return _whole(inner)
