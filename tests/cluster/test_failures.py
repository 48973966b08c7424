"""Jobs that fail, last too long, take too much memory, are cancelled, lose their node or their Snakemake."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.support import Run, jobs, running, slurm, wait_until, write_workflow
from tests.workflow.support import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cluster")]

FAILURES = """
rule all:
    input: expand("{name}.txt", name=["fails", "too_long", "too_large", "cancelled", "good", "above"])

rule fails:
    output: "fails.txt"
    log: "logs/fails.log"
    shell: "(echo half > {output}; echo 'jets.h5: no such group: train' >&2; exit 3) 2> {log}"

rule too_long:
    output: "too_long.txt"
    resources: runtime=1
    shell: "echo half > {output}; sleep 600"

rule too_large:
    output: "too_large.txt"
    resources: mem_mb=600
    shell: "echo half > {output}; python3 -c 'import time; keep = bytearray(1 << 30); time.sleep(600)'"

rule cancelled:
    output: "cancelled.txt"
    shell: "echo half > {output}; sleep 600"

rule good:
    output: "good.txt"
    shell: "sleep 5; echo whole > {output}"

rule above:
    input: "fails.txt"
    output: "above.txt"
    shell: "cp {input} {output}"
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory, cluster: None) -> Iterator[Run]:
    """A finished run of jobs that end badly, each in its own way, without second attempts."""
    folder = write_workflow(tmp_path_factory.mktemp("failures"), FAILURES)
    with running(folder, "--retries", "0") as run:
        wait_until((folder / "cancelled.txt").exists, "the job that is to be cancelled does not start")
        slurm("scancel", run.jobs("cancelled")[0].number)
        assert run.finish() == 1
        yield run


# Where memory is watched by cgroups, which this cluster does without, the state of `too_large` is OUT_OF_MEMORY.
@pytest.mark.parametrize(
    ("rule", "state"),
    [("fails", "FAILED"), ("too_long", "TIMEOUT"), ("too_large", "FAILED"), ("cancelled", "CANCELLED")],
)
def test_a_failed_job_is_named_with_its_state_and_leaves_nothing(failures: Run, rule: str, state: str) -> None:
    [job] = failures.jobs(rule)
    assert job.state == state
    assert f"Error in rule {rule}:" in failures.output
    assert f"SLURM-job '{job.number}' failed, SLURM status is: '{state}'" in failures.output
    assert not (failures.folder / f"{rule}.txt").exists()
    logs = list((failures.folder / "logs/slurm" / f"rule_{rule}").rglob(f"{job.number}.log"))
    assert len(logs) == 1


def test_reasons_are_readable(failures: Run) -> None:
    # The command's own words are shown at once, SLURM's are in the log of the job.
    assert "jets.h5: no such group: train" in failures.output
    words = {"too_long": "DUE TO TIME LIMIT", "too_large": "exceeded memory limit", "cancelled": "CANCELLED"}
    for rule, word in words.items():
        [log] = (failures.folder / "logs/slurm" / f"rule_{rule}").rglob("*.log")
        assert word in log.read_text(encoding="utf-8"), rule


def test_others_go_on_and_what_depends_on_a_failure_is_not_started(failures: Run) -> None:
    assert (failures.folder / "good.txt").read_text(encoding="utf-8") == "whole\n"
    assert failures.states("good") == ["COMPLETED"]
    assert not failures.jobs("above")


LARGE = """
rule large:
    output: "large.txt"
    resources: mem_mb=lambda wildcards, attempt: 600 * attempt ** 2
    shell:
        "python3 -c 'import time; keep = bytearray(1 << 30); time.sleep(600 if {resources.mem_mb} < 1024 else 0)';"
        " echo whole > {output}"
"""


def test_a_second_attempt_with_more_memory_succeeds(tmp_path: Path) -> None:
    with running(write_workflow(tmp_path, LARGE)) as run:
        assert run.finish() == 0
        assert run.states("large") == ["FAILED", "COMPLETED"]
    assert (tmp_path / "large.txt").read_text(encoding="utf-8") == "whole\n"


