"""dvc.yaml and Snakemake name the same stages and the same files; nothing is executed here."""

import json
import re
from pathlib import Path

import pytest
import yaml

from jetpulse.config import load_config
from tests.versions.support import SMALL, attempt, make_project, outputs, run, write_own
from tests.workflow.support import ROOT, edit

TINY = (ROOT / "config/tiny.yaml").read_text(encoding="utf-8")
READY = sorted(path.name for path in (ROOT / "config").glob("*.yaml") if path.stem not in ("config", "defaults"))
# Rules of which a stage of dvc.yaml with the same name must not need a file of a later one.
ORDER = ("datasets", "experiments", "scans", "searches", "comparison")


@pytest.fixture(scope="module", params=["default", "tiny"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("stages") / "p", None if request.param == "default" else TINY)


@pytest.fixture(scope="module")
def graph(project: Path) -> tuple[dict[str, str | None], list[list[str | None]]]:
    return outputs(project)


@pytest.fixture(scope="module")
def outs(project: Path) -> dict[str, list[str]]:
    return dvc_outs(project)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict]]:
    """A project to edit, and its plan before that."""
    folder = make_project(tmp_path_factory.mktemp("small") / "p", SMALL)
    return folder, entries(folder)


def dvc_outs(folder: Path) -> dict[str, list[str]]:
    """Return the outputs of every stage, templates filled in by DVC itself."""
    code = "import json; from dvc.repo import Repo; stages = Repo().index.stages; "
    code += "print('JSON' + json.dumps({s.addressing: [str(o) for o in s.outs] for s in stages}))"
    return json.loads(run(folder, "python", "-c", code).split("JSON")[-1])


def test_every_file_belongs_to_the_outputs_of_exactly_one_stage_of_the_same_name(outs: dict, graph: tuple) -> None:
    found, _ = graph
    assert len(found) > 50
    for file, stage in found.items():
        owners = [name for name, paths in outs.items() if any(file == p or file.startswith(p + "/") for p in paths)]
        # Single trainings of scans can be had again.
        assert owners == ([] if stage is None else [stage]), file
        if stage is None:
            assert file.split("/")[1].startswith("tiny-data-")


def test_stages_are_those_of_the_config_and_make_something(project: Path, outs: dict, graph: tuple) -> None:
    analysis = load_config(project / "config/config.yaml")
    names = {f"{kind}@{name}" for kind in ORDER[:-1] for name in getattr(analysis, kind)}
    assert set(outs) == names | {"plan", "comparison", "report"}
    made = set(graph[0].values()) - {None}
    assert made == set(outs) - {"plan", "report"}


def test_every_ready_made_analysis_has_its_stages_when_it_is_copied_to_the_default(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "p")
    code = "import shutil, sys; from dvc.repo import Repo\nfor name in sys.argv[1:]:\n"
    code += "    shutil.copy(f'config/{name}', 'config/config.yaml')\n"
    code += "    print(name, *(stage.addressing for stage in Repo().index.stages))"
    lines = [line.split() for line in run(folder, "python", "-c", code, *READY).splitlines()]
    found = {name: set(stages) for name, *stages in lines if name in READY}
    assert len(found) > 10
    for name, stages in found.items():
        analysis = load_config(ROOT / "config" / name)
        wanted = {f"{kind}@{entry}" for kind in ORDER[:-1] for entry in getattr(analysis, kind)}
        assert stages == wanted | {"plan", "comparison", "report"}, name


def test_a_stage_needs_no_file_of_a_later_one_or_of_its_neighbour(graph: tuple) -> None:
    for stage, needed in graph[1]:
        if stage is None or needed is None or stage == needed:
            continue
        assert ORDER.index(needed.split("@")[0]) < ORDER.index(stage.split("@")[0]), (stage, needed)


def test_dvc_runs_stages_in_that_order(project: Path) -> None:
    text = run(project, "dvc", "repro", "--dry", "--force")
    kinds = [name.split("@")[0] for name in re.findall(r"Running stage '(.+)'", text)]
    assert kinds == sorted(kinds, key=("plan", *ORDER, "report").index)


def test_artifacts_are_the_released_models_of_the_default_analysis() -> None:
    artifacts = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["artifacts"]
    experiments = load_config(ROOT / "config/config.yaml").experiments
    assert {name: value["path"] for name, value in artifacts.items()} == {
        name: f"results/{name}/release" for name, value in experiments.items() if value.model
    }
    for name, value in artifacts.items():
        assert value["type"] == "model"
        assert value["desc"]
        assert value["labels"][0] == experiments[name].task


def test_nothing_persists_and_caches_are_copies() -> None:
    assert "persist" not in (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert 'type = "reflink,copy"' in (ROOT / ".dvc/config").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("config/config.yaml", "epochs: 2", "epochs: 3", {"experiments@lines", "comparison"}),
        ("config/config.yaml", "bins: 40", "bins: 41", {"datasets@few", "experiments@lines", "comparison"}),
        ("config/config.yaml", "experiments:", "experiments: # two", set()),
        ("workflow/jetpulse/models/autoencoder.py", '"""', '"""\n', set()),
        ("workflow/jetpulse/figures/training.py", '"epoch"', '"epochs"', {"experiments@lines", "experiments@finder"}),
        ("inputs/README.md", "A place", "The place", set()),
        ("README.md", "jetpulse", "Jetpulse", set()),
    ],
)
def test_the_plan_of_a_stage_changes_with_what_decides_it(
    small: tuple[Path, dict], file: str, old: str, new: str, stages: set[str]
) -> None:
    project, before = small
    text = (project / file).read_bytes()
    edit(project / file, old, new)
    after = entries(project)
    (project / file).write_bytes(text)
    assert {name for name in before | after if before.get(name) != after.get(name)} == stages


def test_the_plan_changes_with_the_content_of_own_files(small: tuple[Path, dict]) -> None:
    project, before = small
    write_own(project / "inputs/own.npz", seed=2)
    after = entries(project)
    write_own(project / "inputs/own.npz")
    assert {name for name in before if before[name] != after[name]} == {
        "datasets@own",
        "experiments@finder",
        "comparison",
    }


def test_a_mistake_in_the_config_is_told_by_the_plan(small: tuple[Path, dict]) -> None:
    project, _ = small
    edit(project / "config/config.yaml", "epochs: 2", "epoch: 2")
    code, text = attempt(project, "dvc", "repro")
    edit(project / "config/config.yaml", "epoch: 2", "epochs: 2")
    assert code != 0
    assert "did you mean 'epochs'?" in text
    assert not (project / "data").exists()


def entries(project: Path) -> dict[str, dict]:
    """Return the plan's entries by the name of their stage."""
    run(project, "python", "workflow/scripts/plan.py", "results/plan.json")
    plan = json.loads((project / "results/plan.json").read_text(encoding="utf-8"))
    named = {f"{kind}@{name}": value for kind in ORDER[:-1] for name, value in plan.get(kind, {}).items()}
    return named | {"comparison": plan["comparison"]}
