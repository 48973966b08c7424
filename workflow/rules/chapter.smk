"""The report's chapter of small problems."""


rule tell_problems:
    """Write the chapter of small problems: question, methods, figures, numbers and references of each."""
    input:
        metrics=lambda wildcards: [f"results/{name}/metrics.json" for name in problems()],
        figures=[file for _, file in chapter_figures()],
    output:
        page=report(
            "results/comparison/problems.html",
            caption="../report/chapter.rst",
            category="Problems",
            labels={"figure": "all problems"},
        ),
    log:
        "logs/tell_problems.log",
    benchmark:
        "results/benchmarks/tell_problems.jsonl"
    conda:
        "../../envs/cpu.yaml"
    params:
        spec=chapter_spec(),
        questions=chapter_questions(),
        results=lambda wildcards, input: named_files(problems(), input.metrics),
        figures=lambda wildcards, input: named_files([name for name, _ in chapter_figures()], input.figures),
        code=code_of("tell-problems", *columns_of(problems())),
    message:
        "Writing the chapter of small problems"
    shell:
        "jetpulse tell-problems {output.page} --spec {params.spec:q} --questions {params.questions:q}"
        " --results {params.results:q} --figures {params.figures:q} > {log} 2>&1"
