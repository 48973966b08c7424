"""What `save` and `pull` share: is Snakemake at work, running a command of either engine, ending in one message."""

import os
import subprocess
import sys
from pathlib import Path

# The engines beside this Python, be they on the PATH or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def refuse_while_snakemake_runs() -> None:
    """Stop if Snakemake holds its lock."""
    if any(Path(".snakemake/locks").glob("*")):
        name = Path(sys.argv[0]).stem
        stop(f"Snakemake is at work here (or was killed: then `snakemake --unlock`); {name} when it has finished")


def run(*command: str) -> str:
    """Run a command and return what it says; stop with its words if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        stop(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def stop(reason: str) -> None:
    """End with a message that begins with the script's name."""
    sys.exit(f"{Path(sys.argv[0]).stem}: {reason}")
