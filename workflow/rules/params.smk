"""What rules take: inputs, parameters and hashes of code, as functions of wildcards."""

from jetpulse.codespecs import spec_for
from jetpulse.config.training import PLACEMENT
from jetpulse.contents import Contents

# Outside of the results: it says what was read, not what is.
contents = Contents(Path(".jetpulse/contents.json"), logger.info)
# What makes the samples of a kind, and its representations.
BUILDS = {
    "jets": "build-jet-samples",
    "pulses": "build-pulse-samples",
    "spectra": "build-spectra",
    "problems": "build-problems",
    "jet-image": "build-jet-images",
    "jet-observables": "build-jet-observables",
    "columns": "build-columns",
}


def samples_code(wildcards):
    """Hash the code that collects a dataset's samples, with what is loaded by name."""
    return code_of(BUILDS[analysis.datasets[wildcards.dataset].kind], *samples_modules(wildcards))


def samples_modules(wildcards):
    """Return the modules that collecting a dataset's samples loads by name: a reader of jets, or a problem's source."""
    dataset = analysis.datasets[wildcards.dataset]
    if dataset.kind == "jets" and not dataset.source.simulation:
        return [f"jets.readers.{dataset.source.format.replace('-', '_')}"]
    return [f"problems.{dataset.source.module}"] if dataset.kind == "problems" else []


def training_code(wildcards, verb):
    """Hash the code of a training or prediction with the network, objective and generator that it loads by name."""
    return code_of(verb, *training_modules(wildcards, verb))


def training_modules(wildcards, verb):
    """Return the modules that a training or prediction loads by name."""
    experiment = trained_experiment(wildcards)
    modules = [f"models.{experiment.model.name.replace('-', '_')}", f"training.objectives.{experiment.task}"]
    if experiment.training.fresh and verb != "predict":
        modules += ["training.fresh", f"{name_kind(experiment)}.fresh"]
    if experiment.training.augment and verb in ("train", "search"):
        modules.append("training.augmentation")
    if experiment.views > 1 and verb in ("predict", "calibrate"):
        modules.append("training.views")
    if fits_itself(experiment.model.name) and verb != "predict":
        modules.append("training.fitting")
    if experiment.model.name == "estimator" and verb == "search":
        modules.append("config.estimators")  # which checks and completes the parameters of every trial
    return modules


def spec_of(verb, section, *parts, modules=()):
    """Return what a verb asks a section of the config for, as one JSON value (params are compared as a set)."""
    roots = (code_roots(verb), *modules)
    return param_of(spec_for(roots, section, include=set(parts) or None))


def specs_of(verb, experiments, *parts, modules=()):
    """Return the same of experiments by name."""
    roots = (code_roots(verb), *modules)
    specs = {name: spec_for(roots, value, include=set(parts)) for name, value in experiments.items()}
    return param_of(specs)


def dataset_spec(wildcards):
    """Return a dataset's definition without what only figures use."""
    dataset = analysis.datasets[wildcards.dataset]
    return spec_of(BUILDS[dataset.kind], dataset, "kind", "source", "split", modules=samples_modules(wildcards))


def simulation_spec(wildcards):
    """Return the settings of a simulated dataset."""
    return spec_of("simulate-jets", analysis.datasets[wildcards.dataset].source.simulation)


def representation_spec(wildcards):
    """Return a representation's definition."""
    representation = analysis.representations[wildcards.representation]
    return spec_of(BUILDS[representation.kind], representation)


def training_spec(wildcards):
    """Return the part of an experiment that decides its weights, with all arguments of its network."""
    value = trained_part(wildcards, "train")
    model = analysis.experiments[wildcards.experiment].model
    return param_of(value | {"model": {"name": model.name, **model.arguments()}})


def trained_part(wildcards, verb):
    """Return what decides an experiment's weights: neither where entries wait nor what is written beside them does."""
    parts = {"task", "dataset", "representation", "model", "training"}
    roots = (code_roots(verb), *training_modules(wildcards, verb))
    return spec_for(roots, trained_experiment(wildcards), include=parts, exclude={"training": set(PLACEMENT)})


def placement_options(wildcards, output):
    """Return the options of a training that decide no result (as it takes `output`, Snakemake does not compare it)."""
    training = trained_experiment(wildcards).training
    return ["--resident", training.resident, *(["--tensorboard"] if training.tensorboard else [])]


def trained_experiment(wildcards):
    """Return the experiment that is trained, be it for a search."""
    return analysis.experiments[wildcards.experiment] if hasattr(wildcards, "experiment") else searched(wildcards)


def files_of(wildcards):
    """Return the user's files that a dataset is read from."""
    files = [expand_path(name, wildcards.dataset) for name in analysis.datasets[wildcards.dataset].source.paths()]
    return [by_content(file) for file in files]


