"""model.json, which describes the weights beside it, and says by checksums that all belongs together.

Its ``checksums`` are SHA-256 of ``weights`` (model.safetensors), ``history`` (history.csv) and of the ``description``
itself, as JSON with sorted keys and without this entry.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError, cannot_open
from jetpulse.samples import load_json

_NEEDED = ("model", "arguments", "shape", "outputs", "task", "seed", "training", "representation")


def sealed(description: Mapping[str, Any], **files: bytes) -> dict[str, Any]:
    """Return a description with its checksums.

    Args:
        description: to be written as model.json; checksums of files that it has already are kept.
        files: contents of ``weights`` and ``history``.
    """
    checksums = dict(description.get("checksums", {}))
    checksums |= {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    value = dict(description) | {"checksums": checksums}
    checksums["description"] = _digest(value)
    return value


def _digest(description: Mapping[str, Any]) -> str:
    checksums = {name: value for name, value in description["checksums"].items() if name != "description"}
    text = json.dumps(dict(description) | {"checksums": checksums}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def load_description(path: Path) -> dict[str, Any]:
    """Return a model.json.

    Raises:
        UserError: missing, damaged or changed.
    """
    description = load_json(path)
    checksums = description.get("checksums") if isinstance(description, dict) else None
    if not isinstance(checksums, dict) or "description" not in checksums:
        raise UserError(
            f"{path}: has no checksums; it is damaged, or of an earlier version of jetpulse: train the model again"
        )
    if checksums["description"] != _digest(description):
        raise UserError(
            f"{path}: has changed since it was written, by its checksum; fetch it, or train the model, again"
        )
    return description


def read_description(model: Path) -> dict[str, Any]:
    """Return model.json of a model.

    Raises:
        UserError: missing, changed, or lacking what a prediction needs.
    """
    path = model.with_name("model.json")
    description = load_description(path)
    missing = [name for name in _NEEDED if name not in description]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(map(repr, missing))}; train the model again")
    return description


def read_weights(model: Path, description: Mapping[str, Any]) -> bytes:
    """Return the bytes of a model's weights, those that ``description`` is about.

    Raises:
        UserError: missing, or others.
    """
    content = _read(model)
    _check(model, content, description, "weights")
    return content


def read_history(path: Path) -> str:
    """Return the text of a history.csv, the one that model.json beside it is about.

    Raises:
        UserError: missing, or another one.
    """
    content = _read(path)
    _check(path, content, load_description(path.with_name("model.json")), "history")
    return content.decode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise cannot_open(path, error, "a file") from error


def check_dataset(path: Path, dataset: Mapping[str, Any], model: Path, description: Mapping[str, Any]) -> None:
    """Refuse a file of another dataset, by its definition, than that which a model was trained on.

    Raises:
        UserError: names both files.
    """
    if "dataset" in description and dataset != description["dataset"]:
        raise UserError(
            f"{path}: is of another dataset than the one that {model} was trained on, by their definitions; give the "
            "file that it was trained on, or train it again"
        )


def _check(path: Path, content: bytes, description: Mapping[str, Any], what: str) -> None:
    if hashlib.sha256(content).hexdigest() != description["checksums"].get(what):
        raise UserError(
            f"{path}: not the {what} that {path.with_name('model.json')} describes, by their checksum; fetch both, or "
            "train the model, again"
        )
