"""Typed models of the configuration: every key, its type, range, default and meaning.

The JSON schema for editors, ``config/defaults.yaml`` and ``config/README.md`` are generated from these
descriptions (``jetpulse document-config``).
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from jetpulse.config.jets import JetDataset, JetImage
from jetpulse.config.networks import check_model, model_tasks, networks_for
from jetpulse.config.observables import JetObservables
from jetpulse.config.problems import Columns, ProblemDataset
from jetpulse.config.pulses import PulseDataset
from jetpulse.config.scans import Scan, Search, SearchSettings
from jetpulse.config.scores import ScoresOrFiles
from jetpulse.config.spectra import SpectrumDataset
from jetpulse.config.training import Training
from jetpulse.config.types import Fraction, Name, Section, Seeds, Task, real

# What can be learned from which kinds of dataset.
TASKS = {
    "classification": ("jets", "problems"),
    "localisation": ("pulses",),
    "reconstruction": ("spectra",),
    "variational": ("spectra",),
    "adversarial": ("spectra",),
    "regression": ("problems",),
    "control": ("problems",),
}
Dataset = Annotated[JetDataset | PulseDataset | SpectrumDataset | ProblemDataset, Field(discriminator="kind")]
Representation = Annotated[JetImage | JetObservables | Columns, Field(discriminator="kind")]


class Model(BaseModel):
    """A network by name; further keys are its arguments (see `jetpulse list-models`)."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: str = Field(description="A network of workflow/jetpulse/models: its file's name with dashes.")

    @model_validator(mode="after")
    def _checked(self) -> "Model":
        self.arguments()
        return self

    def arguments(self, task: str | None = None) -> dict[str, Any]:
        """Return all arguments of the network, defaults filled in; those that a task does not allow are an error."""
        return check_model(self.name, self.model_extra or {}, task)


class Reference(Section):
    """A published or expected result, shown beside this experiment's own."""

    def metrics(self) -> dict[str, float]:
        """Return the numbers that are given, by metric."""
        return self.model_dump(exclude={"sample", "split", "training_size", "source"}, exclude_none=True)

    def origin(self) -> dict[str, str]:
        """Return what the numbers belong to and where they are from, empty texts for what is not known."""
        size = "" if self.training_size is None else str(self.training_size)
        return {"sample": self.sample or "", "split": self.split or "", "training_size": size, "source": self.source}

    accuracy: Fraction | None = Field(None, description="Fraction of right answers.")
    auc: Fraction | None = Field(None, description="Area under the ROC curve.")
    average_precision: Fraction | None = Field(None, description="Area under precision against recall.")
    rmse: real(ge=0) | None = Field(
        None, description="Root mean square error, of the mean bin or of the number that was learned."
    )
    mae: real(ge=0) | None = Field(None, description="Mean absolute error of the number that was learned.")
    log_loss: real(ge=0) | None = Field(None, description="Mean negative logarithm of the true answer's probability.")
    sample: str | None = Field(
        None, description="Data that the numbers belong to, where they are not those of the experiment's `dataset`."
    )
    split: str | None = Field(None, description="Split that the numbers belong to, and how large it is if known.")
    training_size: Annotated[int, Field(ge=1, le=10**15)] | str | None = Field(
        None, description="Examples that were learned from: a number, or a text where there is more to say."
    )
    source: str = Field(description="Where the numbers come from.")


# Keys that mean nothing for someone else's scores, and why.
NOT_WITH_SCORES = {
    "representation": "the scores have been made, no network sees the dataset",
    "training": "the scores have been made, nothing is trained",
    "seeds": "there is one result for each file, numbered from 1",
    "views": "no network sees the dataset",
    "licence": "no weights are released",
    "test_on": "the scores belong to the test split of `dataset`; write an experiment for those on another",
}


