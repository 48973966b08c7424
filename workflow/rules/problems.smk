"""Small problems with known answers: generate or read, choose columns."""


rule build_problems:
    """Generate or read the entries of a small problem and deal them to train, val and test.

    Writes one group per split: event, features and, where they are known, label and target.

    Uses wildcard `dataset`.
    """
    input:
        files=files_of,
    output:
        samples="data/{dataset}/samples.h5",
    log:
        "logs/build_problems/{dataset}.log",
    benchmark:
        "results/benchmarks/build_problems/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("problems")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=dataset_spec,
        content=files_content,
        code=samples_code,
    message:
        "Collecting the entries of {wildcards.dataset}"
    shell:
        "jetpulse build-problems {output.samples} --spec {params.spec:q} > {log} 2>&1"


rule build_columns:
    """Choose columns of a small problem's entries by patterns of their names.

    Writes one group per split as the samples have them, with fewer features.

    Uses wildcards `dataset` and `representation`.
    """
    input:
        samples="data/{dataset}/samples.h5",
    output:
        columns="data/{dataset}/{representation}.h5",
    log:
        "logs/build_columns/{dataset}.{representation}.log",
    benchmark:
        "results/benchmarks/build_columns/{dataset}.{representation}.jsonl"
    wildcard_constraints:
        dataset=one_of(datasets_of_kind("problems")),
        representation=one_of(representations_of_kind("columns")),
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=representation_spec,
        code=code_of("build-columns"),
    message:
        "Choosing {wildcards.representation} of {wildcards.dataset}"
    shell:
        "jetpulse build-columns {input.samples} {output.columns} --spec {params.spec:q} > {log} 2>&1"
