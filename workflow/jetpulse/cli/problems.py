"""Verbs of small problems: generate or read their entries, choose columns."""

from pathlib import Path

from jetpulse.cli.common import log, log_start, path, progress, read_spec, spec_argument, verb


@verb(
    path("out", "samples.h5 to write"),
    spec_argument("the dataset"),
)
def build_problems(out: Path, spec: str) -> None:
    """Generate or read the entries of a small problem and deal them to train, val and test.

    Generated are points of a line or of two classes in a plane, prices of houses, decays with the columns of HIGGS, and
    episodes of a changing rate; scikit-learn's digits are at hand. Files are csv (.csv, .csv.gz), pandas HDF5 in fixed
    format, and pictures in idx files.

    Classes are whole numbers from 0, or -1 and 1; where numbers are left out between them, as in 1 and 2, they are the
    places of these codes in ascending order, and the codes are the names of the classes.

    Writes a group per split: event int64 (n), features float32 (n, ...), of classes label int64 (n) and of classes and
    numbers target float64 (n). Names of columns and classes are attributes. The same spec gives the same bytes.

    The example reads a csv; `"source": {"points": {"shape": "rings"}}` generates 500 points on two rings.

    Rows of files are assigned by their values, so that equal ones share a split, or by the columns that name an event.

    Fails when a value is missing or no finite number, when a class is no whole number, when files do not belong
    together or one is named twice, when the same row or event is in two splits, and when a split is empty.

    Example:
      jetpulse build-problems samples.h5 \\
          --spec '{"kind": "problems", "source": {"files": "houses.csv", "target": "price"}}'
    """
    from jetpulse.config import ProblemDataset
    from jetpulse.errors import UserError
    from jetpulse.problems.files import write_samples

    dataset = read_spec(spec, ProblemDataset)
    source = dataset.source
    if source.download:
        raise UserError("--spec: source.download: fetch the files first (`jetpulse fetch`) and name them in `files`")
    generated = source.points or source.houses or source.decays or source.stream
    seeds = {"seed": generated.seed} if generated else {}
    log_start("build-problems", "h5py", **seeds, split_seed=dataset.split.seed)
    with progress(generated.n if generated else None, "entries") as count:
        counts = write_samples(out, dataset, count, log)
    for split in ("train", "val", "test"):
        log(f"{split}: {counts[split]} entries")
    log(f"wrote {out}")


@verb(
    path("samples", "samples.h5 of a small problem"),
    path("out", "HDF5 file to write"),
    spec_argument("the representation"),
)
def build_columns(samples: Path, out: Path, spec: str) -> None:
    """Choose columns of a small problem's entries by patterns of their names.

    The same groups and attributes are written, features with the columns that fit one of `columns` and none of
    `without`, in the order of the samples.

    Fails when a pattern fits no column, and when none is left.

    Example:
      jetpulse build-columns samples.h5 low.h5 --spec '{"kind": "columns", "without": ["m_*"]}'
    """
    from jetpulse.config import Columns
    from jetpulse.problems.files import write_columns
    from jetpulse.samples import split_sizes

    representation = read_spec(spec, Columns)
    log_start("build-columns", "h5py")
    with progress(sum(split_sizes(samples).values()), "entries") as count:
        write_columns(samples, out, representation, count)
    log(f"wrote {out}")
