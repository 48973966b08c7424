"""Typed models of jets: where they come from, and their images."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jetpulse.config.splits import Split, SplitFiles
from jetpulse.config.types import Section, Window, real


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

    def paths(self) -> list[str]:
        """Return the user's files, as the config spells them."""
        return self.files.all() if self.files else []


class JetDataset(Section):
    """A sample of jets with constituents and a label (1: top, 0: QCD)."""

    kind: Literal["jets"] = Field(description="Jets with constituents.")
    source: JetSource = Field(description="Where the jets come from.")
    split: Split = Field(Split(), description="How simulated events are dealt to the splits.")
    references: str | None = Field(
        None, description="Published results on this very sample: a `sample` of config/references.csv."
    )

    @model_validator(mode="after")
    def _by_event(self) -> "JetDataset":
        if self.split.method != "hash":
            msg = "split: method 'shuffle' would tear apart jets of one event; leave it at 'hash'"
            raise ValueError(msg)
        return self

    def has(self, split: str) -> bool:
        """Return whether a split will have entries."""
        return bool(getattr(self.source.files or self.split, split))


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
