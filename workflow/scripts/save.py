"""Keep what a plain `snakemake` has made: record it in dvc.lock and in DVC's cache; nothing is run again.

`make save`, then `git commit dvc.lock` and `dvc push`.
"""

import subprocess
import sys
from pathlib import Path

REPORT = Path("results/report.html")


def main() -> None:
    """Record the results if Snakemake has nothing left to do."""
    if locked():
        stop("Snakemake is at work here (or was killed: then `snakemake --unlock`); save when it has finished")
    planned = run("snakemake", "--dry-run", "--cores", "1", "all", "versioned")
    if "Nothing to be done" not in planned:
        stop("results are not up to date; run `snakemake --cores all all versioned` first. What is left:\n" + planned)
    run(sys.executable, "workflow/scripts/plan.py", "results/plan.json")
    if REPORT.is_file() and subprocess.run(["dvc", "status", "--quiet"], check=False).returncode == 0:
        print("Nothing new to save.")
        return
    run("snakemake", "--cores", "1", "--report", str(REPORT), "all")
    print(run("dvc", "commit", "--force"), end="")
    print("Saved. `git add dvc.lock`, commit it, and `dvc push` for others.")


def locked() -> bool:
    """Return whether Snakemake holds its lock."""
    return any(Path(".snakemake/locks").glob("*"))


def run(*command: str) -> str:
    """Run a command and return what it says; stop with its words if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        stop(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def stop(reason: str) -> None:
    """End with a message."""
    sys.exit(f"save: {reason}")


if __name__ == "__main__":
    main()
