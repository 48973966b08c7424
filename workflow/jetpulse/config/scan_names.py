"""Values of a scan as texts: for people, and as parts of names."""

import hashlib
import json
import math
import re
from typing import Any

_LONGEST = 50  # characters of a value in a name
# Characters of a name. File systems take 255 bytes in a file's name, of which there are some with an experiment and its
# seed (`EXPERIMENT.seed1.jsonl`), or with two other names (`DATASET.REPRESENTATION.jsonl`), in it.
LONGEST = {"experiments": 230, "datasets": 110, "representations": 110, "scans": 110, "searches": 110}
_NAMES = ("name", "model")


def as_json(value: Any) -> str:
    """Return a value as JSON, the same for equal values."""
    return json.dumps(value, sort_keys=True)


def text_of(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, dict):  # of a network the name says what it is
        return ", ".join(text_of(v) if key in _NAMES else f"{key} {text_of(v)}" for key, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(text_of, value)) or "none"
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def fitted(name: str, section: str) -> str:
    """Return a name, with a hash of itself in place of its end if it is too long for files' names."""
    if len(name) <= LONGEST[section]:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST[section] - len(digest) - 1].rstrip('-')}-{digest}"


def slugs_of(values: list[Any]) -> list[str]:
    """Return every value as part of a name; what would be too long or like another's ends with a hash of itself."""
    found = [_slug(value) for value in values]
    good = [bool(slug) and len(slug) <= _LONGEST and found.count(slug) == 1 for slug in found]
    hashed = [f"{slug[:_LONGEST].strip('-')}-{_digest(value)}" for slug, value in zip(found, values, strict=True)]
    return [slug if fine else other.strip("-") for slug, other, fine in zip(found, hashed, good, strict=True)]


def _slug(value: Any) -> str:
    """Return a value in lower-case letters, digits and dashes: 0.001 as 0p001, [centre, rotate] as centre-rotate."""
    if isinstance(value, dict):
        parts = [_slug(v) if key in _NAMES else f"{_slug(key)}-{_slug(v)}" for key, v in value.items()]
    elif isinstance(value, list):
        parts = list(map(_slug, value)) or ["none"]
    elif isinstance(value, float):
        number = repr(value).removesuffix(".0")
        number = number.replace("-", "m", 1) if number.startswith("-") else number
        parts = [number.replace(".", "p").replace("+", "")]
    else:
        parts = [text_of(value)]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def _digest(value: Any) -> str:
    return hashlib.sha256(as_json(value).encode()).hexdigest()[:6]
