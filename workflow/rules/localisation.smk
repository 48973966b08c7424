"""Figures of pulse finders."""


rule plot_localisation:
    """Draw predictions over traces, residuals, accuracy and coverage of a pulse finder on its own dataset.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        probabilities=report(
            "results/{experiment}/figures/probabilities.svg",
            caption="../report/probabilities.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "probabilities"},
        ),
        residuals=report(
            "results/{experiment}/figures/residuals.svg",
            caption="../report/residuals.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "residuals"},
        ),
        efficiency=report(
            "results/{experiment}/figures/efficiency.svg",
            caption="../report/efficiency.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "accuracy by entry"},
        ),
        coverage=report(
            "results/{experiment}/figures/coverage.svg",
            caption="../report/coverage.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "coverage"},
        ),
    log:
        "logs/plot_localisation/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_localisation/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of(task="localisation")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=code_of("plot-localisation"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-localisation {input.predictions} --samples {input.samples} --dataset {params.dataset}"
        " --probabilities {output.probabilities} --residuals {output.residuals} --efficiency {output.efficiency}"
        " --coverage {output.coverage} > {log} 2>&1"


rule plot_kernels:
    """Draw the kernels that the reference network for pulses learned with every seed.

    Uses wildcard `experiment`.
    """
    input:
        models=per_seed("model.safetensors"),
    output:
        kernels=report(
            "results/{experiment}/figures/kernels.svg",
            caption="../report/kernels.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "kernels"},
        ),
    log:
        "logs/plot_kernels/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_kernels/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(
            name
            for name, value in experiments_of(task="localisation").items()
            if value.model.name == "pulse-reference"
        ),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-kernels"),
    message:
        "Drawing the kernels of {wildcards.experiment}"
    shell:
        "jetpulse plot-kernels {input.models} --out {output.kernels} > {log} 2>&1"


rule plot_localisation_comparison:
    """Draw residuals, wrong fraction and RMSE of all pulse finders that were tested on a dataset.

    Uses wildcard `dataset`.
    """
    input:
        predictions=predictions_on,
    output:
        residuals=report(
            "results/comparison/{dataset}/residuals.svg",
            caption="../report/compare_residuals.rst",
            category="Comparison",
            subcategory="{dataset}",
            labels={"figure": "residuals"},
        ),
    log:
        "logs/plot_localisation_comparison/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_localisation_comparison/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_task("localisation")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=lambda wildcards: comparison_spec(wildcards, "plot-localisation-comparison"),
        predictions=named_predictions_on,
        code=code_of("plot-localisation-comparison"),
    message:
        "Comparing the pulse finders on {wildcards.dataset}"
    shell:
        "jetpulse plot-localisation-comparison --dataset {wildcards.dataset} --spec {params.spec:q}"
        " --predictions {params.predictions:q} --residuals {output.residuals} > {log} 2>&1"
