"""What rules take: inputs, parameters and hashes of code, as functions of wildcards."""


def samples_code(wildcards):
    """Hash the code that collects a dataset's jets, with the reader of its format, which is loaded by name."""
    source = analysis.datasets[wildcards.dataset].source
    reader = [] if source.simulation else [f"jets.readers.{source.format.replace('-', '_')}"]
    return code_of("build-jet-samples", *reader)


def problem_code(wildcards):
    """Hash the code that collects a small problem's entries, with their source, which is loaded by name."""
    source = analysis.datasets[wildcards.dataset].source
    return code_of("build-problems", f"problems.{source.module}")


def training_code(wildcards, verb):
    """Hash the code of a training or prediction with the network, objective and generator that it loads by name."""
    experiment = analysis.experiments[wildcards.experiment]
    modules = [f"models.{experiment.model.name.replace('-', '_')}", f"training.objectives.{experiment.task}"]
    if experiment.training.fresh and verb != "predict":
        modules += ["training.fresh", f"{name_kind(experiment)}.fresh"]
    if experiment.training.augment and verb in ("train", "search"):
        modules.append("training.augmentation")
    if experiment.views > 1 and verb in ("predict", "calibrate"):
        modules.append("training.views")
    if fits_itself(experiment.model.name) and verb != "predict":
        modules.append("training.fitting")
    return code_of(verb, *modules)


def spec_of(section, *parts):
    """Return a section of the config, defaults filled in, as one JSON value (params are compared as a set)."""
    return param_of(section.model_dump(include=set(parts) or None))


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


def files_of(wildcards):
    """Return the user's files that a dataset is read from."""
    return [expand_path(name, wildcards.dataset) for name in analysis.datasets[wildcards.dataset].source.paths()]


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
    return expand_path(files[int(wildcards.seed)], wildcards.experiment)


def scores_spec(wildcards):
    """Return where the files of scores have what."""
    return spec_of(analysis.experiments[wildcards.experiment].scores, "label", "score", "event", "meaning")


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


def comparison_spec(wildcards):
    """Return what a comparison shows of the experiments that are tested on a dataset, as one JSON value."""
    shown = {"task", "dataset", "model", "scores", "reference"}
    spec = {name: analysis.experiments[name].model_dump(include=shown) for name in comparable(wildcards)}
    return param_of(spec)


def sample_of(wildcards):
    """Return the sample of the published results on a dataset, None without one."""
    return getattr(analysis.datasets[wildcards.dataset], "references", None)


def published_options(wildcards):
    """Return the option that names the published results on a dataset."""
    return ["--sample", sample_of(wildcards)] if sample_of(wildcards) else []


def published_rows(wildcards):
    """Return the published results on a dataset themselves, which are compared to find out whether anything is new."""
    return param_of(published_on(sample_of(wildcards))) if sample_of(wildcards) else ""
