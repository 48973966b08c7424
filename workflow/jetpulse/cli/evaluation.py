"""Verbs of evaluation: metrics of a training, of an experiment, and of all experiments."""

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
    path("scores", "file of labels and scores: .npz, .csv or .h5"),
    path("samples", "samples.h5 of the dataset whose test split was scored"),
    path("out", "predictions.h5 to write"),
    argument("--dataset", required=True, help="the dataset's name"),
    spec_argument("the file's columns and what its scores mean"),
)
def import_scores(scores: Path, samples: Path, out: Path, dataset: str, spec: str) -> None:
    """Bring the labels and scores of someone else's classifier into the form of our own predictions.

    Entries are found in the dataset's test split by their event ids if the file has them, else their number, order
    and labels must be those of the test split; labels must agree in both cases.

    Writes a group for the dataset: event int64 (n), label int8 (n), and probability float64 (n, 2) of background and
    signal, computed from logits if the scores are such; of other discriminants score float64 (n), for which accuracy
    and calibration are not defined.

    Example:
      jetpulse import-scores theirs.csv samples.h5 seed1/predictions.h5 --dataset jets \\
          --spec '{"score": "p_top", "event": "id"}'
    """
    from jetpulse.config.scores import ScoreColumns
    from jetpulse.evaluation.scores import write_scores

    columns = read_spec(spec, ScoreColumns)
    log_start("import-scores", "h5py", meaning=columns.meaning)
    write_scores(scores, samples, out, dataset, columns, log)
    log(f"wrote {out}")


@verb(
    path("predictions", "predictions.h5 of one training"),
    path("out", "metrics.json to write"),
    argument("--task", required=True, help="the experiment's task, for example classification or localisation"),
    argument(
        "--samples",
        nargs="+",
        default=[],
        metavar="DATASET=FILE",
        help="samples.h5 of every dataset tested on; classification of jets needs none",
    ),
    path("--calibration", "what `calibrate` wrote about this training, a classifier's"),
)
def evaluate(predictions: Path, out: Path, task: str, samples: list[str], calibration: Path | None) -> None:
    """Measure the predictions of one training.

    Classification: accuracy at probability 0.5, area under the ROC curve (DeLong error), background rejection 1/eB at
    30 % and 50 % signal efficiency (Poisson error), expected calibration error, log loss. A value that is infinite or
    undefined is null, as accuracy and calibration of scores from elsewhere that are no probabilities. Areas, rejections
    and every fraction also have the ends of a 68 % interval (_low, _high), which a symmetric error is not where few
    entries decide; where no background passes, the rejection's _low is a lower limit at 84 % confidence. With
    --calibration also the temperature, and log loss and calibration error at that temperature.

    Classification of small problems, any number of classes: accuracy of the most probable class, the accuracy of always
    naming the most frequent one (baseline), log loss, and of two classes the area under the ROC curve and the average
    precision.

    Regression: root mean square and mean absolute error in the units of the target, and R², the part of the variance
    that is explained.

    Localisation: accuracy of the best bin, root mean square error and bias of the mean bin, log loss, how often the
    smallest sets of bins with 68.3 % and 95.4 % probability hold the true bin and how often they should, expected
    calibration error of the best bin's probability.

    Reconstruction and variational: chi-square per bin, correlation and error of the lines' fluxes recovered by a
    linear fit to the latent coordinates; variational also the KL divergence and how often posteriors hold the true
    fluxes. Variational and adversarial: Wasserstein distance between generated and real spectra, area under the ROC
    curve of a classifier that tells them apart, error of the fraction of spectra that lack a line.

    Writes JSON: dataset -> metric -> value.

    Example:
      jetpulse evaluate seed1/predictions.h5 seed1/metrics.json --task localisation \\
          --samples pulses=data/pulses/samples.h5
    """
    from jetpulse.evaluation.files import write_metrics
    from jetpulse.samples import load_json

    log_start("evaluate", "scikit-learn")
    write_metrics(predictions, out, task, named_paths(samples, "--samples"), calibration)
    for name, metrics in load_json(out).items():
        log(f"{name}: " + ", ".join(f"{key} {value:.6g}" for key, value in metrics.items() if value is not None))
        if metrics.get("chi_square", 0) is None:
            log(f"{name}: no chi-square: values that are not whole numbers, or have a common divisor, are no counts")
    log(f"wrote {out}")


@verb(
    path("out", "metrics.json of the experiment"),
    argument("--dataset", required=True, help="the dataset that was trained on"),
    path("--metrics", "metrics.json of every seed", nargs="+", required=True),
    model(
        "--models",
        "model.safetensors of every seed, in the same order (none for scores from elsewhere)",
        nargs="+",
        default=[],
    ),
    path("--predictions", "predictions.h5 of every seed of a classifier, in the same order", nargs="+", default=[]),
)
def combine(out: Path, dataset: str, metrics: list[Path], models: list[Path], predictions: list[Path]) -> None:
    """Combine the metrics of an experiment's seeds.

    Writes JSON: for every dataset tested on and every metric the median, the spread (standard deviation over
    seeds), the statistical error of the median, the medians of the ends of its interval (low, high) if it has one, and
    the single values.

    With --predictions it also holds `ensemble`: dataset -> metric -> value of the mean of the probabilities, which
    is what the uniform mixture of the trainings says (arXiv:1612.01474). The seeds must have predicted the same
    events. Scores that are no probabilities have no common scale and no mean.

    Example:
      jetpulse combine metrics.json --dataset jets --metrics seed*/metrics.json \\
          --models seed*/model.safetensors --predictions seed*/predictions.h5
    """
    from jetpulse.evaluation.files import write_combined

    log_start("combine")
    write_combined(metrics, models, out, dataset, predictions)
    log(f"wrote {out}")


@verb(
    path("summary", "summary.csv to write"),
    path("transfers", "transfers.csv to write"),
    spec_argument("the experiments, by name"),
    argument("--results", required=True, nargs="+", metavar="EXPERIMENT=FILE", help="metrics.json of every experiment"),
    argument("--scans", nargs="+", default=[], metavar="SCAN=EXPERIMENT", help="the points of every scan"),
    path("--metrics", "JSON to write besides: experiment -> metric -> median, for `dvc metrics`"),
)
def compare(
    summary: Path, transfers: Path, spec: str, results: list[str], scans: list[str], metrics: Path | None
) -> None:
    """Put all experiments side by side, with the reference numbers that the config gives.

    Writes SUMMARY, one row per experiment with its own test split, and TRANSFERS, one row for every further
    dataset that an experiment was tested on. A spread is the standard deviation over seeds, an error statistical, _low
    and _high are the ends of its 68 % interval;
    a metric that an experiment's task does not have stays empty. With --scans a column names the scans that an
    experiment is a point of.

    Example:
      jetpulse compare summary.csv transfers.csv --results cnn=results/cnn/metrics.json \\
          --spec '{"cnn": {"dataset": "jets", "representation": "images", "model": {"name": "dense"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.evaluation.files import write_medians, write_summary

    log_start("compare")
    points = {scan: [str(name) for name in names] for scan, names in grouped_paths(scans, "--scans").items()}
    files, experiments = named_paths(results, "--results"), read_spec(spec, Experiments).root
    write_summary(files, experiments, summary, transfers, points)
    if metrics is not None:
        write_medians(files, experiments, metrics)
    log(f"wrote {summary} and {transfers}")
