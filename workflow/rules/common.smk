"""The checked configuration, and which of its names are of which kind, task and network."""

import re
import shlex
import sys

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

try:
    from jetpulse.cli import code_roots
    from jetpulse.codehash import code_hash
    from jetpulse.config import add_sections, expand_path, expand_scans, parse_config, read_yaml
    from jetpulse.config.networks import fits_itself
    from jetpulse.config.command_line import with_types
    from jetpulse.config.params import param_of
    from jetpulse.errors import UserError
    from jetpulse.fetch.datasets import check_outside, resolve_downloads
    from jetpulse.fetch.references import published_on
    from jetpulse.fetch.sources import FOLDER, known_sources
    from jetpulse.resources import resource
except ModuleNotFoundError as error:
    if error.name.partition(".")[0] != "jetpulse":
        raise
    raise WorkflowError(
        f"{sys.executable}, which runs Snakemake, has no package jetpulse: run `make install`, then "
        "`.venv/bin/snakemake ...`, or install the package beside the Snakemake that you want to use"
    ) from None

config_name = ", ".join(map(str, workflow.configfiles)) or "--config"
try:
    # Snakemake has read the files already, but lets a key that is given twice pass.
    for file in workflow.configfiles:
        read_yaml(file)
    # The points of scans are experiments like any other, but only their scan is drawn.
    given = with_types(config, workflow.config_settings.config_args)
    analysis = parse_config(given, config_name)
    asked, named_datasets = list(analysis.experiments), list(analysis.datasets)
    named = asked
    analysis, scans = expand_scans(analysis, config_name)
    compared = analysis.experiments
    own_problems = any(dataset.kind == "problems" for dataset in analysis.datasets.values())
    for file in [] if own_problems else ON_REQUEST:
        analysis = parse_config(add_sections(given, read_yaml(file), f"{config_name} and {file}"), file)
        named = list(analysis.experiments)
        analysis, scans = expand_scans(analysis, file)
    sources = known_sources()
    check_outside(analysis, sources, config_name)
    # From here on a download is an ordinary file, which the rule `fetch` makes.
    analysis = resolve_downloads(analysis, sources, config_name)
except UserError as error:
    raise WorkflowError(str(error)) from None


def start_of_commands():
    """Return what the shell around every rule's command does first.

    A cluster signals to all processes of a job that its time is nearly over. The shell waits for the command's end, so
    that a training can keep its state first. What `jetpulse` is, is said in the file: the command of the Python that
    runs Snakemake, be it on the PATH or not, or of the rule's own environment; inside a container, which may not have
    the file, it is on the PATH.
    """
    settings = workflow.deployment_settings
    own = {DeploymentMethod.CONDA, DeploymentMethod.APPTAINER} & set(settings.deployment_method if settings else ())
    file, python = shlex.quote(str(resource("jetpulse.sh"))), "" if own else shlex.quote(sys.executable)
    return f"set -euo pipefail; trap : TERM USR1; if [ -r {file} ]; then . {file} {python}; fi; "


# Braces would be taken for values of Snakemake's.
shell.prefix(start_of_commands().replace("{", "{{").replace("}", "}}"))


# Only what the config names can be made: for any other path there is no rule.
wildcard_constraints:
    dataset="|".join(analysis.datasets) or "none",
    representation="|".join(analysis.representations) or "none",
    experiment="|".join(analysis.experiments) or "none",
    scan="|".join(scans) or "none",
    search="|".join(analysis.searches) or "none",
    process="qcd|top",
    block=r"\d+",
    seed=r"\d+",


def code_of(verb, *modules):
    """Hash the package code that a verb uses, with modules that it loads by name."""
    return code_hash(code_roots(verb), *modules)


def one_of(names):
    """Return a regular expression that matches these names and nothing else."""
    return "|".join(names) or "none"


def datasets_of_kind(kind):
    """Return the names of the datasets of a kind."""
    return [name for name, dataset in analysis.datasets.items() if dataset.kind == kind]


def representations_of_kind(kind):
    """Return the names of the representations of a kind."""
    return [name for name, representation in analysis.representations.items() if representation.kind == kind]


def experiments_of(kind=None, task=None):
    """Return the experiments on a kind of dataset, of a task, or both."""
    return {
        name: value
        for name, value in analysis.experiments.items()
        if kind in (None, name_kind(value)) and task in (None, value.task)
    }


def datasets_of_task(task, kind=None):
    """Return the names of the datasets that experiments of a task, on a kind of dataset, are tested on."""
    return list(dict.fromkeys(name for value in experiments_of(kind, task).values() for name in tested_on(value)))


def name_kind(experiment):
    """Return the kind of an experiment's dataset."""
    return analysis.datasets[experiment.dataset].kind


def with_model():
    """Return the names of the experiments that train a network; the others have scores from elsewhere."""
    return [name for name, value in analysis.experiments.items() if value.model is not None]


def with_scores():
    """Return the names of the experiments whose scores come from elsewhere."""
    return [name for name, value in analysis.experiments.items() if value.scores is not None]


def with_calibration():
    """Return the names of the config's networks that classify jets and have a validation split to be calibrated on."""
    return [
        name
        for name, value in experiments_of("jets", "classification").items()
        if name in named and value.model is not None and analysis.datasets[value.dataset].has("val")
    ]


def with_saliency():
    """Return the names of the experiments whose networks have gradients at images or constituents of jets."""
    return [
        name
        for name, value in experiments_of("jets", "classification").items()
        if value.model is not None and not fits_itself(value.model.name) and has_gradient(value.representation)
    ]


def has_gradient(representation):
    """Return whether a figure shows the gradient at jets that are seen through a representation."""
    return representation == "samples" or analysis.representations[representation].kind == "jet-image"
