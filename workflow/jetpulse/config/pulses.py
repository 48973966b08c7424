"""Typed models of waveforms with pulses."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from jetpulse.config.splits import EventColumns, Files, Repeats, Split, of_files_only, without_files
from jetpulse.config.types import Count, Section, Seed, check_pieces, real


class Waveforms(Section):
    """Digitised waveforms: a smooth background, pulses, and one pulse that is coincident in all traces."""

    n: Annotated[int, Field(ge=0, le=10**9)] = Field(10_000, description="Entries, each of them `traces` waveforms.")
    seed: Seed = Field(123, description="Base seed.")
    traces: Annotated[int, Field(ge=1, le=10_000)] = Field(3, description="Waveforms in one entry.")
    samples: Annotated[int, Field(ge=2, le=10**6)] = Field(100, description="Time bins of a waveform.")
    duration: real(gt=0) = Field(1.0, description="Time from the first to the last bin; pulses are 0.02 of it wide.")
    components: Annotated[int, Field(ge=1, le=10_000)] = Field(
        3, description="Waves that make up the smooth background."
    )
    background: real(ge=0, le=10_000) = Field(1.0, description="Mean number of further pulses in a trace.")
    amplitude: real(gt=0) = Field(5.0, description="Height of a pulse; a wave of the background has height 1.")
    amplitude_spread: real(ge=0, le=10) = Field(
        0.0, description="Log-normal spread of the heights; needs `exact: false`."
    )
    noise: real(ge=0) = Field(0.0, description="Standard deviation of electronic noise; needs `exact: false`.")
    exact: bool = Field(False, description="The reference's stream of random numbers, bit for bit, in one piece.")
    block: Count = Field(
        10_000, description="Entries in one job. Part of the sample's definition: each block has seeds of its own."
    )

    @model_validator(mode="after")
    def _plain_if_exact(self) -> "Waveforms":
        if self.exact and (self.amplitude_spread or self.noise):
            msg = "exact: the reference has neither amplitude_spread nor noise; set them to 0 or exact to false"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _within_memory(self) -> "Waveforms":
        each = self.traces * (self.samples + 2 * self.components + 2 * self.background)
        check_pieces(self.n, max(self.n, 1) if self.exact else self.block, each)
        return self


class PulseSource(Section):
    """Where waveforms come from: exactly one of `waveforms` and `files`."""

    waveforms: Waveforms | None = Field(None, description="Generate them; no network needed.")
    files: Files | None = Field(
        None,
        description="Read them: HDF5 or npz with `waveform` (n, traces, samples) and `label` (n), the bin of the "
        "coincident pulse; one path or a list, `~` and `$VARIABLES` are expanded.",
    )
    event: EventColumns | None = Field(
        None,
        description="Array of the files that holds whole numbers, equal for entries of one event, or several that "
        "together do; equal ones in two files are one event as well. null: `event` if it is there, else each row is "
        "an event; []: each row is one whatever the files hold.",
    )
    duplicates: Repeats = Field(
        "refuse",
        description="What to do when the very same waveforms of the files, or entries of one event, are in more than "
        "one split.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "PulseSource":
        if (self.waveforms is None) == (not self.files):
            msg = "needs exactly one of waveforms, files"
            raise ValueError(msg)
        return of_files_only(self, "event", "duplicates")

    @model_serializer(mode="wrap")
    def _applicable(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that what is written can be read again and does not grow with the config."""
        return without_files(self, handler(self), "event", "duplicates")

    def paths(self) -> list[str]:
        """Return the user's files, as the config spells them."""
        return self.files or []


class PulseDataset(Section):
    """Entries of several waveforms, labelled with the bin of the pulse that is coincident in all of them."""

    kind: Literal["pulses"] = Field(description="Waveforms with pulses.")
    source: PulseSource = Field(description="Where the waveforms come from.")
    split: Split = Field(Split(), description="How entries are dealt to the splits.")

    def has(self, split: str) -> bool:
        """Return whether a split will have entries."""
        return getattr(self.split, split) > 0
