"""Sections of a config with other values at dotted keys."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jetpulse.config.load import explain
from jetpulse.config.models import Experiment, Model
from jetpulse.errors import UserError

S = TypeVar("S", bound=BaseModel)


def with_changes(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """Return an experiment with other values at dotted keys of its own.

    Raises:
        UserError: an unknown key, or a value that is not allowed there.
    """
    for key, value in changes.items():
        experiment = changed(experiment, key.split("."), value)
    return experiment


def changed(section: S, path: list[str], value: Any, prefix: str = "") -> S:
    """Return a section with another value at a path of keys.

    Raises:
        UserError: one line for every mistake, with ``prefix`` before the key.
    """
    given = section.model_dump(exclude_unset=True)
    inner = given
    for part in path[:-1]:
        if not isinstance(inner.get(part), dict):
            inner[part] = {}
        inner = inner[part]
    inner[path[-1]] = value
    try:
        return type(section).model_validate(given)
    except ValidationError as error:
        lines = [prefix + explain(item, type(section)) for item in error.errors()]
        raise UserError("\n".join(dict.fromkeys(lines))) from error


def value_at(section: Any, path: list[str]) -> Any:
    """Return what a section has at a path of keys, as plain values."""
    for part in path:
        if isinstance(section, dict):
            section = section[part]
        elif isinstance(section, Model) and part != "name":
            section = section.arguments()[part]
        else:
            section = getattr(section, part)
    return section.model_dump() if isinstance(section, BaseModel) else section
