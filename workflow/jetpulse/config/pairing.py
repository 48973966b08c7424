"""Which networks read which form of jets or of a problem's entries, and what a training must then be told or not."""

from jetpulse.config.models import Analysis, Experiment
from jetpulse.config.networks import fits_itself, model_input

# The kinds of representations that networks read, by what they say of their input; `samples` are constituents.
READS = {
    "constituents": ("samples",),
    "images": ("jet-image",),
    "observables": ("jet-observables",),
    "arrays": ("jet-image", "jet-observables"),
}
# Settings of a training that a network heeds which makes no steps of an optimiser.
FITTING = ("device", "max_train", "normalise", "patience", "resident", "tensorboard", "threads")
# What a problem's entries must have as answers for a task; classes are numbers, too.
ANSWERS = {"classification": ("classes",), "regression": ("number", "classes"), "control": ("episodes",)}


def check_jets(analysis: Analysis, experiment: Experiment) -> list[str]:
    """Return a line for every mistake in how a network of an experiment on jets sees them and is trained on them."""
    name, representation, training = experiment.model.name, experiment.representation, experiment.training
    reads = model_input(name)
    kinds = {"samples": "samples"} | {key: value.kind for key, value in analysis.representations.items()}
    kind = kinds[representation]
    if kind not in READS[reads]:
        what = "images or observables" if reads == "arrays" else reads
        known = ", ".join(key for key, value in kinds.items() if value in READS[reads]) or "none"
        right = f"one of `representations` of kind {' or '.join(READS[reads])}, which are {known}"
        right = "'samples'" if reads == "constituents" else right
        return [f"representation: {representation!r} does not suit {name}, which reads {what}; choose {right}"]
    lines = []
    if kind != "jet-observables" and training.normalise != "none":
        lines.append(
            "training.normalise: jets are normalised by steps of an image or by their network; set it to 'none'"
        )
    if kind == "jet-observables" and training.augment:
        lines.append("training.augment: changes constituents, and observables are not made anew; remove it")
    if kind != "samples" and experiment.views > 1:
        lines.append(f"views: are of constituents, {name} reads {representation!r}; remove it")
    allowed = ("columns", "none") if fits_itself(name) else ("columns",)
    if kind == "jet-observables" and training.normalise not in allowed:
        lines.append(
            f"training.normalise: {training.normalise!r} leaves observables of unequal size; set it to 'columns'"
        )
    return lines + check_fitting(experiment)


def check_fitting(experiment: Experiment) -> list[str]:
    """Return a line for every setting of a training that a network does not heed which makes no steps of an optimiser.

    Defaults that are given do no harm, as in a training that several experiments share.
    """
    name, training = experiment.model.name, experiment.training
    if not fits_itself(name):
        return []
    given = (key for key in type(training).model_fields if key in training.model_fields_set and key not in FITTING)
    return [
        f"training.{key}: means nothing to {name}, which makes no steps of an optimiser; remove it"
        for key in given
        if getattr(training, key) != type(training).model_fields[key].default
    ]


def check_problems(analysis: Analysis, experiment: Experiment) -> list[str]:
    """Return a line for every mistake in how a network sees the entries of a small problem and what it learns."""
    name, dataset = experiment.model.name, analysis.datasets[experiment.dataset]
    kinds = {"samples": "samples"} | {key: value.kind for key, value in analysis.representations.items()}
    kind, lines = kinds[experiment.representation], []
    if kind not in ("samples", "columns"):
        known = ", ".join(key for key, value in kinds.items() if value in ("samples", "columns"))
        lines.append(
            f"representation: {experiment.representation!r} is made of jets, of which {experiment.dataset!r} has none; "
            f"choose one of {known}"
        )
    reads = model_input(name)
    if reads == "constituents":
        lines.append(f"model: {name} reads constituents of jets, of which {experiment.dataset!r} has none")
    source = dataset.source
    if reads == "images" and source.digits is None and not source.paths() and source.download is None:
        lines.append(f"model: {name} reads pictures, of which {experiment.dataset!r} has none")
    if kind == "columns" and (source.digits is not None or dataset.answers == "episodes"):
        lines.append(f"representation: {experiment.dataset!r} has no columns; choose 'samples'")
    for key, other in [("dataset", experiment.dataset), *(("test_on", d) for d in experiment.test_on)]:
        answers = analysis.datasets[other].answers
        if answers not in ANSWERS[experiment.task]:
            right = " or ".join(ANSWERS[experiment.task])
            lines.append(f"{key}: {other!r} has {answers} to be learned, task {experiment.task!r} needs {right}")
    if experiment.task == "control" and experiment.training.normalise != "none":
        lines.append("training.normalise: entries are rates that no trigger sees; set it to 'none'")
    return lines + check_fitting(experiment)
