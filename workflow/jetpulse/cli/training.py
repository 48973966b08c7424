"""Verbs of training: train, predict, and the list of networks."""

from pathlib import Path

from jetpulse.cli.common import argument, count, log, log_start, named_paths, path, read_spec, spec_argument, verb


@verb(
    path("inputs", "a representation's HDF5 file"),
    path("model", "model.safetensors to write"),
    spec_argument("the experiment"),
    argument("--seed", type=count, required=True, help="base seed of initialisation, order of entries and dropout"),
    path("--checkpoints", "folder for the state of an unfinished training, which is resumed if nothing has changed"),
    argument(
        "--code",
        default="",
        metavar="HASH",
        help="hash of the training code; a checkpoint of other code is not resumed",
    ),
)
def train(inputs: Path, model: Path, spec: str, seed: int, checkpoints: Path | None, code: str) -> None:
    """Train one network of an experiment with one seed.

    Trains on split `train`, watches the loss on split `val`, stops when it has not improved for
    `training.patience` epochs and keeps the best weights; with patience null it trains to the end, keeps the last
    weights and can do without split `val`. On a CPU the same inputs, spec and seed give the same
    bytes, interrupted and resumed or not.

    Writes MODEL (safetensors), and beside it model.json (architecture, arguments, representation, versions) and
    history.csv (one row per epoch).

    Example:
      jetpulse train images.h5 seed1/model.safetensors --seed 1 \\
          --spec '{"dataset": "jets", "representation": "images", "model": {"name": "jet-cnn"}}'
    """
    from jetpulse.config import Experiment
    from jetpulse.errors import UserError
    from jetpulse.training.files import write_model

    experiment = read_spec(spec, Experiment)
    if experiment.model is None:
        raise UserError("--spec: names scores, which are not trained; give a model")
    log_start("train", "torch", "safetensors", model=experiment.model.name, seed=seed)

    def report(row: dict[str, float]) -> None:
        log("  ".join(f"{name} {value:.4g}" for name, value in row.items()))

    write_model(inputs, model, experiment, seed, checkpoints=checkpoints, code=code, log=log, report=report)
    log(f"wrote {model}")


@verb(
    path("model", "model.safetensors; model.json is read beside it"),
    path("out", "predictions.h5 to write"),
    argument(
        "--on",
        required=True,
        nargs="+",
        metavar="DATASET=FILE",
        help="representation files whose test split is predicted",
    ),
    argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to compute (default: auto, a GPU if there is one)",
    ),
)
def predict(model: Path, out: Path, on: list[str], device: str) -> None:
    """Apply a trained network to the test split of one or more datasets.

    Every file must have been made with the representation that the network was trained on.

    Writes a group per dataset: event int64 (n), and by task: label and probability float64 (n, classes or bins);
    latent, latent_sigma and reconstruction float32 (n, ...); generated float32 (n, ...).

    Example:
      jetpulse predict seed1/model.safetensors seed1/predictions.h5 --on jets=images.h5
    """
    from jetpulse.training.files import write_predictions

    log_start("predict", "torch", "safetensors")
    write_predictions(model, out, named_paths(on, "--on"), device=device, log=log)
    log(f"wrote {out}")


@verb()
def list_models() -> None:
    """List the networks that a config can name, with their arguments and defaults.

    A new network is a new file in workflow/jetpulse/models; the list is read from there.

    Example:
      jetpulse list-models
    """
    from jetpulse.config.networks import model_names, model_summary

    for name in model_names():
        print(f"{name}: {model_summary(name)}")
