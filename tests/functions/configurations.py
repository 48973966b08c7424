"""A small valid configuration, and copies of it with one thing changed."""

import copy
from typing import Any

MINIMAL: dict[str, Any] = {
    "datasets": {"jets": {"kind": "jets", "source": {"simulation": {"jets_per_class": 100}}}},
    "representations": {"images": {"kind": "jet-image"}},
    "experiments": {"top-cnn": {"dataset": "jets", "representation": "images", "model": {"name": "jet-cnn"}}},
}
EXPERIMENT = "experiments.top-cnn"
IMAGES = "representations.images"
SIMULATION = "datasets.jets.source.simulation"


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """Return the minimal configuration with values set at dotted keys, sections made as needed."""
    config = copy.deepcopy(MINIMAL)
    for key, value in changes:
        *folders, last = key.split(".")
        section = config
        for folder in folders:
            section = section.setdefault(folder, {})
        section[last] = value
    return config


def without(key: str) -> dict[str, Any]:
    """Return the minimal configuration without a dotted key."""
    config = copy.deepcopy(MINIMAL)
    *folders, last = key.split(".")
    section = config
    for folder in folders:
        section = section[folder]
    del section[last]
    return config
