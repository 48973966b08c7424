"""Reading metrics.json and what `combine` makes of it: every number is one that a metric of its name can have."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jetpulse.errors import UserError
from jetpulse.samples.files import load_json

_ROUNDING = 1e-9
_COUNTS = ("entries", "signal", "background")
_FRACTIONS = ("accuracy", "auc", "ece", "calibrated_ece", "average_precision", "baseline", "ahead", "absent_distance")
_POSITIVE = ("rmse", "mae", "log_loss", "calibrated_log_loss", "chi_square", "temperature")
# What a metric of several trainings says beside its median.
_PARTS = ("_error", "_spread")


def read_metrics(path: Path) -> dict[str, dict[str, Any]]:
    """Return what `evaluate` wrote: dataset -> metric -> number, None where it is not defined.

    Raises:
        UserError: missing, or not such a file.
    """
    found = load_json(path)
    if not _is_mapping(found) or not found or not all(map(_is_mapping, found.values())):
        raise UserError(f"{path}: expected metrics by dataset, found {found!r:.60}; evaluate it again")
    for dataset, metrics in found.items():
        for name, value in metrics.items():
            _check(value, name, f"{path}: {dataset}: {name}", "evaluate")
    return found


def read_combined(path: Path) -> dict[str, Any]:
    """Return what `combine` wrote about one experiment's trainings.

    Raises:
        UserError: missing, or not such a file.
    """
    found = load_json(path)
    tested = found.get("tested") if _is_mapping(found) else None
    if not _is_mapping(tested) or not all(map(_is_mapping, tested.values())):
        raise UserError(f"{path}: lacks `tested`, metrics by dataset; combine its seeds again")
    for dataset, metrics in tested.items():
        for name, value in metrics.items():
            where = f"{path}: {dataset}: {name}"
            if not _is_mapping(value):
                _check(value, name, where, "combine")
                continue
            if "median" not in value:
                raise UserError(f"{where}: lacks the median; combine its seeds again")
            for part, number in value.items():
                for each in number if part == "values" and isinstance(number, list) else [number]:
                    _check(each, f"{name}_{part}" if f"_{part}" in _PARTS else name, f"{where}: {part}", "combine")
    ensemble = found.get("ensemble", {})
    if not _is_mapping(ensemble) or not all(map(_is_mapping, ensemble.values())):
        raise UserError(f"{path}: `ensemble` holds no metrics by dataset; combine its seeds again")
    for dataset, metrics in ensemble.items():
        for name, value in metrics.items():
            _check(value, name, f"{path}: ensemble: {dataset}: {name}", "combine")
    return found


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _check(value: Any, name: str, where: str, again: str) -> None:
    """Refuse what a metric cannot be; None stands for what is not defined."""
    if value is None and name not in _COUNTS:
        return
    low, high = _limits(name)
    whole = name in _COUNTS
    if not isinstance(value, int if whole else int | float) or isinstance(value, bool) or not _within(value, low, high):
        kind = "a whole number" if whole else "a number"
        expected = f"{kind} from {round(low, 6):g}" + (f" to {round(high, 6):g}" if math.isfinite(high) else "")
        raise UserError(
            f"{where} is {value!r:.60}, expected {expected if math.isfinite(low) else 'a finite number'}; {again} again"
        )


def _within(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _limits(name: str) -> tuple[float, float]:
    """Return the least and the largest value that a metric can have."""
    if name.endswith(_PARTS) or name in _COUNTS:
        return 0.0, math.inf
    name = name.removesuffix("_low").removesuffix("_high")
    if name in _FRACTIONS or name.startswith(("two_sample_auc", "coverage_")):
        return -_ROUNDING, 1 + _ROUNDING
    if name in _POSITIVE or name.startswith(("rejection_", "wasserstein", "flux_resolution")):
        return 0.0, math.inf
    return -math.inf, math.inf
