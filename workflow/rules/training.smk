"""Training and prediction: generic in dataset, representation, network and seed."""


rule train:
    """Train one network of an experiment with one seed.

    Writes the best weights, their description and the history; the state of an unfinished training is kept
    outside the outputs, which Snakemake deletes when a job fails.

    Uses wildcards `experiment` and `seed`.
    """
    input:
        inputs=inputs_of,
        constituents=constituents_of,
    output:
        model="results/{experiment}/seed{seed}/model.safetensors",
        description="results/{experiment}/seed{seed}/model.json",
        history="results/{experiment}/seed{seed}/history.csv",
    log:
        "logs/train/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/train/{experiment}.seed{seed}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_model()),
    priority: 10  # long jobs first, short ones fill the gaps
    conda:
        training_environment
    threads: training_threads
    resources:
        gpu=training_gpus,
    params:
        spec=training_spec,
        options=constituents_options,
        placement=placement_options,
        code=lambda wildcards: training_code(wildcards, "train"),
    message:
        "Training {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "jetpulse train {input.inputs} {output.model} --spec {params.spec:q} --seed {wildcards.seed}"
        " {params.options:q} --checkpoints .jetpulse/checkpoints --code {params.code} {params.placement:q} > {log} 2>&1"


rule predict:
    """Apply a trained network to the test splits of its own dataset and of those in `test_on`.

    Writes one group per dataset: event and what the task predicts. No entry of theirs may be one that was trained on.

    Uses wildcards `experiment` and `seed`.
    """
    input:
        model="results/{experiment}/seed{seed}/model.safetensors",
        description="results/{experiment}/seed{seed}/model.json",
        tested=test_inputs_of,
        samples=unseen_of,
    output:
        predictions="results/{experiment}/seed{seed}/predictions.h5",
    log:
        "logs/predict/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/predict/{experiment}.seed{seed}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_model()),
    conda:
        "../../envs/cpu.yaml"
    params:
        on=lambda wildcards, input: named_files(tested_on(analysis.experiments[wildcards.experiment]), input.tested),
        samples=samples_options,
        views=views_options,
        code=lambda wildcards: training_code(wildcards, "predict"),
    message:
        "Predicting with {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "jetpulse predict {input.model} {output.predictions} --on {params.on:q} {params.samples:q} {params.views}"
        " > {log} 2>&1"
