"""Jets: simulate, collect into samples, export, turn into images and observables."""


rule simulate_jets:
    """Simulate one block of jets of one process.

    Writes an HDF5 file with the group `all`; seeds are [seed, stream of the process, block].

    Uses wildcards `dataset`, `process` and `block`.
    """
    output:
        jets="data/{dataset}/raw/{process}-{block}.h5",
    log:
        "logs/simulate_jets/{dataset}.{process}-{block}.log",
    benchmark:
        "results/benchmarks/simulate_jets/{dataset}.{process}-{block}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
    priority: 20  # long jobs first, short ones fill the gaps
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=simulation_spec,
        code=code_of("simulate-jets"),
    message:
        "Simulating {wildcards.process} jets of {wildcards.dataset}, block {wildcards.block}"
    shell:
        "jetpulse simulate-jets {output.jets} --spec {params.spec:q}"
        " --process {wildcards.process} --block {wildcards.block} > {log} 2>&1"


rule build_jet_samples:
    """Collect a dataset's jets into train, val and test by event id.

    Writes one group per split: event, label, offsets and constituents.

    Uses wildcard `dataset`.
    """
    input:
        sources=jets_of,
    output:
        samples="data/{dataset}/samples.h5",
    log:
        "logs/build_jet_samples/{dataset}.log",
    benchmark:
        "results/benchmarks/build_jet_samples/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=dataset_spec,
        content=files_content,
        code=samples_code,
        raw=lambda wildcards, input: (
            ["--raw", *input.sources] if analysis.datasets[wildcards.dataset].source.simulation else []
        ),
    message:
        "Collecting the samples of {wildcards.dataset}"
    shell:
        "jetpulse build-jet-samples {output.samples} --spec {params.spec:q} {params.raw:q} > {log} 2>&1"


rule export_jets:
    """Write the jets of a split in a format of the field's other tools: ROOT, parquet or npz.

    Made on request only: `snakemake data/jets/export/test.root`.

    Uses wildcards `dataset`, `split` and `format`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        jets="data/{dataset}/export/{split}.{format}",
    log:
        "logs/export_jets/{dataset}.{split}.{format}.log",
    benchmark:
        "results/benchmarks/export_jets/{dataset}.{split}.{format}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        split="train|val|test",
        format="root|parquet|npz",
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code_of("export-jets"),
    message:
        "Exporting {wildcards.split} of {wildcards.dataset} as {wildcards.format}"
    shell:
        "jetpulse export-jets {input.samples} {output.jets} --format {wildcards.format}"
        " --split {wildcards.split} > {log} 2>&1"


rule build_jet_images:
    """Pixelate jet constituents after the representation's preprocessing steps.

    Writes one group per split: sparse images (`offsets`, `pixel`, `value`); axes, edges, tie rule, units and the
    spec are HDF5 attributes.

    Uses wildcards `dataset` and `representation`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        images="data/{dataset}/{representation}.h5",
    log:
        "logs/build_jet_images/{dataset}.{representation}.log",
    benchmark:
        "results/benchmarks/build_jet_images/{dataset}.{representation}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        representation=one_of(representations_of_kind("jet-image")),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        spec=representation_spec,
        code=code_of("build-jet-images"),
    message:
        "Building {wildcards.representation} of {wildcards.dataset}"
    shell:
        "jetpulse build-jet-images {input.samples} {output.images} --spec {params.spec:q}"
        " --threads {threads} > {log} 2>&1"


rule build_jet_observables:
    """Turn jets into rows of numbers: mass, multiplicity, shape, N-subjettiness, energy correlators.

    Writes one group per split: event, label and features (n, columns); the columns' names and units, and the spec, are
    HDF5 attributes.

    Uses wildcards `dataset` and `representation`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        observables="data/{dataset}/{representation}.h5",
    log:
        "logs/build_jet_observables/{dataset}.{representation}.log",
    benchmark:
        "results/benchmarks/build_jet_observables/{dataset}.{representation}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("jets")),
        representation=one_of(representations_of_kind("jet-observables")),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        spec=representation_spec,
        code=code_of("build-jet-observables"),
    message:
        "Computing {wildcards.representation} of {wildcards.dataset}"
    shell:
        "jetpulse build-jet-observables {input.samples} {output.observables} --spec {params.spec:q}"
        " --threads {threads} > {log} 2>&1"
