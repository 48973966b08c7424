"""Understanding and using trained networks: calibration, saliency, mass sculpting, ONNX."""


rule calibrate:
    """Fit the temperature of a trained classifier on the validation split.

    Not for datasets without one: there is nothing to fit on that the network has not seen or is not judged by.

    Uses wildcards `experiment` and `seed`.
    """
    input:
        model="results/{experiment}/seed{seed}/model.safetensors",
        description="results/{experiment}/seed{seed}/model.json",
        inputs=inputs_of,
    output:
        calibration="results/{experiment}/seed{seed}/calibration.json",
    log:
        "logs/calibrate/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/calibrate/{experiment}.seed{seed}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_calibration()),
    conda:
        "../../envs/cpu.yaml"
    params:
        views=views_options,
        code=lambda wildcards: training_code(wildcards, "calibrate"),
    message:
        "Calibrating {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "jetpulse calibrate {input.model} {input.inputs} {output.calibration} {params.views} > {log} 2>&1"


rule export_onnx:
    """Write a trained network as ONNX; made on request only.

    Uses wildcards `experiment` and `seed`.
    """
    input:
        model="results/{experiment}/seed{seed}/model.safetensors",
        description="results/{experiment}/seed{seed}/model.json",
    output:
        network="results/{experiment}/seed{seed}/model.onnx",
    log:
        "logs/export_onnx/{experiment}.seed{seed}.log",
    benchmark:
        "results/benchmarks/export_onnx/{experiment}.seed{seed}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_model()),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=lambda wildcards: training_code(wildcards, "export-onnx"),
    message:
        "Writing {wildcards.experiment}, seed {wildcards.seed}, as ONNX"
    shell:
        "jetpulse export-onnx {input.model} {output.network} > {log} 2>&1"


rule plot_saliency:
    """Draw what an experiment's first training looks at in jets of the test split.

    Uses wildcard `experiment`.
    """
    input:
        model=lambda wildcards: per_seed("model.safetensors")(wildcards)[0],
        description=lambda wildcards: per_seed("model.json")(wildcards)[0],
        inputs=inputs_of,
    output:
        figure=report(
            "results/{experiment}/figures/saliency.svg",
            caption="../report/saliency.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "saliency"},
        ),
    log:
        "logs/plot_saliency/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_saliency/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(with_saliency()),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=lambda wildcards: training_code(wildcards, "plot-saliency"),
    message:
        "Drawing what {wildcards.experiment} looks at"
    shell:
        "jetpulse plot-saliency {input.model} {input.inputs} {output.figure} > {log} 2>&1"


rule plot_sculpting:
    """Draw what cuts on a jet classifier's score do to the mass of background jets, with the divergences as JSON.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        figure=report(
            "results/{experiment}/figures/sculpting.svg",
            caption="../report/sculpting.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "mass sculpting"},
        ),
        numbers="results/{experiment}/sculpting.json",
    log:
        "logs/plot_sculpting/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_sculpting/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of("jets", "classification")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=code_of("plot-sculpting"),
    message:
        "Drawing how {wildcards.experiment} sculpts the mass"
    shell:
        "jetpulse plot-sculpting {input.predictions} --samples {input.samples} --dataset {params.dataset}"
        " --figure {output.figure} --numbers {output.numbers} > {log} 2>&1"
