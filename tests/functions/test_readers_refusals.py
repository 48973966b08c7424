"""Bad files, given to the command: one clear line, exit code 1, nothing left behind."""

import json
import os
import shutil
from pathlib import Path

import pytest

from bad_jet_files import CASES
from jet_formats import write_example
from jetpulse.cli import main

# Each file is right, but too little is left of them.
ABOUT_THE_DATASET = ("no jets", "nothing in the window", "every jet of some class")


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_gives_one_line_and_leaves_nothing(name: str, tmp_path: Path, capsys) -> None:
    format, write, words, *options = CASES[name]
    path = write(tmp_path / "jets.bin")
    out = tmp_path / "out"
    out.mkdir()
    spec = {"kind": "jets", "source": {"files": {"test": str(path)}, "format": format, **(options or [{}])[0]}}
    if format == "delphes" and "select" not in spec["source"]:
        spec["source"]["select"] = {"pt": [100, 900]}
    assert main(["build-jet-samples", str(out / "samples.h5"), "--spec", json.dumps(spec)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jetpulse build-jet-samples:")]
    assert len(lines) == 1, lines
    about = out / "samples.h5" if name in ABOUT_THE_DATASET else path
    assert lines[0].startswith(f"jetpulse build-jet-samples: {about}: ")
    for word in words:
        assert word in lines[0]
    assert list(out.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_gives_one_line(tmp_path, capsys) -> None:
    path, source = write_example("npz", tmp_path / "jets")
    path.chmod(0)
    spec = {"kind": "jets", "source": source}
    assert main(["build-jet-samples", str(tmp_path / "s.h5"), "--spec", json.dumps(spec)]) == 1
    assert "permission denied" in capsys.readouterr().err


def test_a_name_of_a_file_may_have_any_characters(tmp_path) -> None:
    path, source = write_example("tree", tmp_path / "a.root")
    odd = tmp_path / "jets: täst [1] {x}.root"
    shutil.move(path, odd)
    source["files"] = {"test": str(odd)}
    spec = json.dumps({"kind": "jets", "source": source})
    assert main(["build-jet-samples", str(tmp_path / "s.h5"), "--spec", spec]) == 0
