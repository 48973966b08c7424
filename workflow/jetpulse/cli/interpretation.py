"""Verbs of using and understanding trained networks: calibrate, score, export, saliency, mass sculpting."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    check_spec,
    log,
    log_start,
    model,
    path,
    positive,
    progress,
    verb,
    views,
)
from jetpulse.cli.json_text import read_json

_DEVICE = argument(
    "--device",
    choices=("auto", "cpu", "cuda"),
    default="auto",
    help="where to compute (default: auto, a GPU if there is one)",
)


@verb(
    model(),
    path("inputs", "the representation's HDF5 file that it was trained on"),
    path("out", "JSON to write"),
    views(),
    _DEVICE,
)
def calibrate(model: Path, inputs: Path, out: Path, views: int | None, device: str) -> None:
    """Fit one temperature to a classifier's probabilities on the validation split.

    Logits divided by the temperature give the probabilities with the least log loss (Guo et al., arXiv:1706.04599).
    It changes how certain a network claims to be, never the order of entries: neither the ROC curve nor the answers.

    Writes JSON: temperature, entries, and for the validation split the log loss and the expected calibration error
    (15 bins of equally many entries) before and after.

    Example:
      jetpulse calibrate seed1/model.safetensors images.h5 seed1/calibration.json
    """
    from jetpulse.evaluation.calibration import write_calibration

    log_start("calibrate", "torch", "scipy")
    fitted = write_calibration(model, inputs, out, views=views, device=device, log=log)
    log(", ".join(f"{name} {value:.6g}" for name, value in fitted.items()))
    log(f"wrote {out}")


@verb(
    model(),
    path(
        "file",
        "jets in a format that is read, an HDF5 file that this project wrote, a csv, a picture or a folder of such",
    ),
    path("out", "table to write: .csv, .parquet or .h5"),
    argument("--format", help="format of jets: top-tagging, parquet, npz, nanoaod, jetclass, delphes or tree"),
    argument(
        "--spec",
        metavar="JSON",
        help="how the jets are to be read, as a dataset's `source` without its files, as JSON or as @FILE",
    ),
    argument("--split", choices=("train", "val", "test"), help="split of a file of the project (default: all)"),
    views(),
    _DEVICE,
)
def score(
    model: Path,
    file: Path,
    out: Path,
    format: str | None,
    spec: str | None,
    split: str | None,
    views: int | None,
    device: str,
) -> None:
    """Apply a trained network to new entries; no labels are needed.

    Jets are brought into the representation that the network was trained on, block by block: memory does not grow
    with the file. A file of the project (samples, images, waveforms, spectra) is taken as it is; other jets are
    sorted, checked and, with `select` in --spec, selected as build-jet-samples does. The format follows from the
    endings .parquet, .npz and .h5 (top-tagging) unless it is given.

    Networks of small problems also read a csv, whose columns they find by the names that they were trained on, and PNG
    pictures of one digit, or a folder of such: cropped, scaled and centred as the digits that they were trained on,
    light strokes on dark, whichever way round the picture is. The log says what was recognised.

    Writes a row for each entry: event (its row in the file, or its id where columns name it or in a file of the
    project), jet or entry (its number in the order of the file, those left out not counted) and, of a classifier, the
    probability of each class and the score, which is that of signal or of the second of two classes; class is the
    number of the most probable class of a problem, its code in the user's files if classes are called by these. Of a
    regression: the prediction, in the units of what was learned; of a pulse finder: the best bin, its probability and
    the mean bin; of an autoencoder: the latent coordinates.

    A released model (results/EXPERIMENT/release) is checked first: the weights must be those that were released; the
    log says what they were trained on, with which code, how good they are, under which licence, and warns if the
    code that predicts has changed since.

    Example:
      jetpulse score results/top-cnn/release new.root scores.parquet --format nanoaod

      jetpulse score seed1/model.safetensors new.root scores.csv \\
          --spec '{"format": "tree", "fields": {"pt": "c_pt", "eta": "c_eta", "phi": "c_phi"}}'

      jetpulse score results/digits/release my-digit.png recognised.csv
    """
    from jetpulse.config import JetSource
    from jetpulse.errors import UserError
    from jetpulse.training.scoring import source_of, write_scores

    given = read_json(spec) if spec is not None else {}
    if not isinstance(given, dict):
        raise UserError(f'--spec {spec}: expected an object such as {{"format": "tree"}}')
    if format is not None and given.setdefault("format", format) != format:
        raise UserError(f"--format {format}: --spec says {given['format']!r}; leave one of them out")
    source = source_of(model, file, given)
    if source is not None and split is not None:
        raise UserError(f"--split {split}: {file} is not a file of the project and has no splits; leave it out")
    checked = None if source is None else check_spec(source, JetSource)
    log_start("score", "torch", "safetensors", format="own" if checked is None else checked.format)
    for line in _released(model):
        log(line)
    with progress(None, "entries") as count:
        options = {"split": split, "views": views, "device": device}
        total = write_scores(model, file, out, checked, **options, log=log, progress=count)
    log(f"wrote {out}: {total} entries")


def _released(model: Path) -> list[str]:
    """Return what a model says of itself, checked against its weights and against the code that is here."""
    from jetpulse.cli import code_roots
    from jetpulse.codehash import code_hash
    from jetpulse.training.descriptions import read_description
    from jetpulse.training.release import check_release

    description = read_description(model)
    modules = [f"models.{description['model'].replace('-', '_')}", f"training.objectives.{description['task']}"]
    modules += ["training.views"] if description.get("views", 1) > 1 else []
    try:
        code = code_hash(code_roots("predict"), *modules)
    except ValueError:
        code = ""  # a network that is not here: loading it says so
    return check_release(model, description, code)


@verb(
    model(),
    path("out", "ONNX file to write"),
)
def export_onnx(model: Path, out: Path) -> None:
    """Write a trained network as ONNX, for programs that do not know Python.

    Normalisation and the step from logits to probabilities are inside. The number of entries, and of constituents,
    is free. An image network reads images that are preprocessed as its representation says, one of constituents
    their E, px, py, pz in GeV, hardest first, with rows of zeros behind the last.

    The file is run with ONNX Runtime on random entries and on entries that look like real ones; it is refused if
    anything deviates by more than 1e-5 from what torch says. Metadata: versions, task, representation, classes,
    units, largest deviation. Needs the extra `onnx`.

    Example:
      jetpulse export-onnx seed1/model.safetensors seed1/model.onnx
    """
    from jetpulse.training.onnx_export import export_model

    log_start("export-onnx", "torch", "safetensors")
    export_model(model, out, log=log)
    log(f"wrote {out}")


@verb(
    model(),
    path("inputs", "the representation's HDF5 file whose test split is looked at"),
    path("out", "figure to write"),
    argument("--jets", type=positive, default=2000, help="most jets that are looked at (default: 2000)"),
    _DEVICE,
)
def plot_saliency(model: Path, inputs: Path, out: Path, jets: int, device: str) -> None:
    """Draw what a jet classifier looks at: the gradient of its log odds of top with respect to its input.

    Of image networks the mean gradient by class, beside the mean image (Simonyan et al., arXiv:1312.6034); of networks
    on constituents the mean |gradient x input| of a constituent against its rank and its transverse momentum.

    Jets are those of the test split whose events' hashes come first.

    Example:
      jetpulse plot-saliency seed1/model.safetensors images.h5 saliency.svg
    """
    from jetpulse.figures.saliency import plot_saliency_figure

    log_start("plot-saliency", "torch", "matplotlib")
    n = plot_saliency_figure(model, inputs, out, jets, device=device)
    log(f"looked at {n} jets")
    log(f"wrote {out}")


@verb(
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    path("--samples", "samples.h5 of the dataset", required=True),
    argument("--dataset", required=True, help="the dataset's name in the predictions"),
    path("--figure", "figure to write", required=True),
    path("--numbers", "JSON to write", required=True),
)
def plot_sculpting(predictions: list[Path], samples: Path, dataset: str, figure: Path, numbers: Path) -> None:
    """Draw what cuts on a jet classifier's score do to the mass of background jets.

    Cuts keep 50 % and 30 % of the signal. The Jensen-Shannon divergence (in bits) between the mass distributions of
    background that passes and that fails is 0 if the cut does not know the mass; quoted is its inverse, beside the
    value that chance alone would give for so many jets.

    Example:
      jetpulse plot-sculpting seed*/predictions.h5 --samples data/jets/samples.h5 --dataset jets \\
          --figure sculpting.svg --numbers sculpting.json
    """
    from jetpulse.figures.sculpting import write_sculpting

    log_start("plot-sculpting", "matplotlib", "scikit-learn")
    found = write_sculpting(predictions, samples, dataset, figure, numbers)
    for efficiency, values in found["cuts"].items():
        log(f"signal efficiency {efficiency}: 1/JSD {values['inverse_jsd']} (chance: {values['inverse_jsd_chance']})")
    log(f"wrote {figure}, {numbers}")
