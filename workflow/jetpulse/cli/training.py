"""Verbs of training: train, predict, and the list of networks."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    checkpoint_arguments,
    count,
    log,
    log_start,
    model,
    named_paths,
    path,
    placed,
    placement_arguments,
    read_spec,
    seconds,
    spec_argument,
    stoppable,
    verb,
    views,
)


@verb(
    path("inputs", "a representation's HDF5 file"),
    path("model", "model.safetensors to write"),
    spec_argument("the experiment"),
    path("--constituents", "the samples of which images were made; for an experiment with training.augment"),
    argument("--seed", type=count, required=True, help="base seed of initialisation, order of entries and dropout"),
    *checkpoint_arguments("training"),
    *placement_arguments(),
    argument(
        "--checkpoint-seconds",
        type=seconds,
        metavar="SECONDS",
        help="least time between checkpoints, six times as much within an epoch (default: 10)",
    ),
)
def train(
    inputs: Path,
    model: Path,
    spec: str,
    seed: int,
    constituents: Path | None,
    checkpoints: Path | None,
    code: str,
    resident: str | None,
    tensorboard: bool,
    checkpoint_seconds: float | None,
) -> None:
    """Train one network of an experiment with one seed.

    Trains on split `train`, watches the loss on split `val`, stops when it has not improved for
    `training.patience` epochs and keeps the best weights; with patience null it trains to the end, keeps the last
    weights and can do without split `val`. On a CPU the same inputs, spec and seed give the same
    bytes, interrupted and resumed or not.

    With `training.augment` jets are changed at random in every epoch, on split `train` alone. INPUTS are the samples,
    or for a network of images the images, and then the samples of which they were made are --constituents.

    Asked to end by SIGTERM or SIGUSR1, as clusters do before a job's time is over, it finishes its step, keeps its
    state in the folder of --checkpoints, says so in one line and exits with 128 + the signal's number; the same
    command goes on from there. While it reads its inputs it exits at once, while it writes the model it finishes. In
    a SLURM job it also asks how much time is left, and stops itself in the same way shortly before the end.

    The log begins with the host, in a SLURM job with its number, partition, node and CPUs, and with the device, its
    driver and versions.

    With `training.processes` above 1 it starts so many processes, which share every batch; `torchrun --nproc-per-node
    N -m jetpulse.cli train ...` does the same.

    Writes MODEL (safetensors), and beside it model.json (architecture, arguments, representation, versions) and
    history.csv (one row per epoch).

    Example:
      jetpulse train images.h5 seed1/model.safetensors --seed 1 \\
          --spec '{"dataset": "jets", "representation": "images", "model": {"name": "jet-cnn"}}'
    """
    from jetpulse.config import Experiment
    from jetpulse.config.networks import fits_itself
    from jetpulse.errors import UserError
    from jetpulse.training.time_limits import stopped_in_time

    with stoppable(checkpoints):  # these take seconds
        from jetpulse.training.files import write_model
        from jetpulse.training.processes import is_worker, launch, leads

    experiment = read_spec(spec, Experiment)
    if experiment.model is None:
        raise UserError("--spec: names scores, which are not trained; give a model")
    experiment = placed(experiment, resident, tensorboard)
    if experiment.training.processes > 1 and not is_worker():
        options = {"--spec": spec, "--seed": seed, "--code": code, "--checkpoints": checkpoints}
        options |= {"--checkpoint-seconds": checkpoint_seconds, "--constituents": constituents}
        options |= {"--resident": resident}
        words = [word for name, value in options.items() if value not in (None, "") for word in (name, str(value))]
        words += ["--tensorboard"] if tensorboard else []
        # -P: a random.py in the working folder is no part of the program.
        command = ["-P", "-m", "jetpulse.cli", "train", str(inputs), str(model), *words]
        failed = launch(experiment.training.processes, command)
        if failed:
            raise SystemExit(failed)
        return
    tell = log if leads() else lambda line: None
    if leads():
        log_start("train", "torch", "safetensors", model=experiment.model.name, seed=seed)

    def report(row: dict[str, float]) -> None:
        tell("  ".join(f"{name} {value:.4g}" for name, value in row.items()))

    options = {"checkpoints": checkpoints, "code": code, "checkpoint_seconds": checkpoint_seconds}
    options["constituents"] = constituents
    # Trees keep no state that would be worth an early end.
    resumable = bool(checkpoints) and not fits_itself(experiment.model.name)
    with stoppable(checkpoints), stopped_in_time(resumable and leads(), tell):
        write_model(inputs, model, experiment, seed, log=tell, report=report, **options)
    tell(f"wrote {model}")


@verb(
    model(),
    path("out", "predictions.h5 to write"),
    argument(
        "--on",
        required=True,
        nargs="+",
        metavar="DATASET=FILE",
        help="representation files whose test split is predicted",
    ),
    argument(
        "--samples",
        nargs="+",
        default=[],
        metavar="DATASET=FILE",
        help="samples.h5 of the dataset trained on, then of the others: none of their test entries may be trained on",
    ),
    views(),
    argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to compute (default: auto, a GPU if there is one)",
    ),
)
def predict(model: Path, out: Path, on: list[str], samples: list[str], views: int | None, device: str) -> None:
    """Apply a trained network to the test split of one or more datasets.

    Every file must have been made with the representation that the network was trained on.

    With --samples it fails when the test split of another dataset than the first holds entries of that one's train or
    val, on which the network was trained; a dataset with `duplicates: keep` only logs them.

    Writes a group per dataset: event int64 (n), and by task: label and probability float64 (n, classes or bins);
    latent, latent_sigma and reconstruction float32 (n, ...); generated float32 (n, ...); target and prediction
    float64 (n).

    Example:
      jetpulse predict seed1/model.safetensors seed1/predictions.h5 --on jets=images.h5
    """
    from jetpulse.training.trained import write_predictions

    log_start("predict", "torch", "safetensors")
    datasets = named_paths(samples, "--samples")
    write_predictions(model, out, named_paths(on, "--on"), samples=datasets, views=views, device=device, log=log)
    log(f"wrote {out}")


@verb()
def list_models() -> None:
    """List the networks that a config can name, with their arguments and defaults.

    A new network is a new file in workflow/jetpulse/models; the list is read from there. A file that cannot be used as
    a network is reported behind the list, with exit code 1.

    Example:
      jetpulse list-models
    """
    from jetpulse.config.networks import NetworkFileError, model_names, model_summary
    from jetpulse.errors import UserError

    mistakes = []
    for name in model_names():
        try:
            print(f"{name}: {model_summary(name)}")
        except NetworkFileError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
