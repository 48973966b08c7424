"""Spectra: generate or read, draw."""


rule build_spectra:
    """Generate or read a dataset's spectra and deal them to train, val and test.

    Writes one group per split: event, counts and, where they are known, the fluxes of the lines.

    Uses wildcard `dataset`.
    """
    input:
        files=files_of,
    output:
        samples="data/{dataset}/samples.h5",
    log:
        "logs/build_spectra/{dataset}.log",
    benchmark:
        "results/benchmarks/build_spectra/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("spectra")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=dataset_spec,
        content=files_content,
        code=code_of("build-spectra"),
    message:
        "Collecting the spectra of {wildcards.dataset}"
    shell:
        "jetpulse build-spectra {output.samples} --spec {params.spec:q} > {log} 2>&1"


rule plot_spectra:
    """Draw a dataset's spectra and the fluxes of their lines.

    Uses wildcard `dataset`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        spectra=report(
            "results/datasets/{dataset}/spectra/spectra.svg",
            caption="../report/spectra.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "spectra"},
        ),
        fluxes=report(
            "results/datasets/{dataset}/spectra/fluxes.svg",
            caption="../report/fluxes.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "fluxes of the lines"},
        ),
    log:
        "logs/plot_spectra/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_spectra/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("spectra")),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("plot-spectra"),
    message:
        "Drawing the spectra of {wildcards.dataset}"
    shell:
        "jetpulse plot-spectra {input.samples} --spectra {output.spectra} --fluxes {output.fluxes} > {log} 2>&1"
