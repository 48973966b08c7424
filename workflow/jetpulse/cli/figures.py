"""Verbs of the figures: everything that the report shows."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    grouped_paths,
    log,
    log_start,
    model,
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
)
def plot_jets(samples: Path, spec: str, average: Path, single: Path) -> None:
    """Draw a dataset's jets.

    The first split with jets is shown, at most 20,000 of them. Colour scales are logarithmic. The distributions of all
    jets are those that `jetpulse validate-jets` draws.

    Example:
      jetpulse plot-jets samples.h5 --spec '{"kind": "jet-image"}' --average average.svg \\
          --single single.svg
    """
    from jetpulse.config import JetImage
    from jetpulse.figures.jet_files import plot_jet_figures

    image = read_spec(spec, JetImage)
    log_start("plot-jets", "matplotlib", steps=", ".join(image.steps) or "none")
    n = plot_jet_figures(samples, image, average, single)
    log(f"drew {n} jets: {average}, {single}")


@verb(
    path("features", "file that build-jet-observables wrote"),
    path("out", "figure to write"),
)
def plot_jet_observables(features: Path, out: Path) -> None:
    """Draw the distributions of jet observables by class, of all splits.

    The area under the ROC curve of each observable alone is written above it and to the log; 0.5 is chance, whichever
    side of a cut is taken for signal.

    Example:
      jetpulse plot-jet-observables observables.h5 observables.svg
    """
    from jetpulse.figures.observables import plot_observables

    log_start("plot-jet-observables", "matplotlib", "h5py")
    for name, area in plot_observables(features, out).items():
        log(f"{name}: AUC {area:.4f}")
    log(f"wrote {out}")


@verb(
    path("out", "figure to write"),
    argument("--histories", required=True, nargs="+", metavar="SEED=FILE", help="history.csv of every seed"),
)
def plot_training(out: Path, histories: list[str]) -> None:
    """Draw loss and metrics against epoch for every seed of an experiment.

    Beside each history.csv lies the model.json that tells which epoch's weights were kept.

    Example:
      jetpulse plot-training training.svg --histories 1=seed1/history.csv 2=seed2/history.csv
    """
    from jetpulse.figures.training_files import plot_training_figure

    log_start("plot-training", "matplotlib")
    plot_training_figure(named_paths(histories, "--histories"), out)
    log(f"wrote {out}")


@verb(
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    path("--roc", "figure to write: signal against background efficiency", required=True),
    path("--rejection", "figure to write: background rejection against signal efficiency", required=True),
    path("--scores", "figure to write: distributions of the score by class", required=True),
    path("--reliability", "figure to write: fraction of signal against predicted probability", required=True),
    path("--calibrations", "what `calibrate` wrote about every seed, in the same order", nargs="+", default=[]),
)
def plot_classification(
    predictions: list[Path], roc: Path, rejection: Path, scores: Path, reliability: Path, calibrations: list[Path]
) -> None:
    """Draw what a classifier does on every dataset that it was tested on.

    Lines are medians over seeds, bands run from the lowest to the highest seed. With --calibrations the reliability
    is shown before and after.

    Example:
      jetpulse plot-classification seed*/predictions.h5 --roc roc.svg --rejection rejection.svg \\
          --scores scores.svg --reliability reliability.svg
    """
    from jetpulse.figures.classification_files import plot_classification_figures

    log_start("plot-classification", "matplotlib", "scikit-learn")
    plot_classification_figures(predictions, roc, rejection, scores, reliability, calibrations)
    log(f"wrote {roc}, {rejection}, {scores}, {reliability}")


_DATASET = argument("--dataset", required=True, help="the dataset that all of them were tested on")
_PREDICTIONS = argument(
    "--predictions", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="predictions.h5, one for every seed"
)
_REFERENCES = (
    path("--references", "published results (default: config/references.csv if it is there, and the project's)"),
    argument("--sample", help="the table's sample whose published results are shown"),
)


def _published(references: Path | None, sample: str | None) -> list[dict[str, str]]:
    from jetpulse.fetch.references import published_on

    return published_on(sample, references) if sample else []


@verb(
    _DATASET,
    _PREDICTIONS,
    *_REFERENCES,
    path("--roc", "figure to write", required=True),
    path("--rejection", "figure to write", required=True),
)
def plot_comparison(
    dataset: str, predictions: list[str], references: Path | None, sample: str | None, roc: Path, rejection: Path
) -> None:
    """Draw the curves of all classifiers that were tested on one dataset, beside published results.

    Example:
      jetpulse plot-comparison --dataset jets --predictions cnn=seed1/predictions.h5 \\
          --sample top-landscape --roc roc.svg --rejection rejection.svg
    """
    from jetpulse.figures.comparison import plot_comparison_figures

    log_start("plot-comparison", "matplotlib")
    published = _published(references, sample)
    plot_comparison_figures(grouped_paths(predictions, "--predictions"), dataset, published, roc, rejection)
    log(f"wrote {roc}, {rejection}")


@verb(
    _DATASET,
    spec_argument("the experiments, by name"),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every experiment"),
    argument(
        "--predictions", default=[], nargs="+", metavar="EXPERIMENT=FILE", help="predictions.h5, one for every seed"
    ),
    *_REFERENCES,
    path("--table", "HTML table to write", required=True),
)
def tabulate(
    dataset: str,
    spec: str,
    results: list[str],
    predictions: list[str],
    references: Path | None,
    sample: str | None,
    table: Path,
) -> None:
    """Tabulate all experiments that were tested on one dataset, beside published results and references.

    Writes a table for every task: medians over seeds, their spread and the statistical error. With --predictions every
    experiment is also compared with the first one of its task on the same entries, matched by event and label: AUC
    (DeLong), accuracy (McNemar), root mean square and mean absolute error, each with the paired error.

    Example:
      jetpulse tabulate --dataset jets --results cnn=metrics.json --table table.html \\
          --spec '{"cnn": {"dataset": "jets", "model": {"name": "jet-cnn"}}}' \\
          --sample top-landscape
    """
    from jetpulse.config import Experiments
    from jetpulse.figures.table import write_table

    log_start("tabulate")
    experiments = read_spec(spec, Experiments).root
    published, predicted = _published(references, sample), grouped_paths(predictions, "--predictions")
    write_table(named_paths(results, "--results"), dataset, experiments, published, table, predicted)
    log(f"wrote {table}")


@verb(
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    path("--samples", "samples.h5 of the dataset", required=True),
    argument("--dataset", required=True, help="the dataset's name in the predictions"),
    path("--probabilities", "figure to write: traces and the probability of every bin", required=True),
    path("--residuals", "figure to write: mean bin minus true bin", required=True),
    path("--efficiency", "figure to write: accuracy against what makes an entry hard", required=True),
    path("--coverage", "figure to write: observed against expected coverage", required=True),
)
def plot_localisation(
    predictions: list[Path],
    samples: Path,
    dataset: str,
    probabilities: Path,
    residuals: Path,
    efficiency: Path,
    coverage: Path,
) -> None:
    """Draw what a pulse finder does on a dataset's test split.

    Traces are those of three typical entries and of the three whose true bin got the least probability. The accuracy
    is drawn against the true bin, and against the pulse's height and the number of further pulses if the sample
    knows them.

    Example:
      jetpulse plot-localisation seed*/predictions.h5 --samples samples.h5 --dataset pulses \\
          --probabilities probabilities.svg --residuals residuals.svg \\
          --efficiency efficiency.svg --coverage coverage.svg
    """
    from jetpulse.figures.localisation_files import plot_localisation_figures

    log_start("plot-localisation", "matplotlib")
    plot_localisation_figures(
        predictions,
        samples,
        dataset,
        probabilities=probabilities,
        residuals=residuals,
        efficiency=efficiency,
        coverage=coverage,
    )
    log(f"wrote {probabilities}, {residuals}, {efficiency}, {coverage}")


@verb(
    _DATASET,
    spec_argument("the experiments, by name"),
    _PREDICTIONS,
    path("--residuals", "figure to write", required=True),
)
def plot_localisation_comparison(dataset: str, spec: str, predictions: list[str], residuals: Path) -> None:
    """Draw residuals, wrong fraction and RMSE of all pulse finders that were tested on one dataset.

    References are those of the experiments' definitions.

    Example:
      jetpulse plot-localisation-comparison --dataset pulses \\
          --predictions small=seed1/predictions.h5 --residuals residuals.svg \\
          --spec '{"small": {"task": "localisation", "dataset": "pulses", "model": {"name": "dense"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.figures.comparison import plot_localisation_comparison_figure

    log_start("plot-localisation-comparison", "matplotlib")
    experiments = read_spec(spec, Experiments).root
    plot_localisation_comparison_figure(grouped_paths(predictions, "--predictions"), dataset, experiments, residuals)
    log(f"wrote {residuals}")


@verb(
    model("models", "model.safetensors of every seed, of the network pulse-reference", nargs="+"),
    path("--out", "figure to write", required=True),
)
def plot_kernels(models: list[Path], out: Path) -> None:
    """Draw the kernels that the reference network for pulses learned, beside the derivative kernels.

    Kernels are shown as those of a convolution. A filter's title tells which part of its squared norm is a first and
    a second derivative; the rest is a mean.

    Example:
      jetpulse plot-kernels seed*/model.safetensors --out kernels.svg
    """
    from jetpulse.figures.kernels import plot_kernels_figure

    log_start("plot-kernels", "matplotlib", "safetensors")
    plot_kernels_figure(models, out)
    log(f"wrote {out}")
