"""The list of networks, read from their source files: no import of torch, so checking a config is quick.

A network is one file ``models/NAME.py`` (underscores for the dashes of its name) with a tuple ``TASKS`` of what it
can learn, and a class ``Network`` whose ``__init__(self, shape, outputs, *, ...)`` takes the shape of one input, the
number of outputs, and its arguments as keywords, annotated and with literal defaults. Those are the keys that the
config may set. ``INPUT`` says which form of jets it reads: ``"constituents"`` (jets as they are), ``"images"``,
``"observables"``, or, without it, ``"arrays"``: images or observables; ``"episodes"`` are no jets but something to
act in. A class with a method ``fit`` is not trained by steps of an optimiser (see training/fitting.py). A file whose
name begins with an underscore is no network.
"""

import ast
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from jetpulse.config.estimators import EstimatorName, EstimatorParameters
from jetpulse.config.types import Depth, Number, Odd, OfTwoClasses, Size, Sizes, Task
from jetpulse.errors import first_line

# Read as text, never imported: networks live above the config and bring torch with them.
_FOLDER = Path(__file__).parent.parent / "models"
_NOT_NETWORKS = {"__init__", "constituents", "kept_estimators", "layers"}
_INPUTS = ("arrays", "constituents", "images", "observables", "episodes")
_FORM = "__init__(self, shape, outputs, *, ...)"
# What annotations of a network's arguments may use beside Python's own types.
_TYPES = {
    "Annotated": Annotated,
    "Depth": Depth,
    "EstimatorName": EstimatorName,
    "EstimatorParameters": EstimatorParameters,
    "Field": Field,
    "Literal": Literal,
    "Odd": Odd,
    "OfTwoClasses": OfTwoClasses,
    "Real": Number,
    "Size": Size,
    "Sizes": Sizes,
}


class NetworkFileError(ValueError):
    """A file in models/ that is not a network as described above; one line with the file and what it lacks."""


@dataclass(frozen=True)
class _Network:
    """What a network's file says: documentation, model of the arguments, tasks, form of the input, method ``fit``."""

    text: str
    arguments: type[BaseModel]
    tasks: tuple[str, ...]
    reads: str
    fits: bool


def model_names() -> list[str]:
    """Return the names of all networks, as the config spells them."""
    stems = sorted(path.stem for path in _FOLDER.glob("*.py") if path.name[0] not in "._")
    return [stem.replace("_", "-") for stem in stems if stem not in _NOT_NETWORKS]


@cache
def _describe(name: str) -> _Network:
    """Read a network's file.

    Raises:
        NetworkFileError: not a network.
    """
    file = f"{name.replace('-', '_')}.py"
    try:
        return _parse(name, _FOLDER / file)
    except NetworkFileError as error:
        raise NetworkFileError(f"models/{file}: {error}") from error


