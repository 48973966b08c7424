"""The report's chapter of small problems."""

# What the chapter shows of each experiment.
MAIN_FIGURES = {"classification": ("answers",), "regression": ("predicted",), "control": ("returns", "episodes")}


def problems():
    """Return the named experiments on small problems, in the config's order."""
    return {name: value for name, value in experiments_of("problems").items() if name in named}


def chapter_questions():
    """Return what is asked of every dataset of the chapter, as DATASET=TEXT."""
    asked_of = dict.fromkeys(value.dataset for value in problems().values())
    return [f"{name}={analysis.datasets[name].question or ''}" for name in asked_of]


def chapter_figures(wildcards):
    """Return the figures of the chapter."""
    samples = dict.fromkeys(value.dataset for value in problems().values())
    files = [f"results/datasets/{name}/problems/sample.svg" for name in samples]
    for name, value in problems().items():
        shown = [*MAIN_FIGURES[value.task], *(["weights"] if value.model.name == "linear" else [])]
        files += [f"results/{name}/figures/{figure}.svg" for figure in shown]
    return files


def chapter_figure_names(wildcards, input):
    """Return the figures of the chapter as NAME=FILE, by dataset or experiment."""
    return [f"{file.split('/')[2 if file.startswith('results/datasets/') else 1]}={file}" for file in input.figures]


rule tell_problems:
    """Write the chapter of small problems: question, methods, figures, numbers and references of each."""
    input:
        metrics=lambda wildcards: [f"results/{name}/metrics.json" for name in problems()],
        figures=chapter_figures,
    output:
        page=report(
            "results/comparison/problems.html",
            caption="../report/chapter.rst",
            category="Problems",
            labels={"figure": "all problems"},
        ),
    log:
        "logs/tell_problems.log",
    benchmark:
        "results/benchmarks/tell_problems.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=json.dumps(
            {
                name: value.model_dump(include={"task", "dataset", "representation", "model", "method", "reference"})
                for name, value in problems().items()
            },
            sort_keys=True,
        ),
        questions=chapter_questions(),
        results=lambda wildcards, input: by_experiment(input.metrics),
        figures=chapter_figure_names,
        code=code_of("tell-problems", *sorted({f"evaluation.{value.task}:COLUMNS" for value in problems().values()})),
    message:
        "Writing the chapter of small problems"
    shell:
        "jetpulse tell-problems {output.page} --spec {params.spec:q} --questions {params.questions:q}"
        " --results {params.results:q} --figures {params.figures:q} > {log} 2>&1"
