"""Typed models of jets: where they come from, and their images."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from jetpulse.config.jet_formats import READING, Fields, Format, LabelOrName, formats_with, unused_keys
from jetpulse.config.splits import EventColumns, Repeats, Split, SplitFilesOrList
from jetpulse.config.types import Count, Name, Section, Seed, Window, check_pieces, real


def _increasing(window: list[float]) -> list[float]:
    if not window[0] < window[1]:
        msg = f"lower bound {window[0]:g} is not below upper bound {window[1]:g}"
        raise ValueError(msg)
    return window


class Simulation(Section):
    """Jets simulated with Pythia8, clustered with FastJet."""

    jets_per_class: Count = Field(description="Jets of each class (top, QCD) that pass the selection.")
    seed: Seed = Field(1, description="Base seed; change it for an independent sample.")
    block: Count = Field(
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
        False,
        description="Simulate the underlying event, about four times slower. The public sample says that it has none, "
        "but its jets have what it adds: with it constituent counts and masses agree with theirs, without it jets have "
        "a tenth fewer constituents.",
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

    @model_validator(mode="after")
    def _within_memory(self) -> "Simulation":
        check_pieces(self.jets_per_class, self.block, 4 * self.max_constituents)
        return self


class Selection(Section):
    """Which jets of the files are used, by the sum of their constituents."""

    pt: Window | None = Field(None, description="Jet pT window in GeV, the same in all splits.")
    eta_max: real(gt=0) | None = Field(None, description="Largest |eta| of a jet.")

    @field_validator("pt")
    @classmethod
    def _window(cls, window: list[float] | None) -> list[float] | None:
        return window and _increasing(window)


class JetSource(Section):
    """Where jets come from: exactly one of `simulation`, `files` and `download`; the other keys are about files."""

    simulation: Simulation | None = Field(None, description="Make them here; no network needed.")
    files: SplitFilesOrList | None = Field(
        None,
        description="Read them: a list of files, whose events `split` deals, or one path or a list for each split; "
        "a file is a path or {path: ..., label: 0 or 1}; `~` and `$VARIABLES` are expanded.",
    )
    download: Name | None = Field(
        None,
        description="Fetch them: a name in `jetpulse list-sources`, which also knows their splits and their layout.",
    )
    format: Format = Field(
        "top-tagging",
        description="Layout of `files`: `top-tagging` (public pandas table, arXiv:1902.09914), `parquet` (columns of "
        "the same table, or lists as `export-jets` writes them), `npz` (constituents, counts, label), `nanoaod` (CMS), "
        "`jetclass` (arXiv:2202.03772), `delphes` (energy flow, clustered here), `tree` (any other ROOT tree).",
    )
    fields: Fields | None = Field(
        None, description="Names in your own files, for `tree` and `parquet`; null: those that `export-jets` writes."
    )
    label: LabelOrName | None = Field(
        None,
        description="Where the class is written, for `tree`, `parquet` and `jetclass`; null: `label`, the public "
        "`is_signal_new`, and for `jetclass` label_Tbqq against label_QCD.",
    )
    event: EventColumns | None = Field(
        None,
        description="Column, branch or array that holds whole numbers, equal for jets of one event, or several that "
        "together do, such as [run, luminosityBlock, event]; equal ones in two files are one event as well. null: "
        "`event` of files as `export-jets` writes them, else each row is an event; []: each row is one whatever the "
        "file holds. Files of `nanoaod` and `delphes` have events by themselves.",
    )
    radius: real(gt=0, le=2) = Field(
        0.8,
        description="For `delphes` the anti-kT radius; for it and `nanoaod` the distance within which a jet must "
        "contain a top and its three quarks to be labelled 1.",
    )
    select: Selection = Field(Selection(), description="Jets outside are left out; null: no limit.")
    first: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        None, description="Only so many jets from the beginning of each file, of those that `select` leaves; null: all."
    )
    order: Literal["repair", "refuse"] = Field(
        "repair", description="What to do with constituents that are not sorted by pT, hardest first."
    )
    max_constituents: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Hardest constituents kept per jet; null: all."
    )
    unit: Literal["GeV", "MeV", "TeV"] = Field("GeV", description="Unit of momenta in the files; samples are in GeV.")
    duplicates: Repeats = Field(
        "refuse", description="What to do when the very same jet, or jets of one event, are in more than one split."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "JetSource":
        if sum(source is not None for source in (self.simulation, self.files, self.download)) != 1:
            msg = "needs exactly one of simulation, files, download"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _understood(self) -> "JetSource":
        given = [key for key in READING if key in self.model_fields_set and getattr(self, key) is not None]
        if self.simulation and given:
            msg = f"{given[0]}: is about files, which a simulation does not read; remove it"
            raise ValueError(msg)
        if self.files is None:
            return self
        for key in unused_keys(self.format):
            if key in given:
                msg = f"{key}: not used by format {self.format!r}, only by {', '.join(formats_with(key))}; remove it"
                raise ValueError(msg)
        if self.format == "parquet" and self.fields and self.fields.tree:
            msg = "fields.tree: a parquet file has no trees; remove it"
            raise ValueError(msg)
        if self.format == "delphes" and self.select.pt is None:
            msg = "select.pt: format 'delphes' needs it, since jets are clustered above its lower end"
            raise ValueError(msg)
        return self

    @model_serializer(mode="wrap")
    def _applicable(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that what is written can be read again and does not grow with the config."""
        unused = {"download"} if self.download is None else set()
        if self.download is None:
            unused |= set(READING) if self.simulation else set(unused_keys(self.format))
        unused |= {"first"} if self.first is None else set()
        return {key: value for key, value in handler(self).items() if key not in unused}

    def paths(self) -> list[str]:
        """Return the user's files, as the config spells them."""
        return [file.path for file in self.files.all()] if self.files else []


