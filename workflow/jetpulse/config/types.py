"""What all sections of the configuration are made of: strict sections, names, numbers within limits."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from jetpulse.config.networks import as_number

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


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
