"""Verbs of the spectra chain: generate or read spectra, draw them."""

from pathlib import Path

from jetpulse.cli.common import log, log_start, path, progress, read_spec, spec_argument, verb


@verb(
    path("out", "samples.h5 to write"),
    spec_argument("the dataset"),
)
def build_spectra(out: Path, spec: str) -> None:
    """Generate or read spectra and deal them to train, val and test.

    Generated spectra are Poisson counts around a smooth background with Gaussian lines of varying flux. Files are
    pandas HDF5 in fixed format: a row for each spectrum under key `data`, the fluxes of the lines under `targets`.

    Writes a group per split: event int64 (n), counts float32 (n, bins) and, where they are known, flux float64
    (n, lines). The same spec gives the same bytes.

    The example reads files; `"source": {"counts": {"n": 1000}}` generates a thousand spectra.

    Fails when a count is negative or not finite, when files do not belong together or one is named twice, when the
    same spectrum or event is in two splits, and when a split is empty.

    Example:
      jetpulse build-spectra samples.h5 \\
          --spec '{"kind": "spectra", "source": {"files": ["data.h5"], "targets": ["targets.h5"]}}'
    """
    from jetpulse.config import SpectrumDataset
    from jetpulse.errors import UserError
    from jetpulse.spectra.files import write_samples

    dataset = read_spec(spec, SpectrumDataset)
    if dataset.source.download:
        raise UserError("--spec: source.download: fetch the files first (`jetpulse fetch`) and name them in `files`")
    settings = dataset.source.counts
    seeds = {"seed": settings.seed} if settings else {}
    log_start("build-spectra", "h5py", **seeds, split_seed=dataset.split.seed)
    with progress(settings.n if settings else None, "spectra") as count:
        counts = write_samples(out, dataset, count, log)
    for split in ("train", "val", "test"):
        log(f"{split}: {counts[split]} spectra")
    log(f"wrote {out}")


@verb(
    path("samples", "samples.h5 of a dataset"),
    path("--spectra", "figure to write: single spectra, mean spectrum", required=True),
    path("--fluxes", "figure to write: fluxes of the lines, or total counts where these are unknown"),
)
def plot_spectra(samples: Path, spectra: Path, fluxes: Path | None) -> None:
    """Draw a dataset's spectra and the fluxes of their lines.

    The first split with spectra is shown, at most 20,000 of them. Where spectra were generated, the expected counts
    are drawn over the single ones; else these are compared with the mean spectrum.

    Example:
      jetpulse plot-spectra samples.h5 --spectra spectra.svg --fluxes fluxes.svg
    """
    from jetpulse.figures.spectra import plot_spectra_figures

    log_start("plot-spectra", "matplotlib")
    n = plot_spectra_figures(samples, spectra, fluxes)
    log(f"drew {n} spectra: {', '.join(map(str, filter(None, (spectra, fluxes))))}")
