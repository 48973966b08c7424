"""Validation: what is in a sample of jets, how two samples agree, how networks carry over between them."""


rule validate_jets:
    """Count a dataset's jets and survey their kinematics: numbers, figure and table.

    Uses wildcard `dataset`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        report="results/datasets/{dataset}/jets/validation.json",
        figure=report(
            "results/datasets/{dataset}/jets/kinematics.svg",
            caption="../report/kinematics.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "kinematics"},
        ),
        table=report(
            "results/datasets/{dataset}/jets/validation.html",
            caption="../report/validation.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "validation"},
        ),
    log:
        "logs/validate_jets/{dataset}.log",
    benchmark:
        "results/benchmarks/validate_jets/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("validate-jets"),
    message:
        "Validating the jets of {wildcards.dataset}"
    shell:
        "jetpulse validate-jets {input.samples} --dataset {wildcards.dataset} --report {output.report}"
        " --figure {output.figure} --table {output.table} > {log} 2>&1"


rule plot_jet_agreement:
    """Draw the jets of two datasets over one another and tabulate how well they agree.

    Uses wildcards `dataset` and `other`.
    """
    input:
        first="data/{dataset}/samples.h5",
        second="data/{other}/samples.h5",
    output:
        figure=report(
            "results/comparison/{dataset}/agreement-{other}.svg",
            caption="../report/agreement.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "agreement with {other}"},
        ),
        table=report(
            "results/comparison/{dataset}/agreement-{other}.html",
            caption="../report/agreement_table.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "agreement with {other}, table"},
        ),
    log:
        "logs/plot_jet_agreement/{dataset}.{other}.log",
    benchmark:
        "results/benchmarks/plot_jet_agreement/{dataset}.{other}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        other=one_of(datasets_of_kind("jets")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-jet-agreement"),
    message:
        "Comparing the jets of {wildcards.dataset} and {wildcards.other}"
    shell:
        "jetpulse plot-jet-agreement --samples {wildcards.dataset}={input.first} {wildcards.other}={input.second}"
        " --figure {output.figure} --table {output.table} > {log} 2>&1"


rule plot_transfers:
    """Draw and tabulate what classifiers do on samples that they were not trained on."""
    input:
        metrics=expand("results/{experiment}/metrics.json", experiment=transferred()),
    output:
        figure=report(
            "results/comparison/transfers.svg",
            caption="../report/transfers.rst",
            category="Comparison",
            subcategory="all experiments",
            labels={"figure": "transfers"},
        ),
        table=report(
            "results/comparison/transfers.html",
            caption="../report/transfers_table.rst",
            category="Comparison",
            subcategory="all experiments",
            labels={"figure": "transfers, table"},
        ),
    log:
        "logs/plot_transfers.log",
    benchmark:
        "results/benchmarks/plot_transfers.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=transfers_spec(),
        results=lambda wildcards, input: named_files(transferred(), input.metrics),
        code=code_of("plot-transfers"),
    message:
        "Comparing trainings on one sample with tests on others"
    shell:
        "jetpulse plot-transfers --spec {params.spec:q} --results {params.results:q} --figure {output.figure}"
        " --table {output.table} > {log} 2>&1"
