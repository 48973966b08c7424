"""Write what decides the results of every stage of dvc.yaml, as Snakemake sees it.

`python workflow/scripts/plan.py results/plan.json` lists, for every stage, its rules with a hash of what Snakemake
compares to find out whether a job has to run again: parameters (config and code), command, input files. Under `from`
is the same of everything upstream, down to the content of files that no rule makes. So a stage's entry changes exactly
if Snakemake wants to run one of its jobs, and DVC, which compares the entries, wants that stage and no other.

Nothing is executed and nothing but the plan is written.
"""

import contextlib
import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.exceptions import WorkflowError
from snakemake.jobs import Job
from snakemake.settings.types import DAGSettings, OutputSettings, Quietness, ResourceSettings

TARGETS = {"all", "versioned"}


def main(out: Path) -> int:
    """Write the plan of the default analysis, config/config.yaml; return the exit code."""
    told = io.StringIO()  # Snakemake's own words, which matter only if it fails
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            plan = look_at_jobs(describe)
    except Exception as error:
        print(told.getvalue(), error, sep="\n", file=sys.stderr)
        return 1
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")
    return 0


def look_at_jobs(look: Callable[[Any, Any], Any]) -> Any:
    """Return what ``look`` says of Snakemake's graph of all jobs and of the function that knows a file's stage."""
    with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
        workflow = api.workflow(resource_settings=ResourceSettings(cores=1), snakefile=Path("Snakefile"))
        workflow.dag(DAGSettings(targets=TARGETS)).execute_workflow(executor="dryrun")
        internal = workflow._workflow  # Snakemake offers no other way to its jobs
        return look(internal.dag, internal.globals["stage_of"])


def describe(dag: Any, stage_of: Any) -> dict[str, Any]:
    """Return stage -> rule -> hash of its jobs, nested as in `experiments` -> `top-cnn` -> `train`."""
    known: dict[Job, str] = {}
    found: dict[str, dict[str, list[str]]] = {}
    for job in sorted((job for job in dag.jobs if job.output), key=str):
        stages = {stage_of(str(file)) for file in job.output}
        if len(stages) > 1:
            raise WorkflowError(f"{job}: its files belong to several stages, {', '.join(map(str, stages))}")
        (stage,) = stages
        if stage is None:
            continue
        entry = found.setdefault(stage, {})
        entry.setdefault(job.rule.name, []).append(own(job))
        entry.setdefault("from", []).extend(upstream(dag, job, known))
    plan: dict[str, Any] = {}
    for stage, rules in found.items():
        section, _, name = stage.partition("@")
        value = {rule: digest(sorted(hashes)) for rule, hashes in rules.items()}
        plan.setdefault(section, {}).update({name: value} if name else value)
    return plan


def own(job: Job) -> str:
    """Return a hash of what makes Snakemake run a job again, apart from the content of its inputs."""
    params = sorted(json.dumps(value, default=str) for value in job.non_derived_params)
    return digest([job.rule.name, job.rule.shellcmd, params, sorted(map(str, job.input)), sorted(map(str, job.output))])


def upstream(dag: Any, job: Job, known: dict[Job, str]) -> list[str]:
    """Return hashes of what a job's inputs are made of; files that no rule makes count with their content."""
    made = {str(file): source for source, files in dag.dependencies[job].items() for file in files}
    hashes = [content(str(file)) for file in job.input if str(file) not in made]
    for source in dag.dependencies[job]:
        if source not in known:
            known[source] = digest([own(source), *sorted(upstream(dag, source, known))])
        hashes.append(known[source])
    return hashes


def content(file: str) -> str:
    """Return the hash of a file's bytes."""
    with Path(file).open("rb") as handle:
        return f"{file}:{hashlib.file_digest(handle, 'sha256').hexdigest()}"


def digest(value: Any) -> str:
    """Return a short hash of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
