import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

HERE = Path(__file__).parent
CANNOT = 77  # exit code of up.sh where there can be no cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A SLURM of the tests' own, shared by pytest's workers: the first one starts it, the last one ends it.

    JETPULSE_CLUSTER=required fails the tests where it cannot be had, instead of skipping them.
    """
    folder = Path(tempfile.gettempdir()) / "jetpulse-cluster"
    users = folder / "users"
    users.mkdir(parents=True, exist_ok=True)
    mine = users / str(os.getpid())
    with FileLock(folder / "lock"):
        if not any(alive(user) for user in users.iterdir()):
            # Tests that were killed may have left one, perhaps with other settings.
            subprocess.run([HERE / "down.sh", folder], check=True)
        started = subprocess.run([HERE / "up.sh", folder], text=True, capture_output=True, check=False)
        if started.returncode == CANNOT and os.environ.get("JETPULSE_CLUSTER") != "required":
            pytest.skip(f"no SLURM: {started.stderr.strip()}")
        if started.returncode:
            pytest.fail(f"SLURM does not start: {started.stdout}{started.stderr}")
        mine.touch()
    yield
    with FileLock(folder / "lock"):
        mine.unlink()
        if not any(alive(user) for user in users.iterdir()):
            subprocess.run([HERE / "down.sh", folder], check=True)


def alive(user: Path) -> bool:
    """Return whether the process that has left this file still runs."""
    try:
        os.kill(int(user.name), 0)
    except ProcessLookupError:
        user.unlink(missing_ok=True)
        return False
    return True
