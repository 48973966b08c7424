"""Verbs of the pulse chain: build samples, draw them."""

from pathlib import Path

from jetpulse.cli.common import log, log_start, path, progress, read_spec, spec_argument, threads, verb


@verb(path("out", "samples.h5 to write"), spec_argument("the dataset"), threads())
def build_pulse_samples(out: Path, spec: str, threads: int) -> None:
    """Generate waveforms with coincident pulses, or read the user's, and deal them to train, val and test.

    Reads nothing, or the files that the spec names: HDF5 (.h5, .hdf5) or .npz with waveform (n, traces, samples),
    label (n), the bin of the coincident pulse, and, if present, event (n), equal for entries of one event, or the
    arrays that the spec names. Entries are dealt by event id (split.method hash) or as scikit-learn's
    train_test_split does (shuffle).

    Writes a group per split: event int64 (n), label int32 (n), waveform float32 (n, traces, samples); for generated
    ones also time float64 (n), amplitude float32 (n, traces), pulses int32 (n, traces), the number of further
    pulses. The same spec gives the same bytes.

    Fails when a value is not finite or a label is not a bin, when files differ in traces or samples, when the same
    waveforms or event are in two splits or a file is named twice, and when a split with a positive fraction has no
    entries. A dataset of no entries (n: 0) gives three empty groups.

    Example:
      jetpulse build-pulse-samples samples.h5 \\
          --spec '{"kind": "pulses", "source": {"waveforms": {"n": 10000}}}'
    """
    from jetpulse.config import PulseDataset
    from jetpulse.pulses.files import write_samples

    dataset = read_spec(spec, PulseDataset)
    waveforms = dataset.source.waveforms
    seeds = {"seed": waveforms.seed} if waveforms else {}
    log_start("build-pulse-samples", "numba", "h5py", **seeds, split_seed=dataset.split.seed)
    with progress(waveforms.n if waveforms else None, "entries") as count:
        counts = write_samples(out, dataset, threads, count, log)
    log("\n".join(f"{split}: {n} entries" for split, n in counts.items()))
    if not sum(counts.values()):
        log("the dataset has no entries: nothing can be trained on it or drawn of it")
    log(f"wrote {out}")


@verb(
    path("samples", "samples.h5 of a dataset of pulses"),
    path("--traces", "figure to write: traces with the true bin", required=True),
    path("--convolutions", "figure to write: traces coloured by their first and second derivative", required=True),
    path("--synthetic", "figure to write: images of both derivatives", required=True),
)
def plot_pulses(samples: Path, traces: Path, convolutions: Path, synthetic: Path) -> None:
    """Draw the first entries of a dataset of pulses.

    The first six entries of the first split with entries are shown; of the first one alone, what derivative filters
    make of it.

    Example:
      jetpulse plot-pulses samples.h5 --traces traces.svg --convolutions convolutions.svg \\
          --synthetic synthetic.svg
    """
    from jetpulse.figures.pulses import plot_pulse_figures

    log_start("plot-pulses", "matplotlib")
    n = plot_pulse_figures(samples, traces, convolutions, synthetic)
    log(f"drew {n} entries: {traces}, {convolutions}, {synthetic}")
