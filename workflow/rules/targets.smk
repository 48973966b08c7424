"""What the config's experiments ask for: the files of the named targets, and what their figures show."""

FIGURES = {
    "classification": ("roc", "rejection", "scores", "reliability"),
    "localisation": ("probabilities", "residuals", "efficiency", "coverage"),
    "reconstruction": ("reconstruction", "latent"),
    "variational": ("reconstruction", "latent", "generated"),
    "adversarial": ("generated",),
}
COMPARISONS = {
    "classification": ("roc.svg", "rejection.svg"),
    "localisation": ("residuals.svg",),
}
DATASET_FIGURES = {
    "pulses": ("traces", "convolutions", "synthetic"),
    "spectra": ("spectra", "fluxes"),
}


def results_of(experiments):
    """Return every final result of these experiments, save for the tables of all experiments."""
    wanted = []
    for name, experiment in experiments.items():
        figures = list(FIGURES[experiment.task])
        if experiment.model is not None:
            figures.append("training")
        if experiment.model is not None and experiment.model.name == "pulse-reference":
            figures.append("kernels")
        wanted.append(f"results/{name}/metrics.json")
        wanted += [f"results/{name}/figures/{figure}.svg" for figure in figures]
        for dataset in tested_on(experiment):
            wanted += [
                f"results/comparison/{dataset}/{file}" for file in ("table.html", *COMPARISONS.get(experiment.task, ()))
            ]
            wanted += dataset_figures(dataset, experiment.representation)
    wanted += validations_of(experiments)
    if transfers_among(experiments):
        wanted += ["results/comparison/transfers.svg", "results/comparison/transfers.html"]
    return list(dict.fromkeys(wanted))


def validations_of(experiments):
    """Return what shows that the jets these experiments use are right, and how far samples agree, in one order."""
    wanted, pairs = [], set()
    for experiment in experiments.values():
        for dataset in tested_on(experiment):
            if analysis.datasets[dataset].kind != "jets":
                continue
            folder = f"results/datasets/{experiment.dataset}/jets"
            wanted += [f"results/datasets/{dataset}/jets/{file}" for file in ("kinematics.svg", "validation.html")]
            if dataset != experiment.dataset and {dataset, experiment.dataset} not in pairs:
                pairs.add(frozenset((dataset, experiment.dataset)))
                wanted += [f"{folder}/agreement-{dataset}.{ending}" for ending in ("svg", "html")]
    return wanted


def transfers_among(experiments):
    """Return whether a network that classifies is tested on other datasets than its own."""
    return any(value.task == "classification" and value.test_on for value in experiments.values())


def transferred():
    """Return the names of the experiments whose networks classify."""
    return [name for name in experiments_of_task("classification") if name in with_model()]


def transfers_spec():
    """Return what tells the networks of transfers apart, as one JSON value."""
    shown = {"task", "dataset", "representation", "model"}
    spec = {name: analysis.experiments[name].model_dump(include=shown) for name in transferred()}
    return json.dumps(spec, sort_keys=True)


def dataset_figures(dataset, representation):
    """Return the figures that show a dataset, seen through a representation."""
    kind = analysis.datasets[dataset].kind
    if kind == "jets":
        # Networks of constituents see the samples themselves, of which there is no mean image; scores from elsewhere
        # come without any.
        return [] if representation == "samples" else [f"results/datasets/{dataset}/{representation}/average.svg"]
    return [f"results/datasets/{dataset}/{kind}/{figure}.svg" for figure in DATASET_FIGURES[kind]]
