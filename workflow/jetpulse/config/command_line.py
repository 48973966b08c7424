"""Values of the config on Snakemake's command line, which Snakemake itself reads as text."""

from collections.abc import Iterable, Mapping
from typing import Any

from jetpulse.config.yaml_files import parse_yaml


def with_types(config: Mapping[str, Any], arguments: Iterable[str] | None) -> dict[str, Any]:
    """Return a config whose values from ``--config key=value`` (or ``-C``) are what they would be in a file.

    Args:
        config: with these values in it, as Snakemake has merged them.
        arguments: ``key=value`` each, the value in YAML.

    Raises:
        UserError: a value that is not YAML.
    """
    known = dict(config)
    for argument in arguments or ():
        key, _, text = argument.partition("=")
        if key in known:
            known[key] = _typed(known[key], parse_yaml(text, f"--config {key}"))
    return known


def _typed(value: Any, meant: Any) -> Any:
    """Return a value with what was meant in place of its texts; what is not meant here stays."""
    if isinstance(value, Mapping) and isinstance(meant, Mapping):
        return {key: _typed(item, meant[key]) if key in meant else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(meant, list) and len(value) == len(meant):
        return [_typed(item, part) for item, part in zip(value, meant, strict=True)]
    return meant if isinstance(value, str) else value
