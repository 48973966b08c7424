"""Figures and tables of the report."""


rule plot_jets:
    """Draw a dataset's jets: average images after each preprocessing step, single jets.

    Uses wildcards `dataset` and `representation`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        average=report(
            "results/datasets/{dataset}/{representation}/average.svg",
            caption="../report/average.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "average images", "representation": "{representation}"},
        ),
        single=report(
            "results/datasets/{dataset}/{representation}/single.svg",
            caption="../report/single.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "single jets", "representation": "{representation}"},
        ),
    log:
        "logs/plot_jets/{dataset}.{representation}.log",
    benchmark:
        "results/benchmarks/plot_jets/{dataset}.{representation}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        representation=one_of(representations_of_kind("jet-image")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=lambda wildcards: spec_of("plot-jets", analysis.representations[wildcards.representation]),
        code=code_of("plot-jets"),
    message:
        "Drawing jets of {wildcards.dataset} as {wildcards.representation}"
    shell:
        "jetpulse plot-jets {input.samples} --spec {params.spec:q} --average {output.average}"
        " --single {output.single} > {log} 2>&1"


rule plot_jet_observables:
    """Draw the distributions of a dataset's observables by class.

    Uses wildcards `dataset` and `representation`.
    """
    input:
        observables="data/{dataset}/{representation}.h5",
    output:
        figure=report(
            "results/datasets/{dataset}/{representation}/observables.svg",
            caption="../report/observables.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "observables", "representation": "{representation}"},
        ),
    log:
        "logs/plot_jet_observables/{dataset}.{representation}.log",
    benchmark:
        "results/benchmarks/plot_jet_observables/{dataset}.{representation}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        representation=one_of(representations_of_kind("jet-observables")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-jet-observables"),
    message:
        "Drawing {wildcards.representation} of {wildcards.dataset}"
    shell:
        "jetpulse plot-jet-observables {input.observables} {output.figure} > {log} 2>&1"


rule plot_training:
    """Draw loss and metrics against epoch for every seed of an experiment.

    Uses wildcard `experiment`.
    """
    input:
        histories=per_seed("history.csv"),
        descriptions=per_seed("model.json"),
    output:
        figure=report(
            "results/{experiment}/figures/training.svg",
            caption="../report/training.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "training curves"},
        ),
    log:
        "logs/plot_training/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_training/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_model()),
    conda:
        "../../envs/cpu.yaml"
    params:
        histories=lambda wildcards, input: [
            f"{seed}={file}" for seed, file in zip(analysis.experiments[wildcards.experiment].seeds, input.histories)
        ],
        code=code_of("plot-training"),
    message:
        "Drawing the trainings of {wildcards.experiment}"
    shell:
        "jetpulse plot-training {output.figure} --histories {params.histories:q} > {log} 2>&1"


rule plot_classification:
    """Draw ROC and rejection curves, scores and reliability of an experiment on every dataset it was tested on.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        calibrations=calibrations_of,
    output:
        roc=report(
            "results/{experiment}/figures/roc.svg",
            caption="../report/roc.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "ROC curve"},
        ),
        rejection=report(
            "results/{experiment}/figures/rejection.svg",
            caption="../report/rejection.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "background rejection"},
        ),
        scores=report(
            "results/{experiment}/figures/scores.svg",
            caption="../report/scores.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "score distributions"},
        ),
        reliability=report(
            "results/{experiment}/figures/reliability.svg",
            caption="../report/reliability.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "reliability diagram"},
        ),
    log:
        "logs/plot_classification/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_classification/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of("jets", "classification")),
    conda:
        "../../envs/cpu.yaml"
    params:
        calibrations=lambda wildcards, input: ["--calibrations", *input.calibrations] if input.calibrations else [],
        code=code_of("plot-classification"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-classification {input.predictions} --roc {output.roc} --rejection {output.rejection}"
        " --scores {output.scores} --reliability {output.reliability} {params.calibrations:q} > {log} 2>&1"


rule plot_comparison:
    """Draw the curves of all classifiers that were tested on a dataset, beside published results.

    Uses wildcard `dataset`.
    """
    input:
        predictions=predictions_on,
    output:
        roc=report(
            "results/comparison/{dataset}/roc.svg",
            caption="../report/compare_roc.rst",
            category="Comparison",
            subcategory="{dataset}",
            labels={"figure": "ROC curves"},
        ),
        rejection=report(
            "results/comparison/{dataset}/rejection.svg",
            caption="../report/compare_rejection.rst",
            category="Comparison",
            subcategory="{dataset}",
            labels={"figure": "background rejection"},
        ),
    log:
        "logs/plot_comparison/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_comparison/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_task("classification", "jets")),
    conda:
        "../../envs/cpu.yaml"
    params:
        predictions=named_predictions_on,
        published=published_options,
        rows=published_rows,
        code=code_of("plot-comparison"),
    message:
        "Comparing the classifiers on {wildcards.dataset}"
    shell:
        "jetpulse plot-comparison --dataset {wildcards.dataset} --predictions {params.predictions:q}"
        " {params.published:q} --roc {output.roc} --rejection {output.rejection} > {log} 2>&1"


rule tabulate:
    """Tabulate all experiments that were tested on a dataset, beside published results and their references.

    Uses wildcard `dataset`.
    """
    input:
        metrics=lambda wildcards: [f"results/{name}/metrics.json" for name in comparable(wildcards)],
        predictions=predictions_on,
    output:
        table=report(
            "results/comparison/{dataset}/table.html",
            caption="../report/table.rst",
            category="Comparison",
            subcategory="{dataset}",
            labels={"figure": "table"},
        ),
    log:
        "logs/tabulate/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate/{dataset}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=comparison_spec,
        results=lambda wildcards, input: named_files(comparable(wildcards), input.metrics),
        predictions=named_predictions_on,
        published=published_options,
        rows=published_rows,
        code=lambda wildcards: code_of(
            "tabulate", *columns_of(comparable(wildcards)), *shares_of(comparable(wildcards))
        ),
    message:
        "Tabulating the experiments on {wildcards.dataset}"
    shell:
        "jetpulse tabulate --dataset {wildcards.dataset} --spec {params.spec:q} --results {params.results:q}"
        " --predictions {params.predictions:q} {params.published:q} --table {output.table} > {log} 2>&1"
