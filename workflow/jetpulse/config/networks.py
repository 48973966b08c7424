"""The list of networks, read from their source files: no import of torch, so checking a config is quick.

A network is one file ``models/NAME.py`` (underscores for the dashes of its name) with a tuple ``TASKS`` of what it
can learn, and a class ``Network`` whose ``__init__(self, shape, outputs, *, ...)`` takes the shape of one input, the
number of outputs, and its arguments as keywords, annotated and with literal defaults. Those are the keys that the
config may set. ``INPUT`` says which form of jets it reads: ``"constituents"`` (jets as they are), ``"images"``,
``"observables"``, or, without it, ``"arrays"``: images or observables; ``"episodes"`` are no jets but something to
act in. A class with a method ``fit`` is not trained by steps of an optimiser (see training/fitting.py).
"""

import ast
import difflib
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, create_model

from jetpulse.config.estimators import EstimatorName, EstimatorParameters
from jetpulse.config.types import Number, Odd, OfTwoClasses

# Read as text, never imported: networks live above the config and bring torch with them.
_FOLDER = Path(__file__).parent.parent / "models"
_NOT_NETWORKS = {"__init__", "constituents", "kept_estimators", "layers"}
# What annotations of a network's arguments may use.
_TYPES = {
    "Annotated": Annotated,
    "EstimatorName": EstimatorName,
    "EstimatorParameters": EstimatorParameters,
    "Field": Field,
    "Literal": Literal,
    "Odd": Odd,
    "OfTwoClasses": OfTwoClasses,
    "Real": Number,
}


def model_names() -> list[str]:
    """Return the names of all networks, as the config spells them."""
    stems = sorted(path.stem for path in _FOLDER.glob("*.py"))
    return [stem.replace("_", "-") for stem in stems if stem not in _NOT_NETWORKS]


def _annotation(argument: ast.arg) -> str:
    """Return an argument's annotation with floats that may be written without a dot, as elsewhere in the config."""
    return re.sub(r"\bfloat\b", "Real", ast.unparse(argument.annotation))


@cache
def _describe(name: str) -> tuple[str, type, tuple[str, ...], str, bool]:
    """Return a network's documentation, the model of its arguments, its tasks, what it reads and if it fits itself."""
    tree = ast.parse((_FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    network = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Network")
    init = next(node for node in network.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    arguments = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    fields: dict[str, Any] = {a.arg: (_annotation(a), ast.literal_eval(d)) for a, d in arguments}
    config = ConfigDict(extra="forbid", strict=True, validate_default=True)
    arguments_model = create_model(name, __config__=config, **fields)
    arguments_model.model_rebuild(_types_namespace=_TYPES)
    given = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    reads = ast.literal_eval(given["INPUT"]) if "INPUT" in given else "arrays"
    fits = any(isinstance(node, ast.FunctionDef) and node.name == "fit" for node in network.body)
    return ast.get_docstring(tree) or "", arguments_model, ast.literal_eval(given["TASKS"]), reads, fits


def model_summary(name: str) -> str:
    """Return the first line of a network's documentation and its arguments with their defaults."""
    text, arguments, tasks, *_ = _describe(name)
    defaults = ", ".join(f"{key}: {field.default}" for key, field in arguments.model_fields.items())
    return f"{text.splitlines()[0]} For {', '.join(tasks)}. Arguments: {defaults or 'none'}."


def model_tasks(name: str) -> tuple[str, ...]:
    """Return the tasks that a network can learn."""
    return _describe(name)[2]


def model_input(name: str) -> str:
    """Return which form of jets a network reads: constituents, images, observables, or arrays (either of these two)."""
    return _describe(name)[3]


def fits_itself(name: str) -> bool:
    """Return whether a network has another way to learn than steps of an optimiser."""
    return _describe(name)[4]


def check_model(name: str, arguments: dict[str, Any], task: str | None = None) -> dict[str, Any]:
    """Return a network's arguments with defaults filled in.

    Args:
        name: as the config spells it.
        arguments: what is given.
        task: some arguments allow only some tasks; None: any.

    Raises:
        ValueError: no such network, or an argument that it does not take or not with this value.
    """
    if name not in model_names():
        near = difflib.get_close_matches(name, model_names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        msg = f"no network is called {name!r}; {hint}there are: {', '.join(model_names())}"
        raise ValueError(msg)
    model = _describe(name)[1]
    try:
        return model.model_validate(arguments, context={"task": task}).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        allowed = f"; it takes {', '.join(model.model_fields) or 'no arguments'}"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, model.model_fields, 1, 0.5)
            reason = f"unknown{f'; did you mean {near[0]!r}?' if near else ''}"
        elif first["type"] == "value_error":  # says all that there is to say
            reason, allowed = first["msg"].removeprefix("Value error, "), ""
        else:
            reason = f"{first['msg']} (given {first['input']!r})"
        msg = f"{name}: argument {key!r}: {reason}{allowed}"
        raise ValueError(msg) from error
