"""Keep what a plain `snakemake` has made: record it in dvc.lock and in DVC's cache; nothing is run again.

`make save`, then `git add dvc.lock`, `git commit` and `dvc push`.
"""

import subprocess
import sys
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from engines import refuse_while_snakemake_runs, run, stop

REPORT = Path("results/report.html")


def main() -> None:
    """Record the results if Snakemake has nothing left to do."""
    refuse_while_snakemake_runs()
    planned = run("snakemake", "--dry-run", "--cores", "1", "all", "versioned")
    if "Nothing to be done" not in planned:
        stop("results are not up to date; run `snakemake --cores all all versioned` first. What is left:\n" + planned)
    run(sys.executable, "workflow/scripts/plan.py", "results/plan.json")
    if REPORT.is_file() and subprocess.run(["dvc", "status", "--quiet"], check=False).returncode == 0:
        print("Nothing new to save.")
        return
    run("snakemake", "--cores", "1", "--report", str(REPORT), "all")
    commit()
    print("Saved. `git add dvc.lock`, commit it, and `dvc push` for others.")


def commit() -> None:
    """Record the files as they are; those behind a link, of data/ to a larger disk for one, as well.

    DVC would write what it keeps into .gitignore, and refuses where that is outside of the repository; all of it is in
    this project's .gitignore already.
    """
    try:
        with Repo(config={"core": {"no_scm": True}}) as repo:
            repo.commit(force=True)
    except DvcException as error:
        stop(f"dvc commit failed: {error}")


if __name__ == "__main__":
    main()
