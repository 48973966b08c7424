"""What all sections of the configuration are made of: strict sections, names, numbers within limits."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

# What can be learned.
Task = Literal[
    "classification", "localisation", "reconstruction", "variational", "adversarial", "regression", "control"
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
# As YAML 1.2 has it; Python's own float() also takes 1_000, infinity and digits of other scripts.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def as_number(value: Any) -> Any:
    """YAML 1.1 reads ``1e-3`` (no dot) and ``-.5`` as text: accept them as the numbers that were meant."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _odd(value: int) -> int:
    if value % 2 == 0:
        msg = f"{value} is even; a window that has a middle needs an odd width"
        raise ValueError(msg)
    return value


def _of_classes(value: bool, info: ValidationInfo) -> bool:
    task = (info.context or {}).get("task")
    if value and task not in (None, "classification"):
        msg = f"is for task 'classification', not for {task!r}"
        raise ValueError(msg)
    return value


Number = Annotated[float, BeforeValidator(as_number)]
# Of a network: a switch that only two classes can have.
OfTwoClasses = Annotated[bool, AfterValidator(_of_classes)]
Odd = Annotated[int, Field(ge=1, le=9999), AfterValidator(_odd)]
# Arguments of networks: widths, filters, constituents, and numbers of layers. What is larger is a slip of the pen, and
# memory without end.
Size = Annotated[int, Field(ge=1, le=65_536)]
Depth = Annotated[int, Field(ge=1, le=1000)]
Sizes = Annotated[list[Size], Field(max_length=100)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
# Events, spectra, steps of an optimiser: more than any computer handles in a year.
Count = Annotated[int, Field(ge=1, le=10**9)]
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=1000)]
# Numbers that are in memory at once, and pieces that a sample is made of.
_MOST_AT_ONCE = 10**9
_MOST_PIECES = 100_000


def check_pieces(n: int, block: int, each: float) -> None:
    """Refuse a sample whose pieces are too large for any memory, or too many.

    Args:
        n: entries of the sample.
        block: entries of a piece.
        each: numbers in an entry, all that are drawn for it.

    Raises:
        ValueError: such a sample.
    """
    if block * each > _MOST_AT_ONCE:
        msg = f"block: {block} entries of about {each:g} numbers are {block * each:.3g} at once, {_MOST_AT_ONCE:.0e} "
        msg += "are possible; lower block or the size of an entry"
        raise ValueError(msg)
    if n > block * _MOST_PIECES:
        msg = f"block: {n} entries in blocks of {block} are {-(-n // block)} pieces, {_MOST_PIECES} are possible; "
        msg += "raise block"
        raise ValueError(msg)


def real(**limits: float) -> Any:
    """Return the type of a finite number within limits (``gt``, ``ge``, ``lt``, ``le``)."""
    return Annotated[float, Field(allow_inf_nan=False, **limits), BeforeValidator(as_number)]


Real = real()
Fraction = real(ge=0, le=1)
Positive = real(gt=0)
Window = Annotated[list[Real], Field(min_length=2, max_length=2)]


class Section(BaseModel):
    """A section of the configuration: strict types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
