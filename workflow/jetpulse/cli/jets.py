"""Verbs of the jet chain: simulate, build samples, export them, build images and observables."""

from pathlib import Path

from jetpulse.cli.common import argument, count, log, log_start, path, progress, read_spec, spec_argument, threads, verb


@verb(
    path("out", "HDF5 file to write"),
    spec_argument("the dataset's `source.simulation`"),
    argument("--process", required=True, choices=("qcd", "top"), help="what to simulate"),
    argument("--block", required=True, type=count, help="number of the block, from 0; part of the seeds"),
)
def simulate_jets(out: Path, spec: str, process: str, block: int) -> None:
    """Simulate one block of jets with Pythia8, a parametrised detector and FastJet.

    Events are generated until as many jets as the block holds have passed the selection of the public top-tagging
    sample: anti-kT jets in a pT and |eta| window; for `top` a top quark and its three decay quarks within the
    radius. The hardest constituents are kept.

    Writes group `all`: event int64 (n), label int8 (n), jet float32 (n, 4), offsets int64 (n + 1), constituents
    float32 (total, 4); columns are E, px, py, pz in GeV, hardest first. The same spec, process and block give the
    same bytes.

    Example:
      jetpulse simulate-jets top-0.h5 --spec '{"jets_per_class": 1000}' --process top --block 0
    """
    from jetpulse.config import Simulation
    from jetpulse.jets.files import write_simulated_block

    simulation = read_spec(spec, Simulation)
    log_start("simulate-jets", "pythia8mc", "fastjet", "awkward", process=process, block=block, seed=simulation.seed)
    total = max(0, min(simulation.block, simulation.jets_per_class - block * simulation.block))
    with progress(total, "jets") as count:
        write_simulated_block(out, simulation, process, block, count)
    log(f"wrote {out}")


@verb(
    path("out", "samples.h5 to write"),
    spec_argument("the dataset"),
    path("--raw", "simulated blocks, for a dataset whose source is a simulation", nargs="+", default=[]),
)
def build_jet_samples(out: Path, spec: str, raw: list[Path]) -> None:
    """Collect a dataset's jets into train, val and test by event id.

    Reads simulated blocks (--raw) or the files that the spec names: HDF5, parquet, npz or ROOT, whatever its `format`
    says. Jets of one event always share a split; which one depends on the event's id alone: columns of the files name
    it, or the file's content and the row.

    Writes a group per split: event int64 (n), label int8 (n), offsets int64 (n + 1), constituents float32
    (total, 4): E, px, py, pz in GeV, hardest first, no padding.

    Fails when a jet has no constituents, or one that is not finite, has no positive energy or less than its
    momentum; when the same jet or event is in two splits; when a file is named twice; and when a split lacks jets of a
    class. Logs what an event is, what is left out, and stretches of a file that are not mixed as chance would have it.

    Example:
      jetpulse build-jet-samples samples.h5 --raw qcd-0.h5 top-0.h5 \\
          --spec '{"kind": "jets", "source": {"simulation": {"jets_per_class": 1000}}}'
    """
    from jetpulse.config import JetDataset
    from jetpulse.errors import UserError
    from jetpulse.jets.files import write_samples

    dataset = read_spec(spec, JetDataset)
    if dataset.source.download:
        raise UserError("--spec: source.download: fetch the files first (`jetpulse fetch`) and name them in `files`")
    if dataset.source.simulation and not raw:
        raise UserError("--raw: the dataset is simulated; name the files that simulate-jets wrote")
    log_start("build-jet-samples", "h5py", "hdf5plugin", split_seed=dataset.split.seed)
    with progress(None, "jets") as count:
        counts = write_samples(out, dataset, raw, count, log)
    for split in ("train", "val", "test"):
        log(f"{split}: {counts[split, 1]} top jets, {counts[split, 0]} QCD jets")
    log(f"wrote {out}")


