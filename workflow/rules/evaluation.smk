"""Evaluation: one training, one experiment over its seeds, all experiments side by side."""


rule import_scores:
    """Bring labels and scores from elsewhere into the form of our own predictions.

    Uses wildcards `experiment` and `seed`, the number of the file.
    """
    input:
        scores=scores_of,
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        predictions="results/{experiment}/seed{seed}/predictions.h5",
    log:
        "logs/import_scores/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/import_scores/{experiment}.seed{seed}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_scores()),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        spec=scores_spec,
        content=scores_content,
        code=code_of("import-scores"),
    message:
        "Importing the scores of {wildcards.experiment}, file {wildcards.seed}"
    shell:
        "jetpulse import-scores {input.scores:q} {input.samples} {output.predictions} --dataset {params.dataset}"
        " --spec {params.spec:q} > {log} 2>&1"


rule evaluate:
    """Measure one training's predictions on every dataset it was tested on.

    Uses wildcards `experiment` and `seed`.
    """
    input:
        predictions="results/{experiment}/seed{seed}/predictions.h5",
        samples=samples_of,
        calibration=calibration_of,
    output:
        metrics="results/{experiment}/seed{seed}/metrics.json",
    log:
        "logs/evaluate/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/{experiment}.seed{seed}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        task=lambda wildcards: analysis.experiments[wildcards.experiment].task,
        samples=samples_options,
        calibration=lambda wildcards, input: ["--calibration", *input.calibration] if input.calibration else [],
        code=evaluation_code,
    message:
        "Evaluating {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "jetpulse evaluate {input.predictions} {output.metrics} --task {params.task} {params.samples:q}"
        " {params.calibration:q} > {log} 2>&1"


rule combine:
    """Combine an experiment's seeds: median, spread over seeds and statistical error of every metric.

    Of several trainings of a classifier also the mean of their probabilities is measured.

    Uses wildcard `experiment`.
    """
    input:
        metrics=per_seed("metrics.json"),
        models=models_of("model.safetensors"),
        descriptions=models_of("model.json"),
        predictions=ensemble_of,
    output:
        metrics="results/{experiment}/metrics.json",
    log:
        "logs/combine/{experiment}.log",
    benchmark:
        "results/benchmarks/combine/{experiment}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        models=lambda wildcards, input: ["--models", *input.models] if input.models else [],
        predictions=lambda wildcards, input: ["--predictions", *input.predictions] if input.predictions else [],
        code=lambda wildcards: code_of("combine", *(["evaluation.ensemble"] if ensemble_of(wildcards) else [])),
    message:
        "Combining the seeds of {wildcards.experiment}"
    shell:
        "jetpulse combine {output.metrics} --dataset {params.dataset}"
        " --metrics {input.metrics} {params.models:q} {params.predictions:q} > {log} 2>&1"


rule compare:
    """Write one row per experiment, beside the reference that its config names; transfers in a table of their own."""
    input:
        metrics=expand("results/{experiment}/metrics.json", experiment=compared),
    output:
        summary=report(
            "results/summary.csv",
            caption="../report/summary.rst",
            category="Comparison",
            subcategory="all experiments",
            labels={"figure": "summary"},
        ),
        transfers="results/transfers.csv",
        metrics="results/summary.json",
    log:
        "logs/compare.log",
    benchmark:
        "results/benchmarks/compare.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=compared_spec(),
        code=code_of("compare", *columns_of(compared)),
        results=lambda wildcards, input: named_files(compared, input.metrics),
        scans=points_of_scans(),
    message:
        "Comparing all experiments"
    shell:
        "jetpulse compare {output.summary} {output.transfers} --spec {params.spec:q} --results {params.results:q}"
        " --metrics {output.metrics} {params.scans:q} > {log} 2>&1"
