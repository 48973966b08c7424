"""Figures of networks that learn spectra without labels."""


rule plot_reconstruction:
    """Draw an autoencoder's reconstructions over data and its latent space.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        reconstruction=report(
            "results/{experiment}/figures/reconstruction.svg",
            caption="../report/reconstruction.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "reconstructions"},
        ),
        latent=report(
            "results/{experiment}/figures/latent.svg",
            caption="../report/latent.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "latent space"},
        ),
    log:
        "logs/plot_reconstruction/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_reconstruction/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of(task="reconstruction")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=code_of("plot-reconstruction"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-reconstruction {input.predictions} --samples {input.samples} --dataset {params.dataset}"
        " --reconstruction {output.reconstruction} --latent {output.latent} > {log} 2>&1"


rule plot_variational:
    """Draw a variational autoencoder's reconstructions, its latent space and what it generates.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        reconstruction=report(
            "results/{experiment}/figures/reconstruction.svg",
            caption="../report/reconstruction_posterior.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "reconstructions"},
        ),
        latent=report(
            "results/{experiment}/figures/latent.svg",
            caption="../report/latent_posterior.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "latent space"},
        ),
        generated=report(
            "results/{experiment}/figures/generated.svg",
            caption="../report/generated.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "generated spectra"},
        ),
    log:
        "logs/plot_variational/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_variational/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of(task="variational")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=code_of("plot-variational"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-variational {input.predictions} --samples {input.samples} --dataset {params.dataset}"
        " --reconstruction {output.reconstruction} --latent {output.latent} --generated {output.generated}"
        " > {log} 2>&1"


rule plot_adversarial:
    """Draw generated beside real spectra.

    Uses wildcard `experiment`.
    """
    input:
        predictions=per_seed("predictions.h5"),
        samples=lambda wildcards: f"data/{analysis.experiments[wildcards.experiment].dataset}/samples.h5",
    output:
        generated=report(
            "results/{experiment}/figures/generated.svg",
            caption="../report/generated.rst",
            category="Experiments",
            subcategory="{experiment}",
            labels={"figure": "generated spectra"},
        ),
    log:
        "logs/plot_adversarial/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_adversarial/{experiment}.jsonl"
    wildcard_constraints:
        experiment=one_of(experiments_of(task="adversarial")),
    conda:
        "../../envs/cpu.yaml"
    params:
        dataset=lambda wildcards: analysis.experiments[wildcards.experiment].dataset,
        code=code_of("plot-adversarial"),
    message:
        "Drawing the results of {wildcards.experiment}"
    shell:
        "jetpulse plot-adversarial {input.predictions} --samples {input.samples} --dataset {params.dataset}"
        " --generated {output.generated} > {log} 2>&1"
