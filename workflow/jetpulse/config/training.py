"""Typed model of a training's settings."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from jetpulse.config.types import Positive, Section, real

# What entries generated while training share with those of the dataset, or have no use for.
FIXED = ("n", "seed", "block", "exact", "traces", "samples", "duration", "bins")


class Fresh(Section):
    """Entries that are generated while training, none of them twice."""

    entries: Annotated[int, Field(ge=1)] = Field(20_000, description="Entries in one epoch.")
    settings: dict[str, Any] = Field(
        {},
        description="Keys of the dataset's `waveforms` or `counts` with other values than the dataset has, such as "
        "a larger `background` to learn from harder entries.",
    )

    @field_validator("settings")
    @classmethod
    def _alike(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for key in FIXED:
            if key in settings:
                msg = f"{key} must be as in the dataset; remove it"
                raise ValueError(msg)
        return settings


class Training(Section):
    """How a network is trained."""

    optimiser: Literal["sgd", "adagrad", "rmsprop", "adam", "adamw"] = Field("adam", description="torch.optim class.")
    learning_rate: Positive = Field(0.001, description="Step size of the optimiser.")
    momentum: real(ge=0, lt=1) = Field(0.0, description="Momentum of `sgd` and `rmsprop`; no meaning elsewhere.")
    betas: Annotated[list[real(ge=0, lt=1)], Field(min_length=2, max_length=2)] = Field(
        [0.9, 0.999], description="Memory of `adam` and `adamw`: of the mean gradient and of its square."
    )
    weight_decay: real(ge=0) = Field(0.0, description="L2 penalty on the weights.")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="`cosine` lowers the learning rate to 0 over all steps (doi:10.48550/arXiv.1608.03983)."
    )
    warmup: Annotated[int, Field(ge=0)] = Field(0, description="Steps over which the learning rate rises from 0.")
    clip: Positive | None = Field(None, description="Largest norm of the gradient; longer ones are shortened to it.")
    average: real(ge=0, lt=1) = Field(
        0.0, description="Keep a running mean of the weights, of which each step replaces 1 - `average`, and use it."
    )
    initialisation: Literal["glorot", "he", "torch"] = Field(
        "glorot",
        description="`glorot`, `he`: uniform weights, zero biases; `torch`: the layers' own defaults.",
    )
    batch: Annotated[int, Field(ge=1)] = Field(50, description="Entries in one step.")
    epochs: Annotated[int, Field(ge=1)] = Field(30, description="Largest number of passes over the training split.")
    steps: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Train for so many steps of the optimiser, in place of `epochs`; the last epoch may be a part.",
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        2,
        description="Stop after so many epochs without a better validation loss, of which the best count (null: "
        "train to the end; the last weights count and no validation split is needed).",
    )
    max_train: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Use only so many training entries (null: all), by event id: smaller choices lie within larger.",
    )
    fresh: Fresh | None = Field(
        None, description="Train on newly generated entries instead of the training split (null: on the split)."
    )
    normalise: Literal["none", "residual", "standard", "principal"] = Field(
        "none",
        description="Fitted on the training split, kept with the weights: `residual` subtracts the mean entry and "
        "divides by the largest absolute residual; `standard` subtracts the mean and divides by the standard deviation "
        "of all values; `principal` takes the leading `components` of a principal-component analysis, each with "
        "variance 1.",
    )
    components: Annotated[int, Field(ge=1)] = Field(4, description="Components of `normalise: principal`.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="`bfloat16` computes the network, not its weights, in 16 bits; faster where supported."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to compute: `auto` takes a GPU if there is one, `cuda` insists on it."
    )
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="torch's CPU threads; part of the experiment, because sums in another order round differently.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Training":
        if self.fresh and self.max_train:
            msg = "max_train limits the training split, which `fresh` does not use; remove one of them"
            raise ValueError(msg)
        return self
