"""A folder data/ that is a link to a larger disk."""

import subprocess
import sys
from pathlib import Path

import yaml

from tests.workflow.support import ROOT


def test_files_behind_a_link_are_recorded(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (tmp_path / "large/few").mkdir(parents=True)
    (tmp_path / "large/few/samples.h5").write_bytes(b"bytes")
    project.mkdir()
    (project / "data").symlink_to("../large")
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=project, check=True)
    stage = {"cmd": "true", "outs": ["data/few"]}
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"few": stage}}))
    scripts = ROOT / "workflow/scripts"
    subprocess.run(
        [sys.executable, "-c", "import save; save.commit()"], cwd=project, check=True, env={"PYTHONPATH": str(scripts)}
    )
    (out,) = yaml.safe_load((project / "dvc.lock").read_text())["stages"]["few"]["outs"]
    assert (out["path"], out["nfiles"]) == ("data/few", 1)
    assert sorted(path.name for path in (tmp_path / "large").iterdir()) == ["few"]
