"""The project's own data, found wherever the package is installed."""

from pathlib import Path


def resource(name: str) -> Path:
    """Return the path of a file of this folder."""
    return Path(__file__).parent / name
