"""Verb of the figures of trigger control."""

from pathlib import Path

from jetpulse.cli.common import argument, log, log_start, named_paths, path, verb


@verb(
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    argument(
        "--histories",
        required=True,
        nargs="+",
        metavar="SEED=FILE",
        help="history.csv of every seed, in the same order",
    ),
    path("--samples", "samples.h5 of the dataset", required=True),
    argument("--dataset", required=True, help="the dataset's name in the predictions"),
    path("--returns", "figure to write: returns while learning and beside fixed thresholds", required=True),
    path("--episodes", "figure to write: rate, threshold and accepted pulses in test episodes", required=True),
)
def plot_control(
    predictions: list[Path], histories: list[str], samples: Path, dataset: str, returns: Path, episodes: Path
) -> None:
    """Draw how a trigger's policy learns, what it returns beside fixed thresholds, and what it does.

    Beside each history.csv lies the model.json that tells which epoch's weights were kept. Episodes are those of the
    first predictions.

    Example:
      jetpulse plot-control seed1/predictions.h5 --histories 1=seed1/history.csv \\
          --samples data/stream/samples.h5 --dataset stream \\
          --returns returns.svg --episodes episodes.svg
    """
    from jetpulse.figures.control_files import plot_control_figures

    log_start("plot-control", "matplotlib")
    plot_control_figures(
        predictions, named_paths(histories, "--histories"), samples, dataset, returns=returns, episodes=episodes
    )
    log(f"wrote {returns}, {episodes}")