@verb(
    path("samples", "samples.h5 of a dataset"),
    path("out", "file to write"),
    argument("--format", required=True, choices=("root", "parquet", "npz"), help="what to write"),
    argument("--split", choices=("train", "val", "test"), help="which jets (default: of all splits, in this order)"),
)
def export_jets(samples: Path, out: Path, format: str, split: str | None) -> None:
    """Write jets in a format that the field's other tools read.

    All formats hold event, label and the constituents' E, px, py, pz in GeV, hardest first. root: a tree `jets` with
    branches event, label, constituent_E ...; parquet: columns event, label and lists E, px, py, pz; npz:
    constituents (total, 4), counts, label, event. `build-jet-samples` reads them back (formats tree, parquet, npz).

    Fails when there are no such jets.

    Example:
      jetpulse export-jets samples.h5 test.root --format root --split test
    """
    from jetpulse.jets.export import export_jets
    from jetpulse.samples import SPLITS, split_sizes

    log_start("export-jets", "h5py", *{"root": ("uproot", "awkward"), "parquet": ("pyarrow",)}.get(format, ()))
    splits = [split] if split else list(SPLITS)
    sizes = split_sizes(samples)
    with progress(sum(sizes.get(name, 0) for name in splits), "jets") as count:
        total = export_jets(samples, out, format, splits, count)
    log(f"wrote {out}: {total} jets of {', '.join(splits)}")


@verb(
    path("samples", "samples.h5 of a dataset"),
    path("out", "HDF5 file to write"),
    spec_argument("the representation"),
    threads(),
)
def build_jet_images(samples: Path, out: Path, spec: str, threads: int) -> None:
    """Turn jets into sparse images of transverse momentum.

    Applies the representation's preprocessing steps (centring, rotation, flips, normalisation) and sums pT in
    pixels of the eta-phi plane. An edge belongs to the pixel above it (the file's `tie_rule`).

    Writes a group per split: event, label, offsets int64 (n + 1), pixel int32 (row * pixels + column, rows are
    eta), value float32.

    Example:
      jetpulse build-jet-images samples.h5 images.h5 --spec '{"kind": "jet-image", "pixels": 37}'
    """
    from jetpulse.config import JetImage
    from jetpulse.jets.files import write_jet_images
    from jetpulse.samples import split_sizes

    image = read_spec(spec, JetImage)
    log_start("build-jet-images", "numba", "h5py", steps=", ".join(image.steps) or "none")
    with progress(sum(split_sizes(samples).values()), "jets") as count:
        write_jet_images(samples, out, image, threads, count)
    log(f"wrote {out}")


@verb(
    path("samples", "samples.h5 of a dataset"),
    path("out", "HDF5 file to write"),
    spec_argument("the representation"),
    threads(),
)
def build_jet_observables(samples: Path, out: Path, spec: str, threads: int) -> None:
    """Turn jets into rows of numbers: mass, multiplicity, shape, N-subjettiness, energy correlators.

    N-subjettiness (arXiv:1011.2268) and energy correlators (arXiv:1305.0007, arXiv:1409.6298) have beta = 1; axes are
    those of exclusive kT subjets, recombined winner-take-all. What is not defined is 0, as a ratio of a jet of one
    constituent.

    Writes a group per split: event, label, features float32 (n, columns); the columns' names and units are
    attributes.

    Example:
      jetpulse build-jet-observables samples.h5 observables.h5 \\
          --spec '{"kind": "jet-observables", "columns": ["mass", "tau32"]}'
    """
    from jetpulse.config import JetObservables
    from jetpulse.jets.observable_files import write_jet_observables
    from jetpulse.samples import split_sizes

    observables = read_spec(spec, JetObservables)
    log_start("build-jet-observables", "numba", "h5py", columns=", ".join(observables.columns))
    with progress(sum(split_sizes(samples).values()), "jets") as count:
        write_jet_observables(samples, out, observables, threads, count)
    log(f"wrote {out}")
