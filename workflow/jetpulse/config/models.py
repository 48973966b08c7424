"""Typed models of the configuration: every key, its type, range, default and meaning.

The JSON schema for editors, ``config/defaults.yaml`` and ``config/README.md`` are generated from these
descriptions (``jetpulse document-config``).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from jetpulse.config.datasets import JetDataset
from jetpulse.config.networks import check_model
from jetpulse.config.types import Fraction, Name, Positive, Section, real

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


class Training(Section):
    """How a network is trained."""

    optimiser: Literal["sgd", "adagrad", "rmsprop", "adam", "adamw"] = Field("adam", description="torch.optim class.")
    learning_rate: Positive = Field(0.001, description="Step size of the optimiser.")
    momentum: real(ge=0, lt=1) = Field(0.0, description="Momentum of `sgd` and `rmsprop`; no meaning elsewhere.")
    weight_decay: real(ge=0) = Field(0.0, description="L2 penalty on the weights.")
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
