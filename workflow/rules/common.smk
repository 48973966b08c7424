"""The checked configuration, and the few functions that turn it into paths and parameters."""

import json

from snakemake.exceptions import WorkflowError

try:
    from jetpulse.cli import code_roots
    from jetpulse.codehash import code_hash
    from jetpulse.config import check_files, expand_path, parse_config, read_yaml
    from jetpulse.errors import UserError
except ModuleNotFoundError as error:
    raise WorkflowError(f"{error}; run `make install`, then `. .venv/bin/activate`") from None

config_name = ", ".join(map(str, workflow.configfiles)) or "--config"
try:
    # Snakemake has read the files already, but lets a key that is given twice pass.
    for file in workflow.configfiles:
        read_yaml(file)
    analysis = parse_config(config, config_name)
    check_files(analysis, config_name)
except UserError as error:
    raise WorkflowError(str(error)) from None


# Only what the config names can be made: for any other path there is no rule.
wildcard_constraints:
    dataset="|".join(analysis.datasets) or "none",
    representation="|".join(analysis.representations) or "none",
    experiment="|".join(analysis.experiments) or "none",
    process="qcd|top",
    block=r"\d+",
    seed=r"\d+",


def code_of(verb, *modules):
    """Hash the package code that a verb uses, with modules that it loads by name."""
    return code_hash(code_roots(verb), *modules)


def network_of(wildcards):
    """Name the module of an experiment's network."""
    name = analysis.experiments[wildcards.experiment].model.name
    return f"models.{name.replace('-', '_')}"


def spec_of(section, *parts):
    """Return a section of the config, defaults filled in, as one JSON value (params are compared as a set)."""
    value = section.model_dump(include=set(parts) or None)
    return json.dumps(value, sort_keys=True)


def dataset_spec(wildcards):
    """Return a dataset's definition without what only figures use."""
    return spec_of(analysis.datasets[wildcards.dataset], "kind", "source", "split")


def simulation_spec(wildcards):
    """Return the settings of a simulated dataset."""
    return spec_of(analysis.datasets[wildcards.dataset].source.simulation)


def representation_spec(wildcards):
    """Return a representation's definition."""
    return spec_of(analysis.representations[wildcards.representation])


def training_spec(wildcards):
    """Return the part of an experiment that decides its weights."""
    experiment = analysis.experiments[wildcards.experiment]
    return spec_of(experiment, "task", "dataset", "representation", "model", "training")


def sources_of(wildcards):
    """Return what a dataset's samples are made from: simulated blocks or the user's files."""
    source = analysis.datasets[wildcards.dataset].source
    if source.simulation is None:
        return [expand_path(name, wildcards.dataset) for name in source.files.all()]
    blocks = range(-(-source.simulation.jets_per_class // source.simulation.block))
    return expand(
        "data/{{dataset}}/raw/{process}-{block}.h5",
        process=["qcd", "top"],
        block=blocks,
    )


def tested_on(experiment):
    """Return all datasets that an experiment is tested on, its own first."""
    return [experiment.dataset, *experiment.test_on]


def inputs_of(wildcards):
    """Return the representation that an experiment is trained on."""
    experiment = analysis.experiments[wildcards.experiment]
    return f"data/{experiment.dataset}/{experiment.representation}.h5"


def test_inputs_of(wildcards):
    """Return the representations that an experiment is tested on."""
    experiment = analysis.experiments[wildcards.experiment]
    return [f"data/{dataset}/{experiment.representation}.h5" for dataset in tested_on(experiment)]


def training_environment(wildcards):
    """Return the conda environment of an experiment's training."""
    device = analysis.experiments[wildcards.experiment].training.device
    return f"../../envs/{'gpu' if device == 'cuda' else 'cpu'}.yaml"


def per_seed(name):
    """Return a function that lists one file of every seed of an experiment."""

    def files(wildcards):
        seeds = analysis.experiments[wildcards.experiment].seeds
        return [f"results/{wildcards.experiment}/seed{seed}/{name}" for seed in seeds]

    return files


def comparable(wildcards):
    """Return the names of the experiments that are tested on a dataset."""
    return [name for name, experiment in analysis.experiments.items() if wildcards.dataset in tested_on(experiment)]


def experiments_of_kind(kind):
    """Return the experiments whose dataset is of a kind."""
    chosen = analysis.experiments.items()
    return {name: value for name, value in chosen if analysis.datasets[value.dataset].kind == kind}


def results_of(experiments):
    """Return every final result of these experiments."""
    wanted = ["results/summary.csv", "results/transfers.csv"]
    for name, experiment in experiments.items():
        figures = ("training", "roc", "rejection", "scores", "reliability")
        wanted += [
            f"results/{name}/metrics.json",
            *(f"results/{name}/figures/{figure}.svg" for figure in figures),
        ]
        for dataset in tested_on(experiment):
            wanted.append(f"results/comparison/{dataset}/table.html")
            wanted.append(f"results/datasets/{dataset}/{experiment.representation}/average.svg")
    return list(dict.fromkeys(wanted))
