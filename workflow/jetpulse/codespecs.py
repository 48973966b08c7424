"""Which part of a section of the config a command is given: what decides its result."""

from collections.abc import Set
from typing import Any

from pydantic import BaseModel

from jetpulse.codehash import words_of


def spec_for(roots: tuple[str, ...], section: BaseModel, **parts: Any) -> dict[str, Any]:
    """Return a section as plain values, without keys at their defaults that a command's code never asks for.

    So a key that is added to the config changes nothing for the commands that do not know it: for them it is missing,
    and missing keys have their defaults. A default that is changed changes the spec of those that use the key.

    Args:
        roots: of the command's code, as ``code_hash`` takes them.
        section: of the config.
        parts: ``include`` and ``exclude``, as pydantic's ``model_dump`` takes them.
    """
    given = section.model_dump(exclude_defaults=True, **parts)
    return _known(section.model_dump(**parts), given, words_of(*roots))


def _known(value: dict[str, Any], given: Any, words: Set[str]) -> dict[str, Any]:
    """Return the items of a section that are given or known; sections inside it are looked at in the same way."""
    known = {}
    for key, item in value.items():
        inside = isinstance(given, dict) and key in given
        if isinstance(item, dict) and item:
            part = _known(item, given[key] if inside else {}, words)
            if inside or part:
                known[key] = part
        elif isinstance(item, list) and (inside or key in words):
            parts = given[key] if inside else [{} for _ in item]
            known[key] = [_known(a, b, words) if isinstance(a, dict) else a for a, b in zip(item, parts, strict=True)]
        elif inside or key in words:
            known[key] = item
    return known