def by_content(file):
    """Return a file that no rule makes so that its time does not count; its content does, as a parameter."""
    return ancient(file) if is_own(file) else file


def is_own(file):
    """Return whether a file is the user's, not a download or anything else that a rule makes."""
    place = Path(os.path.relpath(file)).parts
    made = place[:1] == ("results",) or (place[:1] == ("data",) and place[1:2] and place[1] in analysis.datasets)
    return not made and str(file).removeprefix(f"{FOLDER}/") not in sources


def content_of(files):
    """Return a hash of the content of the user's files among these."""
    try:
        return contents.of([file for file in files if is_own(file)])
    except UserError as error:
        raise WorkflowError(str(error)) from None


def files_content(wildcards):
    """Return a hash of the content of the user's files that a dataset is read from."""
    return content_of(files_of(wildcards))


def scores_content(wildcards):
    """Return a hash of the content of a file of scores."""
    return content_of([scores_of(wildcards)])


def source_spec(wildcards):
    """Return what decides the bytes of a download, as one JSON value; texts about it and mirrors do not."""
    source = sources[wildcards.download]
    return param_of([source.version, source.url, source.bytes, source.checksum, source.member])


def source_about(wildcards, output):
    """Return size, licence and address of a download (as it takes `output`, Snakemake does not compare it)."""
    return sources[wildcards.download].about


