"""Bring the results that dvc.lock names into the workspace, and have Snakemake take them for its own.

`make pull`, after `git clone`, `git pull` or `git switch`. In this order, so that the workspace stays as it is until
everything is there and sound:

1. `dvc fetch`: from the remote to the cache, if anything is missing there;
2. every object that is needed is read and compared with its name, which is its MD5; a damaged one is fetched anew;
3. `dvc checkout`: from the cache to the workspace; what was never saved is not overwritten;
4. `dvc status` must find nothing: no touching unless code and config are those that made the files;
5. `snakemake --touch`, as Snakemake trusts no files but those it has recorded.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from engines import refuse_while_snakemake_runs, run, stop

PLAN = Path("results/plan.json")


def main() -> None:
    """Pull; what goes wrong ends in one message, before anything is touched."""
    refuse_while_snakemake_runs()
    Path(".dvc/tmp").mkdir(parents=True, exist_ok=True)
    lock = Path(".dvc/tmp/pull.lock").open("w", encoding="utf-8")  # noqa: SIM115 (held until the end)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stop("another `make pull` is at work here; wait for it")
    cache = Path(run("dvc", "cache", "dir").strip().splitlines()[-1]) / "files/md5"
    fetch(cache)
    for md5 in sorted(damaged(cache)):
        object_of(cache, md5).unlink()
        print(f"pull: object {md5} in the cache was damaged; fetching it again")
        fetch(cache)
    still = sorted(damaged(cache))
    if still:
        for md5 in still:
            object_of(cache, md5).unlink()
        stop(f"the remote's copy is damaged too, of {', '.join(still)}; ask whoever has it to `dvc push` it again")
    run("dvc", "checkout")
    check_plan()
    run("snakemake", "--touch", "--forceall", "--cores", "1", "all", "versioned")
    print("Pulled. Neither `dvc repro` nor `snakemake` has anything left to do.")


def fetch(cache: Path) -> None:
    """Bring all objects of dvc.lock into the cache; what is there already needs no remote."""

    def missing() -> list[str]:
        return [path for md5, path in objects(cache) if not object_of(cache, md5).is_file()]

    if not missing():
        return
    done = subprocess.run(["dvc", "fetch"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    left = missing()
    if left:
        stop(
            f"{len(left)} files could not be fetched, {left[0]} for one: the remote is not there or lacks them "
            f"(was `dvc push` interrupted? repeat it where the files are). Nothing was changed here. "
            f"DVC says:\n{done.stdout}"
        )


def check_plan() -> None:
    """Stop unless the code and the config here are those that made the files."""
    saved = PLAN.read_text(encoding="utf-8") if PLAN.is_file() else ""
    run(sys.executable, "workflow/scripts/plan.py", str(PLAN))
    new = PLAN.read_text(encoding="utf-8")
    if new != saved:
        PLAN.write_text(saved, encoding="utf-8")
        old, now = flat(json.loads(saved or "{}")), flat(json.loads(new))
        changed = sorted({key for key in old.keys() | now.keys() if old.get(key) != now.get(key)})
        stop(
            "the files are there, but code or config here are not those that made them; "
            f"`dvc repro` makes anew what differs: {', '.join(changed)}"
        )
    text = run("dvc", "status", "--json")
    changed = json.loads(text[text.index("{") :])
    if changed.pop("plan", None):
        print(
            "Comments or layout of the code have changed since: `dvc repro` will look at the plan, which takes seconds."
        )
    if changed:
        stop(f"DVC finds changes: {json.dumps(changed, indent=1)}")


def flat(plan: dict) -> dict[str, dict]:
    """Return the stages of a plan by their name."""
    stages = {"comparison": plan.pop("comparison", {})}
    return stages | {f"{section}@{name}": value for section, names in plan.items() for name, value in names.items()}


def objects(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield MD5 and path of everything in dvc.lock and of your own files; folders first, then their files."""
    records = [record for stage in read(Path("dvc.lock"))["stages"].values() for record in stage.get("outs", [])]
    for file in sorted(Path("inputs").rglob("*.dvc")):
        records += [out | {"path": str(file.with_suffix(""))} for out in read(file)["outs"]]
    for out in records:
        yield out["md5"], out["path"]
        listing = object_of(cache, out["md5"])
        if out["md5"].endswith(".dir") and listing.is_file():
            try:
                entries = json.loads(listing.read_text(encoding="utf-8"))
            except ValueError:
                continue  # damaged, which is told by its MD5
            yield from ((entry["md5"], f"{out['path']}/{entry['relpath']}") for entry in entries)


def read(file: Path) -> dict:
    """Return what a YAML file holds."""
    if not file.is_file():
        stop(f"no {file}; nothing has been saved with this commit (`make save`, `git add dvc.lock`)")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def damaged(cache: Path) -> Iterator[str]:
    """Yield the objects of the cache whose content is not what their name says."""
    for md5 in dict(objects(cache)):
        with object_of(cache, md5).open("rb") as handle:
            found = hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if found != md5.removesuffix(".dir"):
            yield md5


def object_of(cache: Path, md5: str) -> Path:
    """Return where the cache keeps an object."""
    return cache / md5[:2] / md5[2:]


if __name__ == "__main__":
    main()
