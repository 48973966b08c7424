"""Released models: what is handed to others."""


rule release:
    """Choose one training of an experiment by its validation loss and describe it for people elsewhere.

    Writes its weights and, in model.json, experiment, versions of data and code, seed, metrics and licence.

    Uses wildcard `experiment`.
    """
    input:
        inputs=inputs_of,
        models=per_seed("model.safetensors"),
        descriptions=per_seed("model.json"),
        histories=per_seed("history.csv"),
        metrics=per_seed("metrics.json"),
    output:
        model="results/{experiment}/release/model.safetensors",
        description="results/{experiment}/release/model.json",
    log:
        "logs/release/{experiment}.log",
    benchmark:
        "results/benchmarks/release/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_model()),
    conda:
        "../../envs/cpu.yaml"
    params:
        licence=licence_of,
        views=views_options,
        trained=lambda wildcards: training_code(wildcards, "train"),
        predicts=lambda wildcards: training_code(wildcards, "predict"),
        code=code_of("release"),
    message:
        "Releasing a model of {wildcards.experiment}"
    shell:
        "jetpulse release {output.model} {input.inputs} --experiment {wildcards.experiment}"
        " --models {input.models} --metrics {input.metrics} --licence {params.licence:q}"
        " --train-code {params.trained} --predict-code {params.predicts} {params.views} > {log} 2>&1"
