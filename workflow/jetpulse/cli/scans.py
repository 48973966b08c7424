"""Verbs of scans: what a varied key does, and the search for better settings."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    checkpoint_arguments,
    log,
    log_start,
    named_paths,
    path,
    placed,
    placement_arguments,
    read_spec,
    spec_argument,
    stoppable,
    verb,
)


@verb(
    spec_argument("what is varied, and which experiment is which point"),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every point"),
    path("--figure", "figure to write", required=True),
    path("--table", "HTML tables to write", required=True),
    path("--summary", "CSV to write", required=True),
)
def summarise_scan(spec: str, results: list[str], figure: Path, table: Path, summary: Path) -> None:
    """Draw and tabulate a scan: the metrics of an experiment against the values of keys.

    Writes FIGURE (curves over numbers, a list of texts, a map over two keys), TABLE, one for every dataset
    tested on, and SUMMARY, a row for every point and dataset: values, medians over seeds, their standard
    deviation over seeds (_spread), the statistical error (_error) and the ends of its 68 % interval (_low, _high).

    Example:
      jetpulse summarise-scan --results cnn=results/cnn/metrics.json \\
          --figure scan.svg --table table.html --summary scan.csv \\
          --spec '{"base": "cnn", "task": "classification",
            "axes": [{"key": "training.batch", "values": [50], "labels": ["50"], "scale": "linear"}],
            "points": [{"experiment": "cnn", "dataset": "jets", "place": [0]}]}'
    """
    from jetpulse.config import ScanPlan
    from jetpulse.evaluation.scans import OWN
    from jetpulse.figures.scan_files import plot_scan_files

    plan = read_spec(spec, ScanPlan)
    log_start("summarise-scan", "matplotlib", base=plan.base)
    found = plot_scan_files(plan, named_paths(results, "--results"), figure, table, summary)
    for row in found[OWN]:
        values = ", ".join(f"{name} {value.value:.4g}" for name, value in row.values.items())
        log(f"{plan.label(row.point)}: {values}")
    log(f"wrote {figure}, {table}, {summary}")


@verb(
    path("inputs", "a representation's HDF5 file"),
    path("folder", "folder to write to"),
    spec_argument("the experiment, what is searched for and how"),
    path("--constituents", "samples.h5 of which INPUTS, if images, were made; for `training.augment`"),
    *checkpoint_arguments("search"),
    *placement_arguments(),
)
def search(
    inputs: Path,
    folder: Path,
    spec: str,
    constituents: Path | None,
    checkpoints: Path | None,
    code: str,
    resident: str | None,
    tensorboard: bool,
) -> None:
    """Search for the settings of an experiment with which its network does best on split `val`.

    Settings are proposed by a tree of Parzen estimators (Optuna's TPE sampler), one training after the
    other; one that is worse than the median of earlier ones after as many epochs is stopped. The same
    inputs and spec give the same trials. Needs Optuna: pip install 'jetpulse[search]'.

    Ended by a signal or killed, the same command goes on with the trial that was under way, if --checkpoints is given;
    in a SLURM job it stops itself in time, as `jetpulse train` does.

    Writes trials.csv (one row per trial: settings, state, epochs, best value), best.yaml (the experiment
    with the best settings, to paste into a config) and search.svg.

    Example:
      jetpulse search images.h5 results/searches/cnn \\
          --spec '{"trials": 20, "space": {"model.filters": {"low": 4, "high": 16}}, "experiment":
            {"dataset": "jets", "representation": "images", "model": {"name": "jet-cnn"}}}'
    """
    with stoppable(checkpoints):
        from jetpulse.config.models import SearchPlan
        from jetpulse.figures.search import plot_search
        from jetpulse.training.search import search_settings
        from jetpulse.training.time_limits import stopped_in_time

    plan = read_spec(spec, SearchPlan)
    plan = plan.model_copy(update={"experiment": placed(plan.experiment, resident, tensorboard)})
    log_start("search", "torch", seed=plan.seed)
    options = {"checkpoints": checkpoints, "code": code}
    options["finish"] = lambda trials: plot_search(trials, plan, folder / "search.svg")
    with stoppable(checkpoints), stopped_in_time(bool(checkpoints), log):
        search_settings(inputs, folder, plan, log, constituents, **options)
    log(f"wrote {folder}/trials.csv, {folder}/best.yaml and {folder}/search.svg")
