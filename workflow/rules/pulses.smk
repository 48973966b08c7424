"""Pulses: generate or collect waveforms, draw them."""


rule build_pulse_samples:
    """Generate a dataset's waveforms, or read the user's, and deal them to train, val and test.

    Writes one group per split: event, label, waveform and, for generated ones, the truth about the pulses.

    Uses wildcard `dataset`.
    """
    input:
        files=files_of,
    output:
        samples="data/{dataset}/samples.h5",
    log:
        "logs/build_pulse_samples/{dataset}.log",
    benchmark:
        "results/benchmarks/build_pulse_samples/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("pulses")),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        spec=dataset_spec,
        content=files_content,
        code=code_of("build-pulse-samples"),
    message:
        "Building the samples of {wildcards.dataset}"
    shell:
        "jetpulse build-pulse-samples {output.samples} --spec {params.spec:q} --threads {threads} > {log} 2>&1"


rule plot_pulses:
    """Draw a dataset's first entries: traces, traces coloured by derivative filters, synthetic images.

    Uses wildcard `dataset`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        traces=report(
            "results/datasets/{dataset}/pulses/traces.svg",
            caption="../report/traces.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "traces"},
        ),
        convolutions=report(
            "results/datasets/{dataset}/pulses/convolutions.svg",
            caption="../report/convolutions.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "convolutions"},
        ),
        synthetic=report(
            "results/datasets/{dataset}/pulses/synthetic.svg",
            caption="../report/synthetic.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "synthetic images"},
        ),
    log:
        "logs/plot_pulses/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_pulses/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("pulses")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-pulses"),
    message:
        "Drawing pulses of {wildcards.dataset}"
    shell:
        "jetpulse plot-pulses {input.samples} --traces {output.traces} --convolutions {output.convolutions}"
        " --synthetic {output.synthetic} > {log} 2>&1"