def jets_of(wildcards):
    """Return what a dataset's jets are collected from: simulated blocks or the user's files."""
    simulation = analysis.datasets[wildcards.dataset].source.simulation
    if simulation is None:
        return files_of(wildcards)
    blocks = range(-(-simulation.jets_per_class // simulation.block))
    return expand("data/{{dataset}}/raw/{process}-{block}.h5", process=["qcd", "top"], block=blocks)


def tested_on(experiment):
    """Return all datasets that an experiment is tested on, its own first."""
    return [experiment.dataset, *experiment.test_on]


def inputs_of(wildcards):
    """Return the representation that an experiment is trained on."""
    experiment = analysis.experiments[wildcards.experiment]
    return f"data/{experiment.dataset}/{experiment.representation}.h5"


def constituents_of(wildcards):
    """Return the samples of which an experiment's images are made while training, if it changes jets at random."""
    experiment = analysis.experiments[wildcards.experiment]
    augmented = experiment.training.augment and experiment.representation != "samples"
    return [f"data/{experiment.dataset}/samples.h5"] if augmented else []


def constituents_options(wildcards, input):
    """Return the option that names the samples of which images are made while training."""
    return ["--constituents", *input.constituents] if input.constituents else []


def views_options(wildcards):
    """Return the option that says over how many views of a jet a prediction is the mean."""
    views = analysis.experiments[wildcards.experiment].views
    return ["--views", views] if views > 1 else []


def test_inputs_of(wildcards):
    """Return the representations that an experiment is tested on."""
    experiment = analysis.experiments[wildcards.experiment]
    return [f"data/{dataset}/{experiment.representation}.h5" for dataset in tested_on(experiment)]


def unseen_of(wildcards):
    """Return the samples of all datasets that an experiment is tested on, its own first; none if that is the only one.

    Nothing that is tested on may have been trained on.
    """
    tested = tested_on(analysis.experiments[wildcards.experiment])
    return [f"data/{dataset}/samples.h5" for dataset in tested] if len(tested) > 1 else []


def scores_of(wildcards):
    """Return the file of scores that stands for one training of an experiment; they are numbered from 1."""
    files = dict(enumerate(analysis.experiments[wildcards.experiment].scores.files, 1))
    return by_content(expand_path(files[int(wildcards.seed)], wildcards.experiment))


def scores_spec(wildcards):
    """Return where the files of scores have what."""
    scores = analysis.experiments[wildcards.experiment].scores
    return spec_of("import-scores", scores, "label", "score", "event", "meaning")


def samples_of(wildcards):
    """Return the samples that a task's measures and figures need beside the predictions; jets carry their labels."""
    experiment = analysis.experiments[wildcards.experiment]
    if name_kind(experiment) == "jets":
        return []
    return [f"data/{dataset}/samples.h5" for dataset in tested_on(experiment)]


def samples_options(wildcards, input):
    """Return the option that names the samples of the datasets that an experiment is tested on, if they are needed."""
    names = tested_on(analysis.experiments[wildcards.experiment])
    return ["--samples", *named_files(names, input.samples)] if input.samples else []


def training_threads(wildcards):
    """Return the CPU threads of an experiment's training, those of all its processes."""
    training = analysis.experiments[wildcards.experiment].training
    return training.threads * training.processes


def training_gpus(wildcards):
    """Return the GPUs that an experiment's training asks a cluster for: one per process if its config insists on it."""
    training = analysis.experiments[wildcards.experiment].training
    return training.processes if training.device == "cuda" else 0


def training_environment(wildcards):
    """Return the conda environment of an experiment's training."""
    device = analysis.experiments[wildcards.experiment].training.device
    return f"../../envs/{'gpu' if device == 'cuda' else 'cpu'}.yaml"


def per_seed(name):
    """Return a function that lists one file of every seed of an experiment."""

    def files(wildcards):
        seeds = analysis.experiments[wildcards.experiment].numbers()
        return [f"results/{wildcards.experiment}/seed{seed}/{name}" for seed in seeds]

    return files


def models_of(name):
    """Return a function that lists one file of every trained model of an experiment: none if it has scores."""
    files = per_seed(name)
    return lambda wildcards: files(wildcards) if wildcards.experiment in with_model() else []


def calibration_of(wildcards):
    """Return the calibration of one training if its experiment has such."""
    if wildcards.experiment not in with_calibration():
        return []
    return [f"results/{wildcards.experiment}/seed{wildcards.seed}/calibration.json"]


def calibrations_of(wildcards):
    """Return the calibration of every training of an experiment if it has such."""
    return per_seed("calibration.json")(wildcards) if wildcards.experiment in with_calibration() else []


def evaluation_code(wildcards):
    """Hash the code that measures an experiment's predictions, with what it loads by name."""
    modules = [f"evaluation.{analysis.experiments[wildcards.experiment].task}"]
    if wildcards.experiment in experiments_of("problems", "classification"):
        modules.append("evaluation.classes")
    if wildcards.experiment in with_calibration():
        modules.append("evaluation.calibration:measure_calibrated")
    return code_of("evaluate", *modules)


def ensemble_of(wildcards):
    """Return the predictions whose mean is measured: those of a classifier with several seeds, or none."""
    experiment = analysis.experiments[wildcards.experiment]
    several = wildcards.experiment in experiments_of("jets", "classification") and len(experiment.numbers()) > 1
    return per_seed("predictions.h5")(wildcards) if several else []


def comparable(wildcards):
    """Return the names of the config's experiments that are tested on a dataset."""
    return [name for name in named if wildcards.dataset in tested_on(analysis.experiments[name])]


def predictions_on(wildcards):
    """Return the predictions of every seed of the experiments that are tested on a dataset."""
    return [
        f"results/{name}/seed{seed}/predictions.h5"
        for name in comparable(wildcards)
        for seed in analysis.experiments[name].numbers()
    ]


def named_predictions_on(wildcards, input):
    """Return the predictions on a dataset as EXPERIMENT=FILE."""
    names = [name for name in comparable(wildcards) for _ in analysis.experiments[name].numbers()]
    return named_files(names, input.predictions)


def named_files(names, files):
    """Return files as NAME=FILE; their own folders say nothing, as a host of the workflow may put others before them."""
    return [f"{name}={file}" for name, file in zip(names, files, strict=True)]


def compared_spec():
    """Return what the summary shows of all experiments, as one JSON value."""
    shown = ("task", "dataset", "representation", "model", "scores", "reference")
    return specs_of("compare", compared, *shown, modules=columns_of(compared))


def columns_of(names):
    """Return what experiments measure, by task, which is loaded by name."""
    return sorted({f"evaluation.{analysis.experiments[name].task}:COLUMNS" for name in names})


# Modules of measures that compare experiments entry by entry, see jetpulse.evaluation.paired.
COMPARED_BY_ENTRY = {"classes", "classification", "localisation", "regression"}


def shares_of(names):
    """Return what compares these experiments entry by entry, which a command's code loads by name."""
    problems = {name for name in names if name_kind(analysis.experiments[name]) == "problems"}
    tasks = {(name in problems, analysis.experiments[name].task) for name in names}
    modules = {"classes" if (among, task) == (True, "classification") else task for among, task in tasks}
    return [f"evaluation.{module}:shares" for module in sorted(modules & COMPARED_BY_ENTRY)]


def comparison_spec(wildcards, verb="tabulate"):
    """Return what a comparison shows of the experiments that are tested on a dataset, as one JSON value."""
    names = comparable(wildcards)
    shown = ("task", "dataset", "model", "scores", "reference")
    return specs_of(verb, {name: analysis.experiments[name] for name in names}, *shown, modules=columns_of(names))


def sample_of(wildcards):
    """Return the sample of the published results on a dataset, None without one."""
    return getattr(analysis.datasets[wildcards.dataset], "references", None)


def published_options(wildcards):
    """Return the option that names the published results on a dataset."""
    return ["--sample", sample_of(wildcards)] if sample_of(wildcards) else []


def published_rows(wildcards):
    """Return the published results on a dataset themselves, which are compared to find out whether anything is new."""
    return param_of(published_on(sample_of(wildcards))) if sample_of(wildcards) else ""
