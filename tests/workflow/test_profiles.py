"""What the profiles share with one another, and what is true of all of them."""

import re
from typing import Any

import pytest
import yaml

from tests.workflow.support import ROOT

CLUSTERS = ("slurm", "slurm-apptainer")


def settings(profile: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"profiles/{profile}/config.yaml").read_text(encoding="utf-8"))


def rules() -> dict[str, str]:
    """Return the text of every rule by its name."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    return {name: body for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, re.M | re.S)}


@pytest.mark.parametrize("profile", CLUSTERS)
def test_a_cluster_profile_has_what_the_default_one_has(profile: str) -> None:
    default = settings("default")
    assert default.items() <= settings(profile).items()
    assert default["max-checksum-file-size"] >= 10**9


def test_the_profile_for_containers_differs_in_them_only() -> None:
    plain, contained = map(settings, CLUSTERS)
    added = {key: contained.pop(key) for key in list(contained) if key not in plain}
    assert contained == plain
    assert added == {"software-deployment-method": ["conda", "apptainer"], "apptainer-args": "--nv"}


@pytest.mark.parametrize("section", ["set-resources", "set-threads"])
def test_profiles_name_rules_that_exist(section: str) -> None:
    assert settings("slurm")[section].keys() <= rules().keys()


def test_attempts_are_counted_in_the_profile_and_ask_for_more() -> None:
    assert not [name for name, body in rules().items() if "retries:" in body]
    profile = settings("slurm")
    assert profile["retries"] > 0
    for resources in [profile["default-resources"], *profile["set-resources"].values()]:
        for name in {"mem_mb", "runtime"} & resources.keys():
            assert resources[name].endswith("* attempt")


def test_all_of_an_array_may_be_submitted_at_once() -> None:
    # The plugin waits for ever for the others where only a part of the jobs of a rule may be submitted.
    profile = settings("slurm")
    assert profile["jobs"] >= 1000
    assert int(profile["max-jobs-per-timespan"].split("/")[0]) >= profile["jobs"]