def _parse(name: str, path: Path) -> _Network:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NetworkFileError("no such file; names of networks' files have underscores, not dashes") from error
    except OSError as error:
        raise NetworkFileError(f"cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        raise NetworkFileError(f"line {error.lineno}: not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # not UTF-8, null bytes, nested too deeply
        raise NetworkFileError(f"not valid Python: {error or 'nested too deeply'}") from error
    network = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Network"), None)
    if network is None:
        raise NetworkFileError("no class Network; begin the name of a file that is not a network with an underscore")
    reads = _constant(tree, "INPUT", "arrays")
    if reads not in _INPUTS:
        raise NetworkFileError(f"INPUT is {reads!r}, must be one of {', '.join(_INPUTS)}")
    fits = any(isinstance(node, ast.FunctionDef) and node.name == "fit" for node in network.body)
    return _Network(ast.get_docstring(tree) or "", _arguments(name, network), _tasks(tree), reads, fits)


def _constant(tree: ast.Module, name: str, default: Any) -> Any:
    """Return the value that a module assigns to a name.

    Raises:
        NetworkFileError: it is computed.
    """
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return _literal(node.value, f"line {node.lineno}: {name}")
    return default


def _literal(node: ast.expr | None, what: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise NetworkFileError(f"{what} must be a literal: it is read without running the file") from error


def _tasks(tree: ast.Module) -> tuple[str, ...]:
    known = get_args(Task)
    tasks = _constant(tree, "TASKS", None)
    if tasks is None:
        raise NetworkFileError(f'TASKS is missing; say what it can learn, such as TASKS = ("{known[0]}",)')
    if not isinstance(tasks, tuple | list) or not tasks or any(task not in known for task in tasks):
        raise NetworkFileError(f"TASKS is {tasks!r}, must be a tuple of some of {', '.join(known)}")
    return tuple(tasks)


def _arguments(name: str, network: ast.ClassDef) -> type[BaseModel]:
    """Return the model of a network's keyword arguments.

    Raises:
        NetworkFileError: no ``__init__`` as described above.
    """
    init = next((node for node in network.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)
    if init is None:
        raise NetworkFileError(f"line {network.lineno}: class Network has no {_FORM}")
    names = [argument.arg for argument in (*init.args.posonlyargs, *init.args.args)]
    if len(names) != 3:
        raise NetworkFileError(
            f"line {init.lineno}: __init__ takes ({', '.join(names)}), must be {_FORM} with the config's keys behind *"
        )
    fields = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        what = f"line {argument.lineno}: argument {argument.arg!r}"
        if argument.annotation is None:
            raise NetworkFileError(f"{what} has no type; annotate it, as in `width: int = 8`")
        if default is None:
            raise NetworkFileError(f"{what} has no default; give it one, as in `width: int = 8`")
        if argument.arg == "name" or argument.arg.startswith(("_", "model_")) or hasattr(BaseModel, argument.arg):
            raise NetworkFileError(f"{what} cannot be a key of the config; rename it")
        fields[argument.arg] = (_annotation(argument.annotation), _literal(default, f"the default of {what}"))
        _model(name, what, {argument.arg: fields[argument.arg]})
    return _model(name, "the arguments of Network", fields)


def _annotation(annotation: ast.expr) -> str:
    """Return an argument's annotation with floats that may be written without a dot, as elsewhere in the config."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id == "float":
            node.id = "Real"
    return ast.unparse(annotation)


def _model(name: str, what: str, fields: dict[str, Any]) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", strict=True, validate_default=True, allow_inf_nan=False)
    try:
        model = create_model(name, __config__=config, **fields)
        model.model_rebuild(_types_namespace=_TYPES)
    except Exception as error:  # whatever it raises to evaluate an annotation
        allowed = ", ".join(key for key in _TYPES if key != "Real")
        msg = f"the type of {what} is not understood ({first_line(error)}); use Python's own types and {allowed}"
        raise NetworkFileError(msg) from error
    return model


def model_summary(name: str) -> str:
    """Return the first line of a network's documentation and its arguments with their defaults.

    Raises:
        NetworkFileError: not a network.
    """
    network = _describe(name)
    defaults = ", ".join(f"{key}: {field.default}" for key, field in network.arguments.model_fields.items())
    first = (network.text.splitlines() or ["No description."])[0]
    return f"{first} For {', '.join(network.tasks)}. Arguments: {defaults or 'none'}."


def model_arguments(name: str) -> type[BaseModel]:
    """Return the model of a network's arguments.

    Raises:
        NetworkFileError: not a network.
    """
    return _describe(name).arguments


def model_tasks(name: str) -> tuple[str, ...]:
    """Return the tasks that a network can learn.

    Raises:
        NetworkFileError: not a network.
    """
    return _describe(name).tasks


def networks_for(task: str) -> list[str]:
    """Return the names of the networks that can learn a task; files that are not networks are left out."""
    able = []
    for name in model_names():
        try:
            able += [name] if task in model_tasks(name) else []
        except NetworkFileError:  # a mistake of those alone that name it
            continue
    return able


def model_input(name: str) -> str:
    """Return which form of jets a network reads: constituents, images, observables, or arrays (either of these two)."""
    return _describe(name).reads


def fits_itself(name: str) -> bool:
    """Return whether a network has another way to learn than steps of an optimiser."""
    return _describe(name).fits


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
    model = _describe(name).arguments
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
        own = "" if first["loc"] and first["loc"][0] in arguments else "the network's own default: "
        msg = f"{name}: argument {key!r}: {own}{reason}{allowed}"
        raise ValueError(msg) from error
