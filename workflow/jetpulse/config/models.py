"""Typed models of the configuration: every key, its type, range, default and meaning.

The JSON schema for editors, ``config/defaults.yaml`` and ``config/README.md`` are generated from these
descriptions (``jetpulse document-config``).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, field_validator, model_validator

from jetpulse.config.networks import as_number, check_model

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


def _real(**limits: float) -> Any:
    """Return the type of a finite number within limits (``gt``, ``ge``, ``lt``, ``le``)."""
    return Annotated[float, Field(allow_inf_nan=False, **limits), BeforeValidator(as_number)]


Real = _real()
Fraction = _real(ge=0, le=1)
Positive = _real(gt=0)
Window = Annotated[list[Real], Field(min_length=2, max_length=2)]


class Section(BaseModel):
    """A section of the configuration: strict types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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
    eta_max: _real(gt=0, le=4.9) = Field(2.0, description="Largest |eta| of the jet axis.")
    radius: _real(gt=0, le=2) = Field(
        0.8, description="anti-kT radius; also the matching distance of the top and its quarks."
    )
    energy: _real(ge=1000, le=200_000) = Field(14_000.0, description="Centre-of-mass energy in GeV.")
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
    duration: _real(gt=0) = Field(1.0, description="Time from the first to the last bin; pulses are 0.02 of it wide.")
    components: Annotated[int, Field(ge=1)] = Field(3, description="Waves that make up the smooth background.")
    background: _real(ge=0) = Field(1.0, description="Mean number of further pulses in a trace.")
    amplitude: _real(gt=0) = Field(5.0, description="Height of a pulse; a wave of the background has height 1.")
    amplitude_spread: _real(ge=0) = Field(0.0, description="Log-normal spread of the heights; needs `exact: false`.")
    noise: _real(ge=0) = Field(0.0, description="Standard deviation of electronic noise; needs `exact: false`.")
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
    half_width: _real(gt=0, le=4) = Field(
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


class Training(Section):
    """How a network is trained."""

    optimiser: Literal["sgd", "adagrad", "rmsprop", "adam", "adamw"] = Field("adam", description="torch.optim class.")
    learning_rate: Positive = Field(0.001, description="Step size of the optimiser.")
    momentum: _real(ge=0, lt=1) = Field(0.0, description="Momentum of `sgd` and `rmsprop`; no meaning elsewhere.")
    weight_decay: _real(ge=0) = Field(0.0, description="L2 penalty on the weights.")
    initialisation: Literal["glorot", "he", "torch"] = Field(
        "glorot",
        description="`glorot`, `he`: uniform weights, zero biases; `torch`: the layers' own defaults.",
    )
    batch: Annotated[int, Field(ge=1)] = Field(50, description="Entries in one step.")
    epochs: Annotated[int, Field(ge=1)] = Field(30, description="Largest number of passes over the training split.")
    patience: Annotated[int, Field(ge=1)] | None = Field(
        2,
        description="Stop after so many epochs without a better validation loss (null: never); the best weights count.",
    )
    max_train: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Use only so many training entries (null: all), by event id: smaller choices lie within larger.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to compute: `auto` takes a GPU if there is one, `cuda` insists on it."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="torch's CPU threads; part of the experiment, because sums in another order round differently.",
    )


class Model(BaseModel):
    """A network by name; further keys are its arguments (see `jetpulse list-models`)."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: str = Field(description="A network of workflow/jetpulse/models: its file's name with dashes.")

    @model_validator(mode="after")
    def _checked(self) -> "Model":
        self.arguments()
        return self

    def arguments(self) -> dict[str, Any]:
        """Return all arguments of the network, defaults filled in."""
        return check_model(self.name, self.model_extra or {})


class Reference(Section):
    """A published or expected result, shown beside this experiment's own."""

    accuracy: Fraction | None = Field(None, description="Accuracy at threshold 1/2.")
    auc: Fraction | None = Field(None, description="Area under the ROC curve.")
    source: str = Field(description="Where the numbers come from.")


class Experiment(Section):
    """A dataset, seen through a representation, learned by a model for a task, over several seeds."""

    task: Literal["classification"] = Field("classification", description="What is learned and how it is judged.")
    dataset: Name = Field(description="A key of `datasets`.")
    representation: Name = Field(description="A key of `representations`.")
    model: Model = Field(description="The network and its arguments.")
    training: Training = Field(Training(), description="How it is trained.")
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = Field(
        [1, 2, 3], description="One training for each; results are medians, their spread is shown."
    )
    test_on: list[Name] = Field([], description="Further datasets whose test split is evaluated too.")
    reference: Reference | None = Field(None, description="A result to stand beside this one in the summary.")

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            msg = f"seeds {seeds} are not all different"
            raise ValueError(msg)
        return seeds


class Analysis(Section):
    """The whole configuration."""

    datasets: dict[Name, JetDataset] = Field(description="Samples, by name.")
    representations: dict[Name, JetImage] = Field(description="How samples are shown to a network, by name.")
    experiments: dict[Name, Experiment] = Field(description="What is trained and compared, by name.")


class Experiments(RootModel[dict[Name, Experiment]]):
    """Experiments by name, as ``jetpulse compare`` takes them."""
