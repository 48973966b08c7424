"""Many small jobs, each submitted for itself."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.support import MANY, running, write_workflow

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
        assert run.finish(600) == 0
        jobs = run.jobs()
        assert len({job.number for job in jobs}) == 60
        assert Counter(job.state for job in jobs) == {"COMPLETED": 60}
        assert run.output.count("Finished jobid") == 61
    assert [(tmp_path / f"out/{number}.txt").read_text() for number in range(60)] == [f"{n}\n" for n in range(60)]
