"""Verbs of the figures: everything that the report shows."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    grouped_paths,
    log,
    log_start,
    named_paths,
    path,
    read_spec,
    spec_argument,
    verb,
)


@verb(
    path("samples", "samples.h5 of a dataset"),
    spec_argument("the representation"),
    path("--average", "figure to write: average images by class after each preprocessing step", required=True),
    path("--single", "figure to write: single jets", required=True),
    path("--distributions", "figure to write: mass, multiplicity, pT, leading fraction by class", required=True),
)
def plot_jets(samples: Path, spec: str, average: Path, single: Path, distributions: Path) -> None:
    """Draw a dataset's jets.

    The first split with jets is shown, at most 20,000 of them. Colour scales are logarithmic.

    Example:
      jetpulse plot-jets samples.h5 --spec '{"kind": "jet-image"}' --average average.svg \\
          --single single.svg --distributions distributions.svg
    """
    from jetpulse.config import JetImage
    from jetpulse.figures.files import plot_jet_figures

    image = read_spec(spec, JetImage)
    log_start("plot-jets", "matplotlib", steps=", ".join(image.steps) or "none")
    n = plot_jet_figures(samples, image, average, single, distributions)
    log(f"drew {n} jets: {average}, {single}, {distributions}")


@verb(
    path("out", "figure to write"),
    argument("--histories", required=True, nargs="+", metavar="SEED=FILE", help="history.csv of every seed"),
)
def plot_training(out: Path, histories: list[str]) -> None:
    """Draw loss and metrics against epoch for every seed of an experiment.

    Example:
      jetpulse plot-training training.svg --histories 1=seed1/history.csv 2=seed2/history.csv
    """
    from jetpulse.figures.files import plot_training_figure

    log_start("plot-training", "matplotlib")
    plot_training_figure(named_paths(histories, "--histories"), out)
    log(f"wrote {out}")


@verb(
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    path("--roc", "figure to write: signal against background efficiency", required=True),
    path("--rejection", "figure to write: background rejection against signal efficiency", required=True),
    path("--scores", "figure to write: distributions of the score by class", required=True),
    path("--reliability", "figure to write: fraction of signal against predicted probability", required=True),
)
def plot_classification(predictions: list[Path], roc: Path, rejection: Path, scores: Path, reliability: Path) -> None:
    """Draw what a classifier does on every dataset that it was tested on.

    Lines are medians over seeds, bands run from the lowest to the highest seed.

    Example:
      jetpulse plot-classification seed*/predictions.h5 --roc roc.svg --rejection rejection.svg \\
          --scores scores.svg --reliability reliability.svg
    """
    from jetpulse.figures.files import plot_classification_figures

    log_start("plot-classification", "matplotlib", "scikit-learn")
    plot_classification_figures(predictions, roc, rejection, scores, reliability)
    log(f"wrote {roc}, {rejection}, {scores}, {reliability}")


@verb(
    argument("--dataset", required=True, help="the dataset that all of them were tested on"),
    argument(
        "--predictions", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="predictions.h5, one for every seed"
    ),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every experiment"),
    path("--references", "table of published results (config/references.csv)"),
    argument("--sample", help="the table's sample whose published results are shown"),
    path("--roc", "figure to write", required=True),
    path("--rejection", "figure to write", required=True),
    path("--table", "HTML table to write", required=True),
)
def plot_comparison(
    dataset: str,
    predictions: list[str],
    results: list[str],
    references: Path | None,
    sample: str | None,
    roc: Path,
    rejection: Path,
    table: Path,
) -> None:
    """Draw and tabulate all experiments that were tested on one dataset, beside published results.

    Example:
      jetpulse plot-comparison --dataset jets --predictions cnn=seed1/predictions.h5 \\
          --results cnn=metrics.json --references config/references.csv --sample top-landscape \\
          --roc roc.svg --rejection rejection.svg --table table.html
    """
    from jetpulse.errors import UserError
    from jetpulse.figures.comparison import plot_comparison_figures, read_references, write_table

    log_start("plot-comparison", "matplotlib")
    if sample and not references:
        raise UserError(f"--sample {sample}: give the table with --references")
    published = read_references(references, sample) if sample else []
    plot_comparison_figures(grouped_paths(predictions, "--predictions"), dataset, published, roc, rejection)
    write_table(named_paths(results, "--results"), dataset, published, table)
    log(f"wrote {roc}, {rejection}, {table}")
