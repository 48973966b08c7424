"""Scans: one or several keys of an experiment varied, and the search for better settings."""


rule summarise_scan:
    """Draw and tabulate a scan: metrics against the values of the keys that are varied.

    Uses wildcard `scan`.
    """
    input:
        metrics=points_of,
    output:
        figure=report(
            "results/scans/{scan}/scan.svg",
            caption="../report/scan.rst",
            category="Scans",
            subcategory="{scan}",
            labels={"figure": "scan"},
        ),
        table=report(
            "results/scans/{scan}/table.html",
            caption="../report/scan_table.rst",
            category="Scans",
            subcategory="{scan}",
            labels={"figure": "table"},
        ),
        summary="results/scans/{scan}/scan.csv",
    log:
        "logs/summarise_scan/{scan}.log",
    benchmark:
        "results/benchmarks/summarise_scan/{scan}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=scan_spec,
        results=lambda wildcards, input: named_files(scans[wildcards.scan].experiments(), input.metrics),
        code=lambda wildcards: code_of("summarise-scan", *columns_of([scans[wildcards.scan].base])),
    message:
        "Summarising the scan {wildcards.scan}"
    shell:
        "jetpulse summarise-scan --spec {params.spec:q} --results {params.results:q} --figure {output.figure}"
        " --table {output.table} --summary {output.summary} > {log} 2>&1"


rule search:
    """Search for the settings of an experiment with which its network does best on the validation split.

    Uses wildcard `search`.
    """
    input:
        inputs=lambda wildcards: f"data/{searched(wildcards).dataset}/{searched(wildcards).representation}.h5",
        constituents=lambda wildcards: constituents_of(as_experiment(wildcards)),
    output:
        trials="results/searches/{search}/trials.csv",
        best="results/searches/{search}/best.yaml",
        figure=report(
            "results/searches/{search}/search.svg",
            caption="../report/search.rst",
            category="Scans",
            subcategory="{search}",
            labels={"figure": "search"},
        ),
    log:
        "logs/search/{search}.log",
    benchmark:
        "results/benchmarks/search/{search}.jsonl"
    priority: 10  # long jobs first, short ones fill the gaps
    conda:
        search_environment
    threads: lambda wildcards: searched(wildcards).training.threads
    resources:
        gpu=lambda wildcards: training_gpus(as_experiment(wildcards)),
    params:
        spec=search_spec,
        folder=lambda wildcards, output: os.path.dirname(output.trials),
        options=constituents_options,
        placement=placement_options,
        code=lambda wildcards: training_code(as_experiment(wildcards), "search"),
    message:
        "Searching for settings: {wildcards.search}"
    shell:
        "jetpulse search {input.inputs} {params.folder} --spec {params.spec:q} {params.options:q}"
        " --checkpoints .jetpulse/checkpoints --code {params.code} {params.placement:q} > {log} 2>&1"
