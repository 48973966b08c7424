"""What the config's experiments ask for: the files of the named targets, and what their figures show."""

from types import SimpleNamespace

FIGURES = {
    "jets": {"classification": ("roc", "rejection", "scores", "reliability", "sculpting")},
    "pulses": {"localisation": ("probabilities", "residuals", "efficiency", "coverage")},
    "spectra": {
        "reconstruction": ("reconstruction", "latent"),
        "variational": ("reconstruction", "latent", "generated"),
        "adversarial": ("generated",),
    },
    "problems": {
        "classification": ("answers", "confusion"),
        "regression": ("predicted",),
        "control": ("returns", "episodes"),
    },
}
# What is drawn of networks with these names.
NETWORK_FIGURES = {"pulse-reference": "kernels"} | dict.fromkeys(
    ("dense", "digit-cnn", "linear", "logistic"), "weights"
)
COMPARISONS = {
    "jets": ("roc.svg", "rejection.svg"),
    "pulses": ("residuals.svg",),
    "spectra": (),
    "problems": ("measures.svg",),
}
DATASET_FIGURES = {
    "pulses": ("traces", "convolutions", "synthetic"),
    "spectra": ("spectra", "fluxes"),
    "problems": ("sample",),
}


def results_of(experiments):
    """Return every final result of these experiments and of their scans, save for the tables of all experiments."""
    wanted = scan_results_of(experiments)
    experiments = {name: experiments[name] for name in named if name in experiments}
    for name, experiment in experiments.items():
        kind = name_kind(experiment)
        figures = list(FIGURES[kind][experiment.task])
        if experiment.model is not None:
            figures.append("training")
            wanted += [f"results/{name}/release/{file}" for file in ("model.safetensors", "model.json")]
        if name in with_network_figure():
            figures.append(NETWORK_FIGURES[experiment.model.name])
        if name in with_saliency():
            figures.append("saliency")
        wanted.append(f"results/{name}/metrics.json")
        wanted += [f"results/{name}/figures/{figure}.svg" for figure in figures]
        for dataset in tested_on(experiment):
            wanted += [f"results/comparison/{dataset}/{file}" for file in ("table.html", *COMPARISONS[kind])]
            wanted += dataset_figures(dataset, experiment.representation)
    wanted += validations_of(experiments)
    if transfers_among(experiments):
        wanted += ["results/comparison/transfers.svg", "results/comparison/transfers.html"]
    if any(name_kind(experiment) == "problems" for experiment in experiments.values()):
        wanted.append("results/comparison/problems.html")
        wanted += ["results/comparison/boundaries.svg"] if in_a_plane() else []
    return list(dict.fromkeys(wanted))


def validations_of(experiments):
    """Return what shows that the jets these experiments use are right, and how far samples agree, in one order."""
    wanted, pairs = [], set()
    for experiment in experiments.values():
        for dataset in tested_on(experiment):
            if analysis.datasets[dataset].kind != "jets":
                continue
            folder = f"results/comparison/{experiment.dataset}"
            wanted += [f"results/datasets/{dataset}/jets/{file}" for file in ("kinematics.svg", "validation.html")]
            if dataset != experiment.dataset and {dataset, experiment.dataset} not in pairs:
                pairs.add(frozenset((dataset, experiment.dataset)))
                wanted += [f"{folder}/agreement-{dataset}.{ending}" for ending in ("svg", "html")]
    return wanted


def transfers_among(experiments):
    """Return whether a network that classifies jets is tested on other datasets than its own."""
    return any(name_kind(value) == "jets" and value.test_on for value in experiments.values())


def transferred():
    """Return the names of the config's experiments whose networks classify jets."""
    return [name for name in experiments_of("jets", "classification") if name in named and name in with_model()]


def with_network_figure(figure=None):
    """Return the names of the experiments whose network is drawn itself, by one figure or by any."""
    return [
        name
        for name in with_model()
        if (found := network_figure(analysis.experiments[name])) and figure in (None, found)
    ]


def network_figure(experiment):
    """Return the figure that shows an experiment's network itself, None without one."""
    figure = NETWORK_FIGURES.get(experiment.model.name)
    return None if figure == "weights" and name_kind(experiment) != "problems" else figure


