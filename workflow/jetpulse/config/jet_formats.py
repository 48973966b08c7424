"""Typed models of how files hold jets: names of branches and columns, labels, and which format takes which key."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from jetpulse.config.splits import Files
from jetpulse.config.types import Section

Format = Literal["top-tagging", "parquet", "npz", "nanoaod", "jetclass", "delphes", "tree"]

# Keys that only some formats take; every format takes the others.
_KEYS = {
    "fields": ("tree", "parquet"),
    "label": ("tree", "parquet", "jetclass"),
    "event": ("tree", "parquet", "npz", "top-tagging", "jetclass"),
    "radius": ("nanoaod", "delphes"),
}
# What people call the jets that are not looked for: among `signal` it is there by mistake, unless alone.
_BACKGROUND = re.compile(r"qcd|background|bkg|(^|[^a-z])(bg|others?|rest)([^a-z]|$)", re.IGNORECASE)
# Keys of everything that is read from files, whatever the format.
READING = ("select", "first", "order", "max_constituents", "unit", "duplicates", *_KEYS)


def unused_keys(format: str) -> list[str]:
    """Return the keys that a format does not take."""
    return [key for key, formats in _KEYS.items() if format not in formats]


def formats_with(key: str) -> tuple[str, ...]:
    """Return the formats that take a key."""
    return _KEYS[key]


class Fields(Section):
    """What the branches or list columns of the constituents are called; every one holds a list for each jet."""

    tree: str | None = Field(None, description="Name of the tree (ROOT only); null: the only one in the file.")
    E: str | None = Field(None, description="Energy, with px, py, pz or with pt, eta, phi.")
    px: str | None = Field(None, description="Momentum along x.")
    py: str | None = Field(None, description="Momentum along y.")
    pz: str | None = Field(None, description="Momentum along the beam.")
    pt: str | None = Field(None, description="Transverse momentum.")
    eta: str | None = Field(None, description="Pseudorapidity.")
    phi: str | None = Field(None, description="Azimuth.")
    mass: str | None = Field(
        None, description="Mass, with pt, eta, phi; neither it nor E: the constituents have no mass."
    )

    def names(self) -> dict[str, str]:
        """Return the given names by what they are, the tree's left out."""
        given = {key: getattr(self, key) for key in ("E", "px", "py", "pz", "pt", "eta", "phi", "mass")}
        return {key: name for key, name in given.items() if name is not None}

    @model_validator(mode="after")
    def _complete(self) -> "Fields":
        given = set(self.names())
        complete = [{"E", "px", "py", "pz"}, {"pt", "eta", "phi"}, {"pt", "eta", "phi", "mass"}]
        complete.append({"pt", "eta", "phi", "E"})
        if given and given not in complete:
            msg = f"are {', '.join(self.names())}; name all of E, px, py, pz, or pt, eta, phi and at most mass or E"
            raise ValueError(msg)
        return self


class Label(Section):
    """Where the class of a jet is written; a plain name is the same as `name`, a list of one the same as `signal`."""

    name: str | None = Field(None, description="Branch or column that is 1 for signal and 0 for background.")
    signal: Files = Field([], description="Branches or columns of 0 and 1, any of which is 1 for a signal jet.")
    background: Files = Field(
        [], description="The same for background; jets of neither are left out. []: all that is not signal."
    )

    @model_validator(mode="after")
    def _one(self) -> "Label":
        if (self.name is None) == (not self.signal):
            msg = "needs either name or signal"
            raise ValueError(msg)
        if self.name is not None and self.background:
            msg = "background goes with signal, not with name; remove it"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _apart(self) -> "Label":
        both = [name for name in self.signal if name in self.background]
        if both:
            msg = f"{both[0]!r} is named as signal and as background; remove one"
            raise ValueError(msg)
        apart = [name for name in self.signal if _BACKGROUND.search(name)]
        if apart and len(apart) < len(self.signal) and not self.background:
            raise ValueError(_two_ways(self.signal))
        return self

    def names(self) -> list[str]:
        """Return the names of all branches or columns to read."""
        return [self.name] if self.name is not None else [*self.signal, *self.background]


def _two_ways(names: list[str]) -> str:
    """Return what is wrong with several names of which none is said to be background, and how to say what is meant."""
    background = [name for name in names if _BACKGROUND.search(name)] or names[:1]
    signal = [name for name in names if name not in background]
    return (
        f"[{', '.join(names)}] does not say which is background; write {{signal: [{', '.join(signal)}], background: "
        f"[{', '.join(background)}]}}, where jets of neither are left out, or {{signal: [...]}} alone if jets of none "
        "of the names are background"
    )


def _as_label(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, list):
        return value
    if len(value) > 1 and all(isinstance(name, str) for name in value):
        raise ValueError(_two_ways(value))
    return {"signal": value}


# In a schema for editors a name or a list of names is allowed as well.
LabelOrName = Annotated[Label, BeforeValidator(_as_label, json_schema_input_type=str | list[str] | Label)]
