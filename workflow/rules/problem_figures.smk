"""Figures of small problems with known answers."""


rule plot_problem:
    """Draw the entries of a small problem.

    Uses wildcard `dataset`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        figure=report(
            "results/datasets/{dataset}/problems/sample.svg",
            caption="../report/problem_sample.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "entries"},
        ),
    log:
        "logs/plot_problem/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_problem/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("problems")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-problem"),
    message:
        "Drawing the entries of {wildcards.dataset}"
    shell:
        "jetpulse plot-problem {input.samples} {output.figure} > {log} 2>&1"


rule plot_classes:
    """Draw what a classifier of a small problem says of its test split, and which classes it takes for which.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        models=per_seed("model.safetensors"),
        descriptions=per_seed("model.json"),
        samples=inputs_of,
    output:
        answers=report(
            "results/{experiment}/figures/answers.svg",
            caption="../report/answers.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "answers"},
        ),
        confusion=report(
            "results/{experiment}/figures/confusion.svg",
            caption="../report/confusion.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "confusion matrix"},
        ),
    log:
        "logs/plot_classes/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_classes/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(problem_names("classification")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=lambda wildcards: drawing_code(wildcards, "plot-classes"),
    message:
        "Drawing the answers of {wildcards.experiment}"
    shell:
        "jetpulse plot-classes {input.predictions} --models {input.models} --samples {input.samples}"
        " --dataset {params.dataset} --answers {output.answers} --confusion {output.confusion} > {log} 2>&1"


rule plot_regression:
    """Draw what was learned of a number in a small problem: its line, or predicted against true; residuals.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        models=per_seed("model.safetensors"),
        descriptions=per_seed("model.json"),
        samples=inputs_of,
    output:
        figure=report(
            "results/{experiment}/figures/predicted.svg",
            caption="../report/predicted.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "predicted and true"},
        ),
    log:
        "logs/plot_regression/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_regression/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(problem_names("regression")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=lambda wildcards: drawing_code(wildcards, "plot-regression"),
    message:
        "Drawing the predictions of {wildcards.experiment}"
    shell:
        "jetpulse plot-regression {input.predictions} --models {input.models} --samples {input.samples}"
        " --dataset {params.dataset} --out {output.figure} > {log} 2>&1"


rule plot_weights:
    """Draw the weights and biases of a small network, filters of convolutions, slopes and offset of a linear one.

    Uses wildcard `experiment`.
    """
    input:
        models=per_seed("model.safetensors"),
        descriptions=per_seed("model.json"),
        samples=inputs_of,
    output:
        figure=report(
            "results/{experiment}/figures/weights.svg",
            caption="../report/weights.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "weights"},
        ),
    log:
        "logs/plot_weights/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_weights/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_network_figure("weights")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=lambda wildcards: drawing_code(wildcards, "plot-weights"),
    message:
        "Drawing the weights of {wildcards.experiment}"
    shell:
        "jetpulse plot-weights {input.models} --samples {input.samples} --out {output.figure} > {log} 2>&1"


rule plot_boundaries:
    """Draw one grid of decision surfaces: rows are problems of two features, columns kinds of models."""
    input:
        models=[f"results/{name}/seed{value.seeds[0]}/model.safetensors" for name, value in in_a_plane().items()],
        descriptions=[f"results/{name}/seed{value.seeds[0]}/model.json" for name, value in in_a_plane().items()],
        samples=[f"data/{name}/samples.h5" for name in plane_datasets()],
    output:
        figure=report(
            "results/comparison/boundaries.svg",
            caption="../report/boundaries.rst",
            category="Problems",
            labels={"figure": "decision boundaries"},
        ),
    log:
        "logs/plot_boundaries.log",
    benchmark:
        "results/benchmarks/plot_boundaries.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=plane_spec(),
        models=lambda wildcards, input: named_files(in_a_plane(), input.models),
        samples=lambda wildcards, input: named_files(plane_datasets(), input.samples),
        code=code_of("plot-boundaries", *network_modules(in_a_plane().values())),
    message:
        "Drawing the boundaries between classes in a plane"
    shell:
        "jetpulse plot-boundaries --spec {params.spec:q} --models {params.models:q} --samples {params.samples:q}"
        " --out {output.figure} > {log} 2>&1"


rule plot_measures:
    """Draw the main metric of all experiments on a small problem, by representation and model.

    Uses wildcard `dataset`.
    """
    input:
        metrics=lambda wildcards: [f"results/{name}/metrics.json" for name in comparable(wildcards)],
    output:
        figure=report(
            "results/comparison/{dataset}/measures.svg",
            caption="../report/measures.rst",
            category="Comparison",
            subcategory="{dataset}",
            labels={"figure": "measures"},
        ),
    log:
        "logs/plot_measures/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_measures/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("problems")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=measures_spec,
        results=lambda wildcards, input: named_files(comparable(wildcards), input.metrics),
        code=code_of("plot-measures"),
    message:
        "Comparing the experiments on {wildcards.dataset}"
    shell:
        "jetpulse plot-measures --dataset {wildcards.dataset} --spec {params.spec:q} --results {params.results:q}"
        " --out {output.figure} > {log} 2>&1"
