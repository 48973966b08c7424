"""Downloads of public files, those of `jetpulse list-sources`."""


rule fetch:
    """Fetch one public file, verify it and put it into place.

    Broken transfers go on where they stopped; what arrives is pinned in config/sources.lock. Set JETPULSE_OFFLINE=1
    to open no connection.

    Uses wildcard `download`, NAME/FILE of a row of the table.
    """
    output:
        file="data/downloads/{download}",
    log:
        "logs/fetch/{download}.log",
    benchmark:
        "results/benchmarks/fetch/{download}.jsonl"
    wildcard_constraints:
        download=one_of(map(re.escape, sources)),
    localrule: True  # nodes of a cluster often have no network
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=source_spec,
        code=code_of("fetch"),
        about=source_about,
    message:
        "Fetching {wildcards.download}: {params.about}"
    shell:
        "jetpulse fetch {wildcards.download:q} {output.file:q} > {log:q} 2>&1"
