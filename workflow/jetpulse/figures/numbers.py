"""Numbers with errors as people read them: value and errors end at the same digit, which the errors decide.

The larger error has two digits; up to two more are shown where another one would be 0, and what is smaller still is
said to be.
"""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from jetpulse.evaluation.transfers import Measured

_MORE = 2  # digits that a small error may add
_ALIKE = 0.1  # part of an error by which its ends may differ to be shown as one


def with_error(value: float, error: float) -> str:
    """Return a value ± its error; alone, with four digits, where the error is not known."""
    return spelled(Measured(value, error), ".4g")


def spelled(measured: Measured, digits: str) -> str:
    """Return value ± spread (statistical error) as one text, see ``pieces``; empty if nothing is known."""
    value, spread, error = pieces(measured, digits)
    return value + (f" ± {spread}" if spread else "") + (f" ({error})" if error else "")


def pieces(measured: Measured, digits: str) -> tuple[str, str, str]:
    """Return value, spread and statistical error as texts, empty for what is not known.

    An error with two ends that are not alike is `−23 +48`. Without a value but with the lower end of an interval the
    value is `> 812`, a limit.

    Args:
        measured: the numbers.
        digits: format of a value without errors; with a plus the sign of a positive value is shown.
    """
    if not math.isfinite(measured.value):
        return (f"> {_plain(measured.low, '.3g')}" if math.isfinite(measured.low) else ""), "", ""
    down, up = measured.errors()
    if abs(up - down) <= _ALIKE * max(down, up):
        down = up = (down + up) / 2
    known = [size for size in (measured.spread, down, up) if math.isfinite(size)]
    positive = [size for size in known if size > 0]
    places = decimals(positive) if positive else 0
    if positive:
        sign = "+" if digits.startswith("+") and measured.value > 0 else ""
        value = sign + _fixed(measured.value, places)
    else:
        value = "0" if known and measured.value == 0 else _plain(measured.value, digits)
    lower, upper = _size(down, places), _size(up, places)
    return value, _size(measured.spread, places), lower if lower == upper else f"−{lower} +{upper}"


def draw_errors(axis: Axes, place: tuple[float, float], measured: Measured, colour: str, along: str) -> None:
    """Draw the spread over seeds (thick) and the statistical error (thin), along "x" or "y", of a finite value."""
    if not math.isfinite(measured.value):
        return
    spread = (measured.spread, measured.spread)
    for width, alpha, sizes in ((3.5, 0.5, spread), (1.2, 1.0, measured.errors())):
        if all(map(math.isfinite, sizes)):
            error = {f"{along}err": [[size] for size in sizes]}
            axis.errorbar(*place, **error, fmt="none", ecolor=colour, elinewidth=width, alpha=alpha)


def decimals(sizes: Sequence[float]) -> int:
    """Return how many decimals numbers with errors of these sizes have, below zero for tens, hundreds and so on."""
    largest = 1 - _exponent(max(sizes), 1)
    return min(max(largest, -_exponent(min(sizes), 0)), largest + _MORE)


def _exponent(size: float, digits: int) -> int:
    """Return the power of ten of a size once it is rounded: 0.0996 with two digits is 0.10."""
    return int(f"{size:.{digits}e}".partition("e")[2])


def _size(size: float, places: int) -> str:
    if not math.isfinite(size):
        return ""
    text = _fixed(size, places)
    if size > 0 and float(text) == 0:
        return f"<{_fixed(10.0**-places, places)}"
    return "0" if size == 0 else text


def _fixed(value: float, places: int) -> str:
    return f"{round(value, places):z.{max(places, 0)}f}".replace("-", "−")


def _plain(value: float, digits: str) -> str:
    """Return a value by its format; one that would be shown as 0 has two digits instead."""
    text = f"{value:{digits}}"
    if value and float(text) == 0:
        text = f"{value:{'+' * digits.startswith('+')}.2g}"
    return (text if value else text.lstrip("+")).replace("-", "−")
