"""Figures of trigger control."""


rule plot_control:
    """Draw a trigger policy's returns beside fixed thresholds, and what it does in test episodes.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        histories=per_seed("history.csv"),
        descriptions=per_seed("model.json"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        returns=report(
            "results/{experiment}/figures/returns.svg",
            caption="../report/returns.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "returns"},
        ),
        episodes=report(
            "results/{experiment}/figures/episodes.svg",
            caption="../report/episodes.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "episodes"},
        ),
    log:
        "logs/plot_control/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_control/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of(task="control")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        histories=lambda wildcards, input: [
            f"{seed}={file}" for seed, file in zip(analysis.experiments[wildcards.experiment].seeds, input.histories)
        ],
        code=code_of("plot-control"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-control {input.predictions} --histories {params.histories:q} --samples {input.samples}"
        " --dataset {params.dataset} --returns {output.returns} --episodes {output.episodes} > {log} 2>&1"