def in_a_plane():
    """Return the named experiments that tell classes of generated points in a plane apart."""
    return {
        name: value
        for name, value in experiments_of("problems", "classification").items()
        if name in named
        and value.representation == "samples"
        and analysis.datasets[value.dataset].source.points is not None
    }


def transfers_spec():
    """Return what tells the networks of transfers apart, as one JSON value."""
    shown = ("task", "dataset", "representation", "model")
    return specs_of("plot-transfers", {name: analysis.experiments[name] for name in transferred()}, *shown)


def dataset_figures(dataset, representation):
    """Return the figures that show a dataset, seen through a representation."""
    kind = analysis.datasets[dataset].kind
    if kind == "jets":
        # Networks of constituents see the samples themselves, of which there is no mean image; scores from elsewhere
        # come without any.
        if representation == "samples":
            return []
        figure = "average" if analysis.representations[representation].kind == "jet-image" else "observables"
        return [f"results/datasets/{dataset}/{representation}/{figure}.svg"]
    left_out = {"fluxes"} if dataset in with_fluxes_of_another() else set()
    figures = [figure for figure in DATASET_FIGURES[kind] if figure not in left_out]
    return [f"results/datasets/{dataset}/{kind}/{figure}.svg" for figure in figures]


def with_fluxes_of_another():
    """Return the datasets of generated spectra that differ from an earlier one in their noise alone."""
    used = {name for experiment in analysis.experiments.values() for name in tested_on(experiment)}
    found, known = [], set()
    for name in datasets_of_kind("spectra"):
        dataset = analysis.datasets[name]
        if name in used and dataset.source.counts is not None:
            key = (dataset.source.counts.model_copy(update={"poisson": None}).model_dump_json(), str(dataset.split))
            found += [name] if key in known else []
            known.add(key)
    return found


def licence_of(wildcards):
    """Return the licence of an experiment's weights: the config's, else that of the data."""
    experiment = analysis.experiments[wildcards.experiment]
    if experiment.licence is not None:
        return experiment.licence
    files = analysis.datasets[experiment.dataset].source.paths()
    if not files:
        return "BSD-3-Clause"
    downloads = [file.removeprefix(f"{FOLDER}/") for file in files]
    found = {sources[file].licence if file in sources else "" for file in downloads}
    return ", ".join(sorted(found - {""})) or "not stated"


def scan_results_of(experiments):
    """Return what shows the scans and searches of these experiments."""
    wanted = [
        f"results/scans/{name}/{file}"
        for name, scan in scans.items()
        if scan.base in experiments
        for file in ("scan.svg", "table.html", "scan.csv")
    ]
    return wanted + [
        f"results/searches/{name}/trials.csv"
        for name, search in analysis.searches.items()
        if search.experiment in experiments
    ]


def points_of(wildcards):
    """Return the results of every point of a scan."""
    return [f"results/{experiment}/metrics.json" for experiment in scans[wildcards.scan].experiments()]


def scan_spec(wildcards):
    """Return what is varied in a scan, and which experiment is which point, as one JSON value."""
    scan = scans[wildcards.scan]
    return spec_of("summarise-scan", scan, modules=columns_of([scan.base]))


def points_of_scans():
    """Return the points of the compared experiments' scans as SCAN=EXPERIMENT, with the option that takes them."""
    compared_scans = {name: scan for name, scan in scans.items() if scan.base in compared}
    pairs = [f"{name}={experiment}" for name, scan in compared_scans.items() for experiment in scan.experiments()]
    return ["--scans", *pairs] if pairs else []


def searched(wildcards):
    """Return the experiment whose settings are searched for."""
    return analysis.experiments[analysis.searches[wildcards.search].experiment]


def search_spec(wildcards):
    """Return a search with the definition of its experiment, as one JSON value."""
    experiment = trained_part(as_experiment(wildcards), "search")
    search = analysis.searches[wildcards.search]
    settings = spec_for((code_roots("search"),), search, exclude={"experiment"})
    return param_of(settings | {"name": search.experiment, "experiment": experiment})


def as_experiment(wildcards):
    """Return the wildcard of the experiment whose settings are searched for."""
    return SimpleNamespace(experiment=analysis.searches[wildcards.search].experiment)


def search_environment(wildcards):
    """Return the conda environment of a search's trainings."""
    return training_environment(as_experiment(wildcards))
