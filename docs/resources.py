"""The table of docs/cluster.md: what every rule asks a cluster for, as Snakemake works it out from profile and rules.

`make document-resources` writes it; `python docs/resources.py --check` says whether it is up to date.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from snakemake import cli
from snakemake.api import SnakemakeApi
from snakemake.iocontainers import InputFiles, Wildcards
from snakemake.rules import Rule
from snakemake.settings.types import (
    ConfigSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
    StorageSettings,
    WorkflowSettings,
)

PAGE = Path(__file__).parent / "cluster.md"
BEGIN, END = "<!-- resources: made by `make document-resources` -->\n", "<!-- end of resources -->\n"
# Trainings that may ask for different things.
TRAININGS = {
    "device: auto": {},
    "device: cpu": {"device": "cpu"},
    "device: cuda": {"device": "cuda"},
    "device: cuda, processes: 2": {"device": "cuda", "processes": 2},
}
# What Snakemake works out besides, and SLURM never sees.
UNSEEN = ("tmpdir", "disk", "disk_mb", "disk_mib", "mem", "mem_mib", "_nodes")


def analysis() -> dict[str, Any]:
    """Return a config with an experiment and a search of every kind of training."""
    experiments = {
        f"e{number}": {"dataset": "jets", "model": {"name": "particle-flow"}, "training": training}
        for number, training in enumerate(TRAININGS.values())
    }
    space = {"training.learning_rate": {"low": 1e-4, "high": 1e-2}}
    searches = {
        name: {"experiment": name, "trials": 1, "space": space}
        for name, experiment in experiments.items()
        if "processes" not in experiment["training"]  # a search trains in one process
    }
    jets = {"kind": "jets", "source": {"simulation": {"jets_per_class": 10}}}
    return {"datasets": {"jets": jets}, "experiments": experiments, "searches": searches}


def read_rules(profile: str) -> list[Rule]:
    """Return the workflow's rules that run jobs, with the resources that a profile gives them."""
    _, given = cli.parse_args(["--workflow-profile", profile, "--dry-run"])
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(
                cores=1024,  # more than any job asks for: Snakemake would lower its threads
                overwrite_threads=given.set_threads,
                overwrite_resources=given.set_resources,
                default_resources=given.default_resources,
            ),
            config_settings=ConfigSettings(config=analysis()),
            storage_settings=StorageSettings(),
            workflow_settings=WorkflowSettings(),
            snakefile=Path("Snakefile"),
        )
        return [rule for rule in workflow._workflow.rules if rule.shellcmd]


def asked(rule: Rule, experiment: str, attempt: int) -> dict[str, Any]:
    """Return what a rule's job asks for, at an attempt, before its inputs are there."""
    names = {"experiment": experiment, "search": experiment, "dataset": "jets", "seed": "1"}
    values = dict(rule.expand_resources(Wildcards(fromdict=names), InputFiles([]), attempt).items())
    return {name: value for name, value in values.items() if name not in UNSEEN}


def grows_with_inputs(rule: Rule, name: str) -> bool:
    """Return whether a resource depends on the size of a job's inputs."""
    expressions = [str(rule.resources[key].raw) for key in (name, name.removesuffix("_mb")) if key in rule.resources]
    return any("input" in expression for expression in expressions)


def cells(rule: Rule, experiment: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return CPUs, memory, time and GPUs as texts, for two attempts where these differ, and the rest."""
    attempts = [asked(rule, experiment, attempt) for attempt in (1, 2)]

    def cell(name: str, form: Any = str) -> str:
        texts = [form(values[name]) if values.get(name) not in (None, "", 0) else "" for values in attempts]
        return " / ".join(dict.fromkeys(texts)) + " +" * grows_with_inputs(rule, name)

    known = ("_cores", "mem_mb", "runtime", "gpu")
    others = sorted({name for values in attempts for name in values} - set(known))
    rest = [f"`{name}: {cell(name)}`" for name in others if cell(name)]
    if rule.name in rule.workflow._localrules:
        rest = ["on the login node"]
    return (cell("_cores"), cell("mem_mb", memory), cell("runtime", duration), cell("gpu")), tuple(rest)


def memory(megabytes: int) -> str:
    """Return a memory as a text."""
    return f"{megabytes / 1000:g} GB" if megabytes >= 1000 else f"{megabytes} MB"


def duration(minutes: int) -> str:
    """Return a time as a text."""
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes} min"


def rows(rule: Rule) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the cells of a rule by its name, or of its different trainings by name and settings."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for number, (label, training) in enumerate(TRAININGS.items()):
        if "search" in rule.wildcard_names and "processes" in training:
            continue
        found.setdefault(cells(rule, f"e{number}"), []).append(f"`{label}`")
    if len(found) == 1:
        return {f"`{rule.name}`": next(iter(found))}
    return {f"`{rule.name}` with {' or '.join(labels)}": texts for texts, labels in found.items()}


def render(profile: str) -> str:
    """Return the table, a line for rules that ask for the same, and what all of them ask for."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for rule in read_rules(profile):
        for name, texts in rows(rule).items():
            alike.setdefault(texts, []).append(name)
    submitted = [set(rest) for _, rest in alike if rest != ("on the login node",)]
    common = set.intersection(*submitted)
    lines = ["| rules | CPUs | memory | time | GPUs | besides |", "| --- | --- | --- | --- | --- | --- |"]
    for (texts, rest), names in alike.items():
        own = ", ".join(text for text in rest if text not in common)
        lines.append(f"| {', '.join(names)} | {' | '.join(texts)} | {own} |")
    if common:
        lines += ["", f"Every job asks for {', '.join(sorted(common))} as well."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table into the page, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="profiles/slurm")
    parser.add_argument("--check", action="store_true", help="fail if the page has another table")
    options = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    made = before + BEGIN + render(options.profile) + END + rest.split(END)[1]
    if made == text:
        return
    if options.check:
        sys.exit(f"{PAGE}: the table of resources is out of date; run `make document-resources`")
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
