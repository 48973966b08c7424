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
        dataset=one_of([name for name in datasets_of_kind("spectra") if name not in with_fluxes_of_another()]),
    conda:
        "../../envs/cpu.yaml"
    params:
        fluxes=lambda wildcards, output: ["--fluxes", output.fluxes],
        code=code_of("plot-spectra"),
    message:
        "Drawing the spectra of {wildcards.dataset}"
    shell:
        "jetpulse plot-spectra {input.samples} --spectra {output.spectra} {params.fluxes:q} > {log} 2>&1"


use rule plot_spectra as plot_spectra_alone with:
    # The figure of the fluxes would be that of another dataset again.
    output:
        spectra=report(
            "results/datasets/{dataset}/spectra/spectra.svg",
            caption="../report/spectra.rst",
            category="Datasets",
            subcategory="{dataset}",
            labels={"figure": "spectra"},
        ),
    wildcard_constraints:
        dataset=one_of(with_fluxes_of_another()),
    params:
        fluxes=[],
        code=code_of("plot-spectra"),
