"""Typed model of jets as numbers: what `build-jet-observables` computes of every jet."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from jetpulse.config.types import Section

Column = Literal[
    "mass",
    "multiplicity",
    "pt",
    "leading_fraction",
    "ptd",
    "girth",
    "tau1",
    "tau2",
    "tau3",
    "tau4",
    "tau21",
    "tau32",
    "tau43",
    "e2",
    "e3",
    "c2",
    "d2",
]


class JetObservables(Section):
    """Numbers that describe each jet: kinematics, shape, N-subjettiness, energy correlators."""

    kind: Literal["jet-observables"] = Field(description="One row of numbers for each jet.")
    columns: Annotated[list[Column], Field(min_length=1)] = Field(
        list(get_args(Column)),
        description="Which numbers, in this order: `mass`, `pt` (GeV), `multiplicity`, `leading_fraction` (hardest "
        "constituent's share of the pT), `ptd` (its dispersion), `girth` (width), `tau1` to `tau4` (N-subjettiness) "
        "and their ratios `tau21`, `tau32`, `tau43`, `e2`, `e3` (energy correlators), `c2` and `d2` (their ratios). "
        "Networks need `training.normalise: columns` with them.",
    )

    @field_validator("columns")
    @classmethod
    def _different(cls, columns: list[str]) -> list[str]:
        twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
        if twice:
            msg = f"{twice[0]!r} is given twice; remove one"
            raise ValueError(msg)
        return columns