TWO = """
rule all:
    input: "both.txt"

rule one:
    output: "{name}.txt"
    shell:
        "echo started >> starts-{wildcards.name}; echo half > {output};"
        " until [ -e go-on ]; do sleep 0.3; done; echo whole > {output}"

rule both:
    input: "a.txt", "b.txt"
    output: "both.txt"
    shell: "cat {input} > {output}"
"""


def test_jobs_of_a_node_that_goes_down_run_again_when_it_is_back(tmp_path: Path) -> None:
    with running(write_workflow(tmp_path, TWO)) as run:
        wait_until(lambda: len(list(tmp_path.glob("starts-*"))) == 2, "the jobs do not start")
        slurm("scontrol", "update", "nodename=node-spare", "state=down", "reason=test")
        wait_until(lambda: run.states("one") == ["PENDING"] * 2, "the jobs are not queued again")
        (tmp_path / "go-on").touch()
        slurm("scontrol", "update", "nodename=node-spare", "state=resume")
        assert run.finish() == 0
        assert run.states("one") == ["COMPLETED"] * 2
    assert (tmp_path / "both.txt").read_text(encoding="utf-8") == "whole\nwhole\n"
    assert (tmp_path / "starts-a").read_text(encoding="utf-8") == "started\n" * 2


KILLED = """
rule all:
    input: "both.txt"

rule quick:
    output: "quick.txt"
    shell: "echo run >> runs-quick; echo whole > {output}"

rule slow:
    input: "quick.txt"
    output: "slow.txt"
    shell:
        "echo run >> runs-slow; echo half > {output};"
        " until [ -e go-on ]; do sleep 0.3; done; echo whole > {output}"

rule both:
    input: "quick.txt", "slow.txt"
    output: "both.txt"
    shell: "cat {input} > {output}"
"""


def test_a_killed_snakemake_is_started_again_and_goes_on(tmp_path: Path) -> None:
    write_workflow(tmp_path, KILLED)
    with running(tmp_path) as first:
        wait_until((tmp_path / "runs-slow").exists, "the slow job does not start")
        first.kill()
        # Its job lives on; two must not write the same file.
        assert first.states("slow") == ["RUNNING"]
        with running(tmp_path) as locked:
            assert locked.finish() == 1
            assert "--unlock" in locked.output
        slurm("scancel", "--name", first.name)
        wait_until(lambda: first.states("slow") == ["CANCELLED"], "the job is not cancelled")
    (tmp_path / "go-on").touch()
    with running(tmp_path, "--unlock") as unlocking:
        assert unlocking.finish() == 0
    with running(tmp_path) as second:
        assert second.finish() == 0
        assert [job.rule for job in jobs(second.name)] == ["slow", "both"]
    assert (tmp_path / "both.txt").read_text(encoding="utf-8") == "whole\nwhole\n"
    assert (tmp_path / "runs-quick").read_text(encoding="utf-8") == "run\n"


GPU = """
rule train:
    output: "model.txt"
    resources: gpu=1
    shell: "echo whole > {output}"
"""


def test_a_gpu_is_refused_at_once_while_no_partition_with_gpus_is_named(tmp_path: Path) -> None:
    write_workflow(tmp_path, GPU)
    shutil.copy2(ROOT / "profiles/slurm/partitions.yaml", tmp_path / "profiles/slurm/partitions.yaml")
    with running(tmp_path, "--retries", "0") as run:
        assert run.finish() == 1
        assert "Requested node configuration is not available" in run.output
    assert not (tmp_path / "model.txt").exists()


def test_a_partition_that_does_not_exist_is_named(tmp_path: Path) -> None:
    write_workflow(tmp_path, GPU)
    with running(
        tmp_path, "--retries", "0", "--default-resources", "slurm_partition=hall-of-fame", "mem_mb=500"
    ) as run:
        assert run.finish() == 1
        assert "invalid partition specified: hall-of-fame" in run.output