class Experiment(Section):
    """A dataset, seen through a representation, learned by a model for a task, over several seeds; or scores of it."""

    task: Task = Field(
        "classification",
        description="What is learned and how it is judged: `classification` of jets or a problem's entries; "
        "`localisation` of the coincident pulse in waveforms; of spectra `reconstruction` (autoencoder), `variational` "
        "(variational autoencoder) and `adversarial` (generator against discriminator); of a problem's entries "
        "`regression` of a number; `control` of a trigger in episodes of a stream.",
    )
    dataset: Name = Field(description="A key of `datasets`.")
    representation: Name = Field(
        "samples", description="A key of `representations`, or `samples`: waveforms, spectra and problems as they are."
    )
    model: Model | None = Field(None, description="The network and its arguments; this or `scores` is required.")
    scores: ScoresOrFiles | None = Field(
        None,
        description="In place of `model`: files of labels and scores that someone else's classifier gave to the "
        "dataset's test split, evaluated and compared like our own. Without training, seeds, representation, test_on.",
    )
    training: Training = Field(Training(), description="How it is trained.")
    seeds: Seeds = Field([1, 2, 3], description="One training for each; results are medians, their spread is shown.")
    test_on: list[Name] = Field([], description="Further datasets whose test split is evaluated too.")
    views: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="A prediction is the mean over so many views of a jet, turned about its centroid by equal angles, "
        "every second one mirrored: a bit better, for as many passes. 1 or even; only for networks on constituents.",
    )
    licence: str | None = Field(
        None,
        description="Licence of the released weights. Without it that of the data that were downloaded; BSD-3-Clause "
        "for what was simulated or generated here; `not stated` for your own files.",
    )
    method: str | None = Field(None, description="What is done, in a line or two; for the report's page of problems.")
    reference: Reference | None = Field(None, description="A result to stand beside this one in the summary.")

    @model_validator(mode="after")
    def _able(self) -> "Experiment":
        if self.model is None and self.scores is None:
            msg = "model is required and missing (or scores in its place)"
            raise ValueError(msg)
        if self.model is not None and self.scores is not None:
            msg = "has model and scores, needs exactly one of them; remove the other"
            raise ValueError(msg)
        if self.model is not None and self.task not in model_tasks(self.model.name):
            able = ", ".join(networks_for(self.task))
            msg = f"model: {self.model.name!r} does not learn {self.task}; networks that do: {able}"
            raise ValueError(msg)
        if self.model is not None:
            self.model.arguments(self.task)
        return self

    @model_serializer(mode="wrap")
    def _applicable(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what must not be given, so that what is written can be read again."""
        unused = ("scores",) if self.scores is None else ("model", *NOT_WITH_SCORES)
        return {key: value for key, value in handler(self).items() if key not in unused}

    def numbers(self) -> list[int]:
        """Return the number of every result, as in ``seed1``: the seeds, or 1, 2, ... for files of scores."""
        return self.seeds if self.scores is None else list(range(1, len(self.scores.files) + 1))

    @field_validator("views")
    @classmethod
    def _group(cls, views: int) -> int:
        if views > 1 and views % 2:
            msg = f"{views} is odd; turns and mirrors form a group of 1 view or of an even number"
            raise ValueError(msg)
        return views

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            msg = f"seeds {seeds} are not all different"
            raise ValueError(msg)
        return seeds


class Analysis(Section):
    """The whole configuration."""

    datasets: dict[Name, Dataset] = Field(description="Samples, by name.")
    representations: dict[Name, Representation] = Field({}, description="How samples are shown to a network, by name.")
    experiments: dict[Name, Experiment] = Field(description="What is trained and compared, by name.")
    scans: dict[Name, Scan] = Field({}, description="What is varied, by name.")
    searches: dict[Name, Search] = Field({}, description="What is tuned, by name.")


class Experiments(RootModel[dict[Name, Experiment]]):
    """Experiments by name, as ``jetpulse compare`` takes them."""


class Represented(RootModel[Representation]):
    """A representation, as files and models say how they were made."""


class SearchPlan(SearchSettings):
    """A search with the definition of what is tuned, as ``jetpulse search`` takes it."""

    name: Name = Field("best", description="What the experiment with the best settings is called.")
    experiment: Experiment = Field(description="What is tuned.")
