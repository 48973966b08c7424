"""Many small jobs, each submitted for itself, and jobs of unequal length in arrays."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.support import MANY, running, write_workflow
from tests.workflow.support import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]

SMALL = """
rule all:
    input: expand("out/{number}.txt", number=range(60))

rule small:
    output: "out/{number}.txt"
    resources: mem_mb=500
    shell: "echo {wildcards.number} > {output}"
"""


def test_sixty_small_jobs_pass(tmp_path: Path) -> None:
    with running(write_workflow(tmp_path, SMALL, MANY)) as run:
        assert run.finish() == 0
        jobs = run.jobs()
        assert len({job.number for job in jobs}) == 60
        assert Counter(job.state for job in jobs) == {"COMPLETED": 60}
        assert run.output.count("Finished jobid") == 61
    assert [(tmp_path / f"out/{number}.txt").read_text() for number in range(60)] == [f"{n}\n" for n in range(60)]


UNEVEN = f"""
include: "{ROOT}/workflow/rules/arrays.smk"

rule all:
    input: expand("out/{{number}}.txt", number=range(5))

rule uneven:
    output: "out/{{number}}.txt"
    resources: mem_mb=500
    shell:
        "if [ $SLURM_ARRAY_TASK_ID = $SLURM_ARRAY_TASK_MIN ]; then sleep 45; fi;"
        " echo {{wildcards.number}} $SLURM_ARRAY_TASK_ID > {{output}}"
"""


def test_tasks_of_arrays_do_not_wait_for_one_another(tmp_path: Path) -> None:
    """The first of each takes longer than the others and `latency-wait`."""
    arrays = ("--slurm-array-jobs", "uneven", "--slurm-array-limit", "3", "--retries", "0")
    with running(write_workflow(tmp_path, UNEVEN, MANY), *arrays) as run:
        assert run.finish() == 0, run.output
        jobs = run.jobs()
        assert Counter(job.state for job in jobs) == {"COMPLETED": 5}
        assert sorted(Counter(job.array for job in jobs).values()) == [2, 3]
    made = [(tmp_path / f"out/{number}.txt").read_text().split() for number in range(5)]
    assert [number for number, _ in made] == [str(number) for number in range(5)]
    assert sorted(task for _, task in made) == ["1", "2", "3", "4", "5"]
