"""Typed models of spectra: counts in bins with spectral lines."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from jetpulse.config.splits import EventColumns, Files, Repeats, Split, of_files_only, without_files
from jetpulse.config.types import Count, Fraction, Name, Positive, Real, Section, Seed, check_pieces, real


class Line(Section):
    """A Gaussian spectral line, on an axis from 0 (first bin) to 1 (last bin)."""

    centre: Real = Field(description="Position on the axis.")
    width: Positive = Field(description="Standard deviation on the axis.")
    flux: Positive = Field(description="Median flux; the line adds flux x density (per unit of the axis) to each bin.")
    spread: real(ge=0) = Field(0.0, description="Log-normal spread of the flux.")
    absent: Fraction = Field(0.0, description="Fraction of the spectra in which the flux is 0.")


class Counts(Section):
    """Generated spectra: counts per bin from a smooth background and lines of varying flux."""

    n: Annotated[int, Field(ge=0, le=10**9)] = Field(20_000, description="Number of spectra.")
    seed: Seed = Field(1, description="Base seed.")
    bins: Annotated[int, Field(ge=2, le=100_000)] = Field(500, description="Bins of a spectrum.")
    background: Annotated[list[Real], Field(min_length=1, max_length=100)] = Field(
        [500.0, -500.0, 200.0],
        description="Expected background counts of a bin: coefficients of a polynomial on the axis from 0 to 1, "
        "constant first.",
    )
    lines: Annotated[list[Line], Field(max_length=1000)] = Field(
        [
            Line(centre=0.3, width=0.05, flux=108.0, spread=0.26, absent=0.5),
            Line(centre=0.55, width=0.12, flux=73.0, spread=0.4, absent=0.5),
        ],
        description="The spectral lines; the defaults are those of the reference's 200 spectra.",
    )
    poisson: bool = Field(True, description="Draw counts; `false` gives the expected counts, without noise.")
    block: Count = Field(
        10_000, description="Spectra in one piece. Part of the sample's definition: each block has seeds of its own."
    )

    @model_validator(mode="after")
    def _positive(self) -> "Counts":
        steps = [i / (self.bins - 1) for i in range(self.bins)]
        lowest = min(sum(c * x**k for k, c in enumerate(self.background)) for x in steps)
        if lowest <= 0:
            msg = f"background {self.background} falls to {lowest:g} counts, must be above 0 in every bin"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _within_memory(self) -> "Counts":
        check_pieces(self.n, self.block, self.bins + 2 * len(self.lines))
        return self


class SpectrumSource(Section):
    """Where spectra come from: exactly one of `counts`, `files` and `download`."""

    counts: Counts | None = Field(None, description="Generate them; no network needed.")
    files: Files | None = Field(
        None,
        description="Read them: pandas HDF5 files (fixed format, key `data`), a row for each spectrum; one path or a "
        "list, `~` and `$VARIABLES` are expanded.",
    )
    targets: Files | None = Field(
        None,
        description="Files of the fluxes (key `targets`, a column for each line), one for each of `files` and in the "
        "same order; without them recovery of the fluxes is not measured.",
    )
    event: EventColumns | None = Field(
        None,
        description="Column of the files that holds whole numbers, equal for spectra of one event (a source, a "
        "sample), or several that together do; they are no bins, and equal ones in two files are one event as well. "
        "null: each row is an event.",
    )
    duplicates: Repeats = Field(
        "refuse",
        description="What to do when the very same spectrum of the files, or spectra of one event, are in more than "
        "one split.",
    )
    download: Name | None = Field(
        None,
        description="Fetch them: a name in `jetpulse list-sources`, which also knows the files of the fluxes.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "SpectrumSource":
        if sum(bool(source) for source in (self.counts, self.files, self.download)) != 1:
            msg = "needs exactly one of counts, files, download"
            raise ValueError(msg)
        if self.targets and len(self.targets) != len(self.files or []):
            msg = f"targets: {len(self.targets)} files for {len(self.files or [])} in `files`; give one for each"
            raise ValueError(msg)
        return of_files_only(self, "event", "duplicates")

    @model_serializer(mode="wrap")
    def _applicable(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that what is written can be read again and does not grow with the config."""
        return without_files(self, handler(self), "event", "duplicates")

    def paths(self) -> list[str]:
        """Return the user's files, as the config spells them."""
        return (self.files or []) + (self.targets or [])


class SpectrumDataset(Section):
    """Spectra, with the fluxes of their lines where these are known."""

    kind: Literal["spectra"] = Field(description="Counts in bins.")
    source: SpectrumSource = Field(description="Where the spectra come from.")
    split: Split = Field(Split(), description="How spectra are dealt to the splits.")

    def has(self, split: str) -> bool:
        """Return whether a split will have entries."""
        return getattr(self.split, split) > 0
