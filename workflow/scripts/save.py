"""Keep what a plain `snakemake` has made: record it in dvc.lock and in DVC's cache; nothing is run again.

`make save`, then `git add dvc.lock`, `git commit` and `dvc push`.
"""

import subprocess
import sys
from pathlib import Path

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
    print(run("dvc", "commit", "--force"), end="")
    print("Saved. `git add dvc.lock`, commit it, and `dvc push` for others.")


if __name__ == "__main__":
    main()
