"""Disks that are full and folders that may not be written, met in processes of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NO_SPACE = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""
NOBODY = """
import os
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""
HDF5 = """
with Writer.create(path, "toy", spec={{}}, units={{}}) as writer:
    for i in range({pieces}):
        x = np.random.default_rng(i).random((1000, {columns}))
        writer.append("train", Block({{"event": np.arange(1000), "x": x}}))
"""
JSON = "dump_json(path, list(range(200_000)))"
SMALL = "dump_json(path, 1)"
MODEL = """
from safetensors.numpy import save_file
from jetpulse.samples import publish
with publish(path) as temporary:
    save_file({{"weight": np.zeros(100_000)}}, temporary)
""".format()


def attempt(path: Path, before: str, body: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Run ``body`` in a process of its own; a UserError is printed and ends it with code 3."""
    lines = [
        "import sys",
        "import numpy as np",
        "from jetpulse.errors import UserError",
        "from jetpulse.samples import Block, Writer, dump_json",
        "path = sys.argv[1]",
        before,
        "try:",
        *("    " + line for line in body.strip().splitlines()),
        "except UserError as error:",
        "    print(error)",
        "    sys.exit(3)",
    ]
    command = [*prefix, sys.executable, "-c", "\n".join(lines), str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def assert_refused(done: subprocess.CompletedProcess, path: Path) -> None:
    assert done.returncode == 3, done
    assert done.stdout.count("\n") == 1, done
    assert f"{path}: cannot be written" in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HDF5.format(pieces=40, columns=10), id="hdf5-grows-too-large"),
        pytest.param(HDF5.format(pieces=1, columns=1000), id="hdf5-in-one-large-piece"),
        pytest.param(HDF5.format(pieces=20, columns=1), id="hdf5-first-written-at-closing"),
        pytest.param(HDF5.format(pieces=20, columns=100), id="hdf5-reads-back-what-it-wrote"),
        pytest.param(JSON, id="json"),
        pytest.param(MODEL, id="safetensors"),
    ],
)
@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_is_a_one_line_error_and_leaves_no_new_file(tmp_path, body, existing):
    path = tmp_path / "out"
    if existing:
        path.write_text("old")
    done = attempt(path, NO_SPACE, body)
    assert_refused(done, path)
    assert [p.name for p in tmp_path.iterdir()] == ["out"] * existing
    if existing:
        assert path.read_text() == "old"


@pytest.fixture
def folder():
    """A folder that other users may enter but not write; unlike tmp_path, all of its parents may be entered."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o555)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.mark.parametrize("body", [SMALL, HDF5.format(pieces=1, columns=1)], ids=["json", "hdf5"])
@pytest.mark.parametrize("below", ["", "new/"])
def test_a_folder_without_permission_is_a_one_line_error(folder, body, below):
    path = folder / f"{below}out"
    done = attempt(path, NOBODY, body)
    assert_refused(done, path)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("body", [SMALL, HDF5.format(pieces=1, columns=1)], ids=["json", "hdf5"])
@pytest.mark.parametrize("below", ["", "new/"])
def test_a_read_only_file_system_is_a_one_line_error(tmp_path, body, below):
    mount = f"mount -t tmpfs -o ro none {tmp_path}"
    namespace = ("unshare", "--mount", *(["--map-root-user"] if os.getuid() else []))
    if shutil.which("unshare") is None or subprocess.run([*namespace, "sh", "-c", mount], check=False).returncode:
        pytest.skip("this machine does not let us mount a read-only file system")
    path = tmp_path / f"{below}out"
    done = attempt(path, "", body, (*namespace, "sh", "-c", f'{mount} && exec "$@"', "sh"))
    assert_refused(done, path)
