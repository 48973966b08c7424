"""Two jobs, one of them with a GPU: what `make test` sees of SLURM where there is or can be one; the rest is slower."""

from pathlib import Path

import pytest

from tests.cluster.support import CHAIN, running, write_workflow

pytestmark = pytest.mark.usefixtures("cluster")

TWO = """
rule all:
    input: "gpu.txt"

rule plain:
    output: "cpu.txt"
    shell: "echo $SLURM_JOB_PARTITION GPU:${{CUDA_VISIBLE_DEVICES:-}} > {output}"

rule fast:
    input: "cpu.txt"
    output: "gpu.txt"
    resources: gpu=1
    shell: "(cat {input}; echo $SLURM_JOB_PARTITION GPU:${{CUDA_VISIBLE_DEVICES:-}}) > {output}"
"""


def test_jobs_go_to_their_partitions_and_get_their_gpu(tmp_path: Path) -> None:
    with running(write_workflow(tmp_path, TWO, CHAIN)) as run:
        assert run.finish() == 0, run.output
        assert [(job.rule, job.state, job.partition) for job in run.jobs()] == [
            ("plain", "COMPLETED", "cpu"),
            ("fast", "COMPLETED", "gpu"),
        ]
    assert (tmp_path / "gpu.txt").read_text().splitlines() == ["cpu GPU:", "gpu GPU:0"]
