"""Verbs of the figures of small problems with known answers."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    log,
    log_start,
    model,
    model_file,
    named_paths,
    path,
    read_spec,
    spec_argument,
    verb,
)

_SAMPLES = path("--samples", "samples.h5, or the columns of them that the networks saw", required=True)
_TESTED = (
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    _SAMPLES,
    model("--models", "model.safetensors of every seed, in the same order", nargs="+", default=[]),
    argument("--dataset", required=True, help="the dataset's name in the predictions"),
)


@verb(path("samples", "samples.h5 of a problem, or some of its columns"), path("out", "figure to write"))
def plot_problem(samples: Path, out: Path) -> None:
    """Draw the entries of a small problem.

    Two features with classes are a plane of points, one feature is an axis under a number, many columns are histograms
    by class or a number over each of them; of pictures there are examples of every class, of a stream episodes of its
    rate. At most 20,000 entries of every split are read.

    Example:
      jetpulse plot-problem data/circles/samples.h5 sample.svg
    """
    from jetpulse.figures.problem_files import plot_problem_figure

    log_start("plot-problem", "matplotlib", "h5py")
    n = plot_problem_figure(samples, out)
    log(f"drew {n} entries: {out}")


@verb(
    *_TESTED,
    path("--answers", "figure to write: what the classifier says of the test split", required=True),
    path("--confusion", "figure to write: which classes it takes for which", required=True),
)
def plot_classes(
    predictions: list[Path], samples: Path, models: list[Path], dataset: str, answers: Path, confusion: Path
) -> None:
    """Draw what classifiers of a small problem say of its test split.

    Of two features the decision surface is drawn, of one the probability along it, for which the models are asked; of
    pictures those that are taken for another class beside right ones; else the distribution of probabilities.

    Example:
      jetpulse plot-classes seed*/predictions.h5 --samples data/circles/samples.h5 \\
          --models seed*/model.safetensors --dataset circles \\
          --answers answers.svg --confusion confusion.svg
    """
    from jetpulse.figures.classes_files import plot_class_figures

    log_start("plot-classes", "matplotlib", "torch")
    plot_class_figures(predictions, samples, models, dataset, answers=answers, confusion=confusion)
    log(f"wrote {answers}, {confusion}")


@verb(*_TESTED, path("--out", "figure to write", required=True))
def plot_regression(predictions: list[Path], samples: Path, models: list[Path], dataset: str, out: Path) -> None:
    """Draw what was learned of a number in a small problem.

    Of one feature the line of every training is drawn over the points, with the truth where it is known and the
    standard error of a linear network, for which the models are asked; else predicted against true numbers, and
    residuals.

    Example:
      jetpulse plot-regression seed*/predictions.h5 --samples data/line/samples.h5 \\
          --models seed*/model.safetensors --dataset line --out predicted.svg
    """
    from jetpulse.figures.regression_files import plot_regression_figure

    log_start("plot-regression", "matplotlib", "torch")
    plot_regression_figure(predictions, samples, models, dataset, out)
    log(f"wrote {out}")


@verb(
    model("models", "model.safetensors of every seed of one experiment", nargs="+"),
    _SAMPLES,
    path("--out", "figure to write", required=True),
)
def plot_weights(models: list[Path], samples: Path, out: Path) -> None:
    """Draw the weights and biases of small networks; of a linear one slopes and offset with errors.

    Numbers are printed where there are few. Slopes and offset are in the units of the data and written to the log.

    Example:
      jetpulse plot-weights seed*/model.safetensors --samples data/circles/samples.h5 --out weights.svg
    """
    from jetpulse.figures.weights_files import plot_weights_figure

    log_start("plot-weights", "matplotlib", "torch")
    for line in plot_weights_figure(models, samples, out):
        log(line)
    log(f"wrote {out}")


@verb(
    spec_argument("the experiments, by name"),
    argument(
        "--models",
        required=True,
        nargs="+",
        metavar="EXPERIMENT=FILE",
        help="a model.safetensors of each, or the folder that it is in",
    ),
    argument("--samples", required=True, nargs="+", metavar="DATASET=FILE", help="samples.h5 of every dataset"),
    path("--out", "figure to write", required=True),
)
def plot_boundaries(spec: str, models: list[str], samples: list[str], out: Path) -> None:
    """Draw one grid of decision surfaces: rows are problems of two features, columns kinds of models.

    Example:
      jetpulse plot-boundaries --out boundaries.svg \\
          --models rings-tree=seed1/model.safetensors --samples rings=samples.h5 \\
          --spec '{"rings-tree": {"dataset": "rings", "model": {"name": "boosted-trees"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.figures.boundaries_files import plot_boundaries_figure

    experiments = read_spec(spec, Experiments).root
    log_start("plot-boundaries", "matplotlib", "torch")
    trained = {name: model_file(file) for name, file in named_paths(models, "--models").items()}
    n = plot_boundaries_figure(trained, named_paths(samples, "--samples"), experiments, out)
    log(f"drew {n} surfaces: {out}")


@verb(
    argument("--dataset", required=True, help="the dataset that all of them were tested on"),
    spec_argument("the experiments, by name"),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every experiment"),
    path("--out", "figure to write", required=True),
)
def plot_measures(dataset: str, spec: str, results: list[str], out: Path) -> None:
    """Draw the main metric of all experiments on one small problem, by representation and model.

    It is the area under the ROC curve, of more than two classes the accuracy; the root mean square error of a number;
    what a trigger gains over the best fixed threshold.

    Example:
      jetpulse plot-measures --dataset decays --results net=metrics.json --out measures.svg \\
          --spec '{"net": {"dataset": "decays", "model": {"name": "dense"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.figures.measures_files import plot_measures_figure

    experiments = read_spec(spec, Experiments).root
    log_start("plot-measures", "matplotlib")
    for line in plot_measures_figure(named_paths(results, "--results"), dataset, experiments, out):
        log(line)
    log(f"wrote {out}")
