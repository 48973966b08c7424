"""What the rules about small problems take, as functions of wildcards."""

# What the chapter shows of each experiment.
MAIN_FIGURES = {"classification": ("answers",), "regression": ("predicted",), "control": ("returns", "episodes")}


def drawing_code(wildcards, verb):
    """Hash the code of a figure for which an experiment's networks are asked again, with what is loaded by name."""
    return code_of(verb, *network_modules([analysis.experiments[wildcards.experiment]]))


def network_modules(experiments):
    """Return the modules of networks and objectives of experiments, which are loaded by name."""
    networks = {f"models.{value.model.name.replace('-', '_')}" for value in experiments}
    return sorted(networks | {f"training.objectives.{value.task}" for value in experiments})


def problem_names(task):
    """Return the names of the experiments on small problems that learn a task."""
    return list(experiments_of("problems", task))


def plane_datasets():
    """Return the names of the datasets whose decision surfaces are drawn in one grid."""
    return list(dict.fromkeys(value.dataset for value in in_a_plane().values()))


def plane_spec():
    """Return the experiments whose decision surfaces are drawn in one grid, as one JSON value."""
    return specs_of("plot-boundaries", in_a_plane(), "task", "dataset", "representation", "model")


def measures_spec(wildcards):
    """Return what is compared of the experiments that are tested on a small problem, as one JSON value."""
    shown = ("task", "dataset", "representation", "model", "reference")
    return specs_of("plot-measures", {name: analysis.experiments[name] for name in comparable(wildcards)}, *shown)


def problems():
    """Return the named experiments on small problems, in the config's order."""
    return {name: value for name, value in experiments_of("problems").items() if name in named}


def problem_datasets():
    """Return the names of the datasets of the named experiments on small problems."""
    return list(dict.fromkeys(value.dataset for value in problems().values()))


def chapter_spec():
    """Return what the chapter tells of its experiments, as one JSON value."""
    shown = ("task", "dataset", "representation", "model", "method", "reference")
    return specs_of("tell-problems", problems(), *shown, modules=columns_of(problems()))


def chapter_questions():
    """Return what is asked of every dataset of the chapter, in the config's order, as one JSON value."""
    return param_of([[name, analysis.datasets[name].question or ""] for name in problem_datasets()])


def chapter_figures():
    """Return the figures of the chapter with the dataset or experiment that each belongs to, as pairs."""
    pairs = [(name, f"results/datasets/{name}/problems/sample.svg") for name in problem_datasets()]
    for name, value in problems().items():
        shown = [*MAIN_FIGURES[value.task], *(["weights"] if value.model.name == "linear" else [])]
        pairs += [(name, f"results/{name}/figures/{figure}.svg") for figure in shown]
    return pairs
