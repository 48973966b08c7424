"""Which networks read which form of jets, and what a training must then be told or must not."""

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
    allowed = ("columns", "none") if fits_itself(name) else ("columns",)
    if kind == "jet-observables" and training.normalise not in allowed:
        lines.append(
            f"training.normalise: {training.normalise!r} leaves observables of unequal size; set it to 'columns'"
        )
    if fits_itself(name):
        # Defaults that are given do no harm, as in a training that several experiments share.
        given = (key for key in type(training).model_fields if key in training.model_fields_set and key not in FITTING)
        lines += [
            f"training.{key}: means nothing to {name}, which makes no steps of an optimiser; remove it"
            for key in given
            if getattr(training, key) != type(training).model_fields[key].default
        ]
    return lines
