"""Typed model of a training's settings."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from jetpulse.config.types import Count, Positive, Section, Size, real

# What entries generated while training share with those of the dataset, or have no use for.
FIXED = ("n", "seed", "block", "exact", "traces", "samples", "duration", "bins")

# Keys of a training that decide no result: where entries wait, and what is written beside the weights.
PLACEMENT = ("resident", "tensorboard")


class Fresh(Section):
    """Entries that are generated while training, none of them twice."""

    entries: Count = Field(20_000, description="Entries in one epoch.")
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


class Augmentation(Section):
    """Random changes of jets while training, other ones in every epoch; none when a network is tested."""

    rotation: bool = Field(False, description="Turn about the jet axis in eta and phi, by any angle.")
    flip: bool = Field(
        False, description="Mirror in eta and in phi about the jet axis, each of them in half of the jets."
    )
    boost: real(ge=0, le=5) = Field(
        0.0, description="Boost along the beam by a rapidity up to this, either way; an exact symmetry."
    )
    smear: real(ge=0, le=1) = Field(
        0.0, description="Relative width of a Gaussian by which every constituent's momentum is changed."
    )
    direction: real(ge=0, le=1) = Field(
        0.0, description="Width of a Gaussian by which eta and phi of every constituent are changed."
    )
    drop: real(ge=0, lt=1) = Field(
        0.0, description="Probability with which a constituent is left out; the hardest one always stays."
    )

    @model_validator(mode="after")
    def _something(self) -> "Augmentation":
        if not any(self.model_dump().values()):
            msg = f"nothing is switched on; give one of {', '.join(type(self).model_fields)}, or leave `augment` out"
            raise ValueError(msg)
        return self


class Training(Section):
    """How a network is trained."""

    optimiser: Literal["sgd", "adagrad", "rmsprop", "adam", "adamw", "muon"] = Field(
        "adam",
        description="torch.optim class. `muon` moves matrices of at least 32 rows and columns so that every direction "
        "counts alike (kellerjordan.github.io/posts/muon, arXiv:2502.16982), everything else by `adamw`.",
    )
    learning_rate: Positive = Field(0.001, description="Step size of the optimiser.")
    momentum: real(ge=0, lt=1) = Field(0.0, description="Momentum of `sgd` and `rmsprop`; no meaning elsewhere.")
    initial_accumulator: real(ge=0) = Field(
        0.0,
        description="What `adagrad` begins its sums of squared gradients with; no meaning elsewhere.",
    )
    betas: Annotated[list[real(ge=0, lt=1)], Field(min_length=2, max_length=2)] = Field(
        [0.9, 0.999],
        description="Memory of `adam` and `adamw` (also as a part of `muon`): of the mean gradient and of its square.",
    )
    weight_decay: real(ge=0) = Field(
        0.0,
        description="L2 penalty on weights and biases: half of it times their squares belongs to what is minimised. "
        "For `adamw` and `muon` they shrink by this part of the learning rate in each step "
        "(doi:10.48550/arXiv.1711.05101).",
    )
    l1: real(ge=0) = Field(
        0.0,
        description="L1 penalty on weights and biases: their absolute values times this; with `weight_decay` an "
        "elastic net. Neither is part of the loss that is reported.",
    )
    schedule: Literal["constant", "cosine", "exponential", "one-cycle"] = Field(
        "constant",
        description="How the learning rate goes over all steps: `cosine` lowers it to 0 "
        "(doi:10.48550/arXiv.1608.03983), `exponential` to a hundredth, `one-cycle` raises it from a 25th over 30 % of "
        "the steps and then lowers it to 0 (doi:10.48550/arXiv.1708.07120).",
    )
    warmup: Annotated[int, Field(ge=0, le=10**9)] = Field(
        0, description="Steps over which the learning rate rises from 0."
    )
    clip: Positive | None = Field(None, description="Largest norm of the gradient; longer ones are shortened to it.")
    average: real(ge=0, lt=1) = Field(
        0.0, description="Keep a running mean of the weights, of which each step replaces 1 - `average`, and use it."
    )
    initialisation: Literal["glorot", "he", "torch"] = Field(
        "glorot",
        description="`glorot`, `he`: uniform weights, zero biases; `torch`: the layers' own defaults.",
    )
    batch: Count = Field(50, description="Entries in one step.")
    epochs: Annotated[int, Field(ge=1, le=10**6)] = Field(
        30, description="Largest number of passes over the training split."
    )
    steps: Count | None = Field(
        None,
        description="Train for so many steps of the optimiser, in place of `epochs`; the last epoch may be a part.",
    )
    patience: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        2,
        description="Stop after so many epochs without a better validation loss, of which the best count (null: "
        "train to the end; the last weights count and no validation split is needed).",
    )
    max_train: Count | None = Field(
        None,
        description="Use only so many training entries (null: all), drawn by event id and seed: smaller choices of a "
        "seed lie within its larger ones, another seed draws others.",
    )
    fresh: Fresh | None = Field(
        None, description="Train on newly generated entries instead of the training split (null: on the split)."
    )
    augment: Augmentation | None = Field(
        None,
        description="Change jets at random while training (null: never). Networks of images then train on images made "
        "of the changed constituents in every step, by the steps of their representation.",
    )
    normalise: Literal["none", "residual", "standard", "columns", "principal"] = Field(
        "none",
        description="Fitted on the training split, kept with the weights: `residual` subtracts the mean entry and "
        "divides by the largest absolute residual; `standard` subtracts the mean and divides by the standard deviation "
        "of all values; `columns` does so with every value of an entry for itself, as observables need; `principal` "
        "takes the leading `components` of a principal-component analysis, each with variance 1.",
    )
    components: Size = Field(4, description="Components of `normalise: principal`.")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="`bfloat16` computes the network, not its weights, in 16 bits; faster where supported."
    )
    compile: bool = Field(
        False,
        description="Translate the network's `forward` by torch.compile, which takes about a minute at the start; on a "
        "CPU it needs a C++ compiler. Part of the experiment, because sums in another order round differently.",
    )
    tensorboard: bool = Field(
        False,
        description="Write the history for TensorBoard as well, to a folder `tensorboard` beside the model; needs the "
        "package tensorboard. No result depends on it: a training that is done is not repeated for it.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="Where to compute: `auto` takes a GPU if there is one (in a SLURM job, if it was given one), "
        "`cuda` insists on it.",
    )
    resident: Literal["auto", "device", "host", "disk"] = Field(
        "auto",
        description="Where the entries wait for their turn; results do not depend on it. `device` keeps all of them "
        "where the network is, `host` in memory, `disk` in a scratch file in $TMPDIR; `auto` takes the first with "
        "room. On a CPU `device` and `host` are the same.",
    )
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="torch's CPU threads; part of the experiment, because sums in another order round differently.",
    )
    processes: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="Processes that train together, each with `threads` threads or with a GPU of its own, on parts of "
        "every batch; part of the experiment, because sums in another order round differently and every process draws "
        "its own random numbers.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Training":
        if self.fresh and self.max_train:
            msg = "max_train limits the training split, which `fresh` does not use; remove one of them"
            raise ValueError(msg)
        if self.processes > self.batch:
            msg = f"{self.processes} processes cannot share a batch of {self.batch}; raise batch or lower processes"
            raise ValueError(msg)
        return self
