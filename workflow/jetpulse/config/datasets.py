"""Typed models of datasets: where samples come from and how they are split."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from jetpulse.config.types import Fraction, Section, Window, real


def _increasing(window: list[float]) -> list[float]:
    if not window[0] < window[1]:
        msg = f"lower bound {window[0]:g} is not below upper bound {window[1]:g}"
        raise ValueError(msg)
    return window


class Simulation(Section):
    """Jets simulated with Pythia8, clustered with FastJet."""

    jets_per_class: Annotated[int, Field(ge=1)] = Field(
        description="Jets of each class (top, QCD) that pass the selection."
    )
    seed: Annotated[int, Field(ge=0)] = Field(1, description="Base seed; change it for an independent sample.")
    block: Annotated[int, Field(ge=1)] = Field(
        5000, description="Jets in one job. Part of the sample's definition: each block has seeds of its own."
    )
    pt: Window = Field([550.0, 650.0], description="Jet pT window in GeV.")
    pt_hat: Window = Field(
        [500.0, 800.0],
        description="Window of the hard process's pT in GeV; make it wider than `pt` on both sides.",
    )
    eta_max: real(gt=0, le=4.9) = Field(2.0, description="Largest |eta| of the jet axis.")
    radius: real(gt=0, le=2) = Field(
        0.8, description="anti-kT radius; also the matching distance of the top and its quarks."
    )
    energy: real(ge=1000, le=200_000) = Field(14_000.0, description="Centre-of-mass energy in GeV.")
    shower: Literal["simple", "vincia"] = Field(
        "simple", description="Pythia's parton shower model (its third, Dire, left Pythia before 8.317)."
    )
    multiple_interactions: bool = Field(
        False, description="Simulate the underlying event (slower; off in the public sample)."
    )
    detector: Literal["atlas", "none"] = Field(
        "atlas",
        description="`atlas`: tracks, towers and energy flow after the Delphes ATLAS card; `none`: bare particles.",
    )
    max_constituents: Annotated[int, Field(ge=1, le=1000)] = Field(
        200, description="Hardest constituents kept per jet."
    )

    _windows = field_validator("pt", "pt_hat")(_increasing)

    @model_validator(mode="after")
    def _covers(self) -> "Simulation":
        if self.pt_hat[0] >= self.pt[1] or self.pt_hat[1] <= self.pt[0]:
            msg = f"pt_hat {self.pt_hat} does not overlap the jet window pt {self.pt}"
            raise ValueError(msg)
        return self


class Waveforms(Section):
    """Digitised waveforms: a smooth background, pulses, and one pulse that is coincident in all traces."""

    n: Annotated[int, Field(ge=0)] = Field(10_000, description="Entries, each of them `traces` waveforms.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(123, description="Base seed.")
    traces: Annotated[int, Field(ge=1)] = Field(3, description="Waveforms in one entry.")
    samples: Annotated[int, Field(ge=2)] = Field(100, description="Time bins of a waveform.")
    duration: real(gt=0) = Field(1.0, description="Time from the first to the last bin; pulses are 0.02 of it wide.")
    components: Annotated[int, Field(ge=1)] = Field(3, description="Waves that make up the smooth background.")
    background: real(ge=0) = Field(1.0, description="Mean number of further pulses in a trace.")
    amplitude: real(gt=0) = Field(5.0, description="Height of a pulse; a wave of the background has height 1.")
    amplitude_spread: real(ge=0) = Field(0.0, description="Log-normal spread of the heights; needs `exact: false`.")
    noise: real(ge=0) = Field(0.0, description="Standard deviation of electronic noise; needs `exact: false`.")
    exact: bool = Field(False, description="The reference's stream of random numbers, bit for bit, in one piece.")
    block: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Entries in one job. Part of the sample's definition: each block has seeds of its own."
    )

    @model_validator(mode="after")
    def _plain_if_exact(self) -> "Waveforms":
        if self.exact and (self.amplitude_spread or self.noise):
            msg = "exact: the reference has neither amplitude_spread nor noise; set them to 0 or exact to false"
            raise ValueError(msg)
        return self


class Split(Section):
    """Fractions of the events in each split; they add up to 1."""

    train: Fraction = Field(0.6, description="Fraction to train on.")
    val: Fraction = Field(0.2, description="Fraction that decides when to stop.")
    test: Fraction = Field(0.2, description="Fraction used once, for the results.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Another seed deals the events anew.")

    @model_validator(mode="after")
    def _complete(self) -> "Split":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-9:
            msg = f"train + val + test is {total:g}, must be 1"
            raise ValueError(msg)
        return self


class SplitFiles(Section):
    """Files that already are one split each; a split without files is empty."""

    train: list[str] = Field([], description="Files to train on.")
    val: list[str] = Field([], description="Files that decide when to stop.")
    test: list[str] = Field([], description="Files used once, for the results.")

    @field_validator("train", "val", "test", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def all(self) -> list[str]:
        """Return every file, as the config spells it, in the order of the splits."""
        return self.train + self.val + self.test

    @model_validator(mode="after")
    def _some(self) -> "SplitFiles":
        if not self.all():
            msg = "names no file"
            raise ValueError(msg)
        return self


class JetSource(Section):
    """Where jets come from: exactly one of `simulation` and `files`."""

    simulation: Simulation | None = Field(None, description="Make them here; no network needed.")
    files: SplitFiles | None = Field(
        None, description="Read them: one path or a list for each split; `~` and `$VARIABLES` are expanded."
    )
    format: Literal["top-tagging"] = Field(
        "top-tagging",
        description="Layout of `files`: the public top-tagging layout (pandas table, arXiv:1902.09914).",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "JetSource":
        if (self.simulation is None) == (self.files is None):
            msg = "needs exactly one of simulation, files"
            raise ValueError(msg)
        return self


class JetDataset(Section):
    """A sample of jets with constituents and a label (1: top, 0: QCD)."""

    kind: Literal["jets"] = Field(description="Jets with constituents.")
    source: JetSource = Field(description="Where the jets come from.")
    split: Split = Field(Split(), description="How simulated events are dealt to the splits.")
    references: str | None = Field(
        None, description="Published results on this very sample: a `sample` of config/references.csv."
    )
