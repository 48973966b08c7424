"""Verbs of the figures of networks that learn spectra without labels."""

from pathlib import Path

from jetpulse.cli.common import argument, log, log_start, path, verb

_INPUTS = (
    path("predictions", "predictions.h5 of every seed", nargs="+"),
    path("--samples", "samples.h5 of the dataset", required=True),
    argument("--dataset", required=True, help="the dataset's name in the predictions"),
)
_RECONSTRUCTION = path("--reconstruction", "figure to write: reconstructions over data, chi-square", required=True)
_LATENT = path("--latent", "figure to write: latent space, fluxes recovered from it", required=True)
_GENERATED = path("--generated", "figure to write: generated beside real spectra", required=True)


@verb(*_INPUTS, _RECONSTRUCTION, _LATENT)
def plot_reconstruction(
    predictions: list[Path], samples: Path, dataset: str, reconstruction: Path, latent: Path
) -> None:
    """Draw what an autoencoder does on a dataset's test split.

    Spectra and latent space are those of the first predictions, the distribution of chi-square is that of each. Fluxes
    are drawn where the sample knows them.

    Example:
      jetpulse plot-reconstruction seed*/predictions.h5 --samples data/spectra/samples.h5 \\
          --dataset spectra --reconstruction reconstruction.svg --latent latent.svg
    """
    from jetpulse.figures.unsupervised_files import plot_reconstruction_figures

    log_start("plot-reconstruction", "matplotlib")
    plot_reconstruction_figures(predictions, samples, dataset, reconstruction=reconstruction, latent=latent)
    log(f"wrote {reconstruction}, {latent}")


@verb(*_INPUTS, _RECONSTRUCTION, _LATENT, _GENERATED)
def plot_variational(
    predictions: list[Path], samples: Path, dataset: str, reconstruction: Path, latent: Path, generated: Path
) -> None:
    """Draw what a variational autoencoder does on a dataset's test split.

    Spectra and latent space are those of the first predictions, distributions are those of each. Draws from the
    posteriors are decoded by a linear approximation around their mean, which is exact for a linear network.

    Example:
      jetpulse plot-variational seed*/predictions.h5 --samples data/spectra/samples.h5 \\
          --dataset spectra --reconstruction reconstruction.svg --latent latent.svg \\
          --generated generated.svg
    """
    from jetpulse.figures.unsupervised_files import plot_variational_figures

    log_start("plot-variational", "matplotlib", "scikit-learn")
    plot_variational_figures(
        predictions, samples, dataset, reconstruction=reconstruction, latent=latent, generated=generated
    )
    log(f"wrote {reconstruction}, {latent}, {generated}")


@verb(*_INPUTS, _GENERATED)
def plot_adversarial(predictions: list[Path], samples: Path, dataset: str, generated: Path) -> None:
    """Draw what a generator makes beside a dataset's test split.

    Spectra are those of the first predictions, distributions are those of each.

    Example:
      jetpulse plot-adversarial seed*/predictions.h5 --samples data/spectra/samples.h5 \\
          --dataset spectra --generated generated.svg
    """
    from jetpulse.figures.unsupervised_files import plot_adversarial_figures

    log_start("plot-adversarial", "matplotlib", "scikit-learn")
    plot_adversarial_figures(predictions, samples, dataset, generated=generated)
    log(f"wrote {generated}")
