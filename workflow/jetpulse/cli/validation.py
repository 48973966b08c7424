"""Verbs of validation: what is in a sample of jets, how two agree, how networks carry over from one to another."""

from pathlib import Path

from jetpulse.cli.common import argument, log, log_start, named_paths, path, progress, read_spec, spec_argument, verb


@verb(
    path("samples", "samples.h5 of a dataset of jets"),
    argument("--dataset", required=True, help="the dataset's name"),
    path("--report", "JSON to write: all numbers", required=True),
    path("--figure", "figure to write: mass, multiplicity, pT, eta and constituents by class", required=True),
    path("--table", "HTML table to write", required=True),
)
def validate_jets(samples: Path, dataset: str, report: Path, figure: Path, table: Path) -> None:
    """Validate a dataset's jets: counts, ranges and distributions of all its splits.

    Writes counts by split and class; for each class mean, median, quantiles and range of the jets' mass, number of
    constituents, pT, eta, leading constituent's share of pT, and of the constituents' pT; the fractions of jets of
    one constituent and of jets across phi = +-pi; equal jets within and between splits; the least and largest share
    of top among 1000 consecutive jets; constituents with E < |p|.

    Momenta that do not look as they do in GeV are named. Fails where numbers mean nothing: a constituent that is not
    finite or has no positive energy, a jet without transverse momentum.

    The file is read in blocks. Memory does not grow with it, but for eight bytes a jet.

    Example:
      jetpulse validate-jets data/jets/samples.h5 --dataset jets --report validation.json \\
          --figure kinematics.svg --table validation.html
    """
    from jetpulse.figures.validation_files import write_validation
    from jetpulse.samples import split_sizes

    log_start("validate-jets", "matplotlib")
    with progress(sum(split_sizes(samples).values()), "jets") as count:
        survey = write_validation(samples, dataset, report, figure, table, count)
    within, between = survey.duplicates()
    log(f"{sum(survey.jets.values())} jets, {within} equal another of their split, {between} one of another split")
    for line in survey.scales.remarks():
        log(line)
    log(f"wrote {report}, {figure}, {table}")


@verb(
    argument("--samples", required=True, nargs=2, metavar="DATASET=FILE", help="samples.h5 of both datasets"),
    path("--figure", "figure to write", required=True),
    path("--table", "HTML table to write", required=True),
)
def plot_jet_agreement(samples: list[str], figure: Path, table: Path) -> None:
    """Draw the jets of two datasets over one another, by class, and tabulate how well they agree.

    The first dataset is drawn as lines, the second as points with Poisson errors, below their ratio; all splits
    together, normalised. The table has mean number of constituents, median mass and mean leading constituent's share
    of pT, with statistical errors, and whether they agree within 5 %, 5 % and 7 % plus the error; not where the same
    jets are in both.

    Example:
      jetpulse plot-jet-agreement --samples jets=data/jets/samples.h5 real=data/real/samples.h5 \\
          --figure agreement.svg --table agreement.html
    """
    from jetpulse.figures.validation_files import write_agreement
    from jetpulse.samples import split_sizes

    paths = named_paths(samples, "--samples")
    log_start("plot-jet-agreement", "matplotlib")
    with progress(sum(sum(split_sizes(file).values()) for file in paths.values()), "jets") as count:
        compared = write_agreement(paths, figure, table, count)
    if compared[0].shared:
        log(f"{compared[0].shared} jets are in both samples, whose agreement therefore says nothing")
    for row in compared:
        log(f"label {row.label}: {row.statistic} {row.quantity}: ratio {row.ratio:.4f} +- {row.ratio_error:.4f}")
    log(f"wrote {figure}, {table}")


@verb(
    spec_argument("the experiments, by name"),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every experiment"),
    path("--figure", "figure to write", required=True),
    path("--table", "HTML tables to write", required=True),
)
def plot_transfers(spec: str, results: list[str], figure: Path, table: Path) -> None:
    """Draw and tabulate how classifiers carry over from the sample that they were trained on to others.

    Rows are experiments, columns the datasets tested on. Beside AUC, accuracy and background rejection stands their
    change from the experiment's own test split, taken seed by seed; its error is that of independent test sets.

    Example:
      jetpulse plot-transfers --results mlp=results/mlp/metrics.json \\
          --figure transfers.svg --table transfers.html \\
          --spec '{"mlp": {"dataset": "jets", "representation": "images", "model": {"name": "dense"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.figures.transfers import write_transfers

    log_start("plot-transfers", "matplotlib")
    rows = write_transfers(named_paths(results, "--results"), read_spec(spec, Experiments).root, figure, table)
    for row in rows:
        for dataset, change in row.changes["auc"].items():
            log(f"{row.experiment}, trained on {row.trained_on}: AUC on {dataset} {change.value:+.4f}")
    log(f"wrote {figure}, {table}")
