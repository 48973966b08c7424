"""The verb of released models."""

from pathlib import Path

from jetpulse.cli.common import argument, even, log, log_start, model, path, verb


@verb(
    path("out", "model.safetensors to write"),
    path("inputs", "the representation's HDF5 file that was trained on"),
    argument("--experiment", required=True, help="its name"),
    model("--models", "model.safetensors of every seed", nargs="+", required=True),
    path("--metrics", "metrics.json of every seed, in the same order", nargs="+", required=True),
    argument("--licence", required=True, help="licence of the weights"),
    argument("--train-code", required=True, metavar="HASH", help="hash of the code that trained"),
    argument("--predict-code", required=True, metavar="HASH", help="hash of the code that predicts"),
    argument("--views", type=even, default=1, help="views of a jet over which predictions are means (default: 1)"),
)
def release(
    out: Path,
    inputs: Path,
    experiment: str,
    models: list[Path],
    metrics: list[Path],
    licence: str,
    train_code: str,
    predict_code: str,
    views: int,
) -> None:
    """Release one training of an experiment: its weights, and in model.json what has to be known of them.

    Of several trainings it is the one with the least validation loss; the test split has no say. Without a
    validation split it is the first.

    Writes OUT (the weights, unchanged) and beside it model.json: what training wrote, and under `release` the
    experiment, the data (file and MD5, as DVC has it), the code (version of jetpulse, hashes of the code that trained
    and that predicts), the seed, the metrics on the test split, the licence and the SHA-256 of the weights.
    `jetpulse score` checks and tells them.

    Example:
      jetpulse release release/model.safetensors images.h5 --experiment cnn \\
          --models seed*/model.safetensors --metrics seed*/metrics.json \\
          --licence BSD-3-Clause --train-code 1a2b --predict-code 3c4d
    """
    from jetpulse import __version__
    from jetpulse.errors import UserError
    from jetpulse.training.release import write_release

    if len(models) != len(metrics):
        raise UserError(f"--metrics: {len(metrics)} files for {len(models)} models; give one for each")
    if out.suffix != ".safetensors":
        raise UserError(f"{out}: a model's file name must end in .safetensors")
    log_start("release", experiment=experiment)
    code = {"jetpulse": __version__, "train": train_code, "predict": predict_code}
    about = {"experiment": experiment, "licence": licence, "code": code, "views": views}
    seed = write_release(models, metrics, inputs, out, **about)
    log(f"wrote {out}: seed {seed}")