class JetDataset(Section):
    """A sample of jets with constituents and a label (1: top, 0: QCD)."""

    kind: Literal["jets"] = Field(description="Jets with constituents.")
    source: JetSource = Field(description="Where the jets come from.")
    split: Split = Field(
        Split(), description="How events are dealt to the splits, of a simulation or of a list of files."
    )
    references: str | None = Field(
        None, description="Published results on this very sample: a `sample` of the project's table (docs/data.md)."
    )

    @model_validator(mode="after")
    def _by_event(self) -> "JetDataset":
        if self.split.method != "hash":
            msg = "split: method 'shuffle' would tear apart jets of one event; leave it at 'hash'"
            raise ValueError(msg)
        return self

    def has(self, split: str) -> bool:
        """Return whether a split will have entries."""
        fraction = getattr(self.split, split)
        return self.source.files.has(split, fraction) if self.source.files else fraction > 0


STEP_FAMILIES = {
    "centre": ("centre", "centre-centroid"),
    "rotate": ("rotate", "rotate-principal"),
    "flip eta": ("flip-eta",),
    "flip phi": ("flip-phi",),
    "normalise": ("normalise", "normalise-sum"),
}
Step = Literal[
    "centre",
    "centre-centroid",
    "rotate",
    "rotate-principal",
    "flip-eta",
    "flip-phi",
    "normalise",
    "normalise-sum",
]


class JetImage(Section):
    """Constituents' pT in pixels of the eta-phi plane around the jet."""

    kind: Literal["jet-image"] = Field(description="Sparse image of the transverse momentum.")
    pixels: Annotated[int, Field(ge=1, le=1024)] = Field(40, description="Pixels along each axis.")
    half_width: real(gt=0, le=4) = Field(
        0.8, description="The image covers [-half_width, half_width) in both directions."
    )
    steps: list[Step] = Field(
        ["centre", "rotate", "normalise"],
        description="Preprocessing, in this order: `centre` (on the hardest constituent) or `centre-centroid` "
        "(pT-weighted); `rotate` (second-hardest constituent onto the positive eta axis) or `rotate-principal` "
        "(principal axis); `flip-eta`, `flip-phi` (harder half to positive values); `normalise` (hardest pixel is 1) "
        "or `normalise-sum` (pixels add up to 1). "
        "Without a centring step the origin is the jet axis.",
    )

    @field_validator("steps")
    @classmethod
    def _ordered(cls, steps: list[str]) -> list[str]:
        families = list(STEP_FAMILIES)
        ranks = [next(i for i, family in enumerate(families) if step in STEP_FAMILIES[family]) for step in steps]
        for rank in set(ranks):
            if ranks.count(rank) > 1:
                msg = f"at most one of {', '.join(STEP_FAMILIES[families[rank]])} can be used"
                raise ValueError(msg)
        if ranks != sorted(ranks):
            right = [step for _, step in sorted(zip(ranks, steps, strict=True))]
            msg = f"the order of the steps is fixed; write [{', '.join(right)}]"
            raise ValueError(msg)
        return steps
