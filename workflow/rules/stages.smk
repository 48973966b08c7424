"""Which stage of dvc.yaml a file belongs to, and what a stage makes; DVC and Snakemake have the same names for them."""

import atexit
import os
from contextlib import ExitStack, suppress
from pathlib import Path

TABLES = ("results/summary.csv", "results/summary.json", "results/transfers.csv")


def stage_of(file):
    """Return the stage that a file under data/ or results/ belongs to, None for what DVC does not keep.

    That is what can be had again: downloads, the single trainings of scans, what was exported on request.
    """
    top, name, *rest = file.split("/")
    if top == "data":
        return f"datasets@{name}" if name in named_datasets else None
    if name == "datasets":
        return f"datasets@{rest[0]}" if rest[0] in named_datasets else None
    if name in ("scans", "searches"):
        return f"{name}@{rest[0]}" if rest[0] in varied()[name] else None
    if name == "comparison" or file in TABLES:
        return "comparison"
    return f"experiments@{name}" if name in asked else None


def varied():
    """Return the names of the scans and searches of the config's own experiments."""
    return {
        "scans": [name for name, scan in scans.items() if scan.base in compared],
        "searches": [name for name, search in analysis.searches.items() if search.experiment in compared],
    }


def stages():
    """Return the files that are asked for in every stage, by the stage's name."""
    found = {f"datasets@{name}": dataset_files(name) for name in named_datasets}
    for kind, names in {"experiments": asked, **varied()}.items():
        found |= {f"{kind}@{name}": [] for name in names}
    found["comparison"] = []
    for file in [*results_of(compared), *TABLES]:
        if stage_of(file) is not None:
            found[stage_of(file)].append(file)
    return {name: list(dict.fromkeys(files)) for name, files in found.items()}


def dataset_files(name):
    """Return what a dataset's stage makes: samples, what networks see of them, and figures."""
    seen = {value.representation for value in analysis.experiments.values() if name in tested_on(value)}
    kind = analysis.datasets[name].kind
    if kind == "jets":
        shown = [f"results/datasets/{name}/jets/{file}" for file in ("kinematics.svg", "validation.html")]
    else:
        shown = dataset_figures(name, "samples")
    shown += [figure for representation in sorted(seen) for figure in dataset_figures(name, representation)]
    return [f"data/{name}/samples.h5", *(f"data/{name}/{representation}.h5" for representation in sorted(seen)), *shown]


def keep_dvc_away():
    """Have `dvc` see until Snakemake ends that data/ and results/ are in use.

    `dvc repro` removes a stage's outputs before it runs anything: started beside a running Snakemake it would take away
    what jobs are writing. As somebody reads there it stops first and says who; several Snakemakes, whose targets must
    not be the same, do not mind one another.
    """
    # Started by DVC itself (which sets the variable), or in a folder without it.
    if "DVC_ROOT" in os.environ or not Path(".dvc").is_dir():
        return
    try:
        from dvc.exceptions import DvcException
        from dvc.fs import localfs
        from dvc.lock import LockError
        from dvc.rwlock import rwlock
    except ModuleNotFoundError:
        return
    folder = Path(".dvc/tmp").absolute()
    paths = [str(Path(name).absolute()) for name in ("data", "results")]
    held = ExitStack()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "rwlock").is_file() and not (folder / "rwlock").stat().st_size:
            (folder / "rwlock").unlink()  # of a DVC that was killed while it wrote it: nobody is named in it
        held.enter_context(rwlock(str(folder), localfs, "snakemake", paths, [], False))
    except LockError as error:
        who = ", ".join(" ".join(found) for found in re.findall(r"(PID \d+)\): (.+)", str(error))) or str(error)
        raise WorkflowError(f"DVC is at work here ({who}); start Snakemake when it has finished") from None
    except (DvcException, OSError, ValueError) as error:
        raise WorkflowError(
            f"{folder}/rwlock, in which `dvc` says where it works, cannot be used: {' '.join(str(error).split())}; "
            "if no `dvc` is at work here, remove it"
        ) from None

    def release():
        # Where somebody has removed or spoilt the file there is nothing to give back.
        with suppress(AssertionError, DvcException, KeyError, OSError, ValueError):
            held.close()

    atexit.register(release)
