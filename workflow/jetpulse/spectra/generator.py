"""Generated spectra: Poisson counts around a smooth background and Gaussian lines of varying flux.

The defaults are those of the 200 spectra of "Machine Learning and Statistics for Physicists" (D. Kirkby), found by a
fit to them: background, positions and widths of the lines, distribution of the fluxes.
"""

from dataclasses import dataclass

import numpy as np

from jetpulse import seeds
from jetpulse.config import Counts
from jetpulse.errors import UserError

MOST = 2.0**24  # counts of a bin; float32 holds every whole number up to here


@dataclass(frozen=True)
class Spectra:
    """Generated spectra: ``counts`` float32 (n, bins) and the truth, ``flux`` float64 (n, lines), 0 for no line."""

    counts: np.ndarray
    flux: np.ndarray


def axis(bins: int) -> np.ndarray:
    """Return the position of every bin, float64 (bins,), from 0 for the first to 1 for the last."""
    return np.linspace(0.0, 1.0, bins)


def line_shapes(spec: Counts) -> np.ndarray:
    """Return what a flux of 1 adds to each bin: the Gaussian density of every line, float64 (lines, bins)."""
    centre = np.array([[line.centre] for line in spec.lines]).reshape(-1, 1)
    width = np.array([[line.width] for line in spec.lines]).reshape(-1, 1)
    with np.errstate(over="ignore"):  # far from a very narrow line the exponent is infinite and the density 0
        return np.exp(-0.5 * ((axis(spec.bins) - centre) / width) ** 2) / (np.sqrt(2 * np.pi) * width)


def background(spec: Counts) -> np.ndarray:
    """Return the expected counts of every bin without lines, float64 (bins,)."""
    return np.polynomial.polynomial.polyval(axis(spec.bins), spec.background)


def expected_counts(spec: Counts, flux: np.ndarray) -> np.ndarray:
    """Return the expected counts of spectra with these fluxes (n, lines), float64 (n, bins)."""
    expected = np.tile(background(spec), (len(flux), 1))
    # Line by line, not as a matrix product: its last bits depend on the library and on n, and the draws on them.
    for values, shape in zip(np.transpose(flux), line_shapes(spec), strict=True):
        expected += values[:, None] * shape
    return expected


def generate_block(spec: Counts, block: int, stream: str = "spectra", seed: int | None = None) -> Spectra:
    """Return one block of spectra; it depends on ``spec`` and ``block`` (and stream and seed, if given) alone.

    The last block is shorter: it holds the beginning of what a whole one would, so that a larger ``spec.n`` appends.

    Raises:
        ValueError: no such block.
        UserError: more counts than a bin can hold.
    """
    count = min(spec.block, spec.n - block * spec.block)
    if block < 0 or count <= 0:
        msg = f"block {block} does not exist: {spec.n} spectra in blocks of {spec.block}"
        raise ValueError(msg)
    rng = seeds.generator(spec.seed if seed is None else seed, stream, block)
    return _draw(spec, _draw_flux(spec, spec.block, rng)[:count], rng)


def generate_fresh(spec: Counts, n: int, seed: int, block: int) -> Spectra:
    """Return n new spectra to train on, never those of a dataset; they depend on the arguments alone.

    Raises:
        UserError: more counts than a bin can hold.
    """
    rng = seeds.generator(seed, "spectra/fresh", block)
    return _draw(spec, _draw_flux(spec, n, rng), rng)


def _draw_flux(spec: Counts, n: int, rng: np.random.Generator) -> np.ndarray:
    median, spread, absent = (
        np.array([getattr(line, name) for line in spec.lines], np.float64) for name in ("flux", "spread", "absent")
    )
    shape = (n, len(spec.lines))
    with np.errstate(over="ignore"):  # what is infinite is refused below
        flux = median * rng.lognormal(0.0, spread, shape)
    return np.where(rng.random(shape) < absent, 0.0, flux)


def _draw(spec: Counts, flux: np.ndarray, rng: np.random.Generator) -> Spectra:
    with np.errstate(over="ignore", invalid="ignore"):
        expected = expected_counts(spec, flux)
    if not (expected <= MOST).all():
        raise UserError(
            f"counts: a bin would hold {expected.max():g} counts, at most 2^24 = {MOST:.0f} can be stored exactly; "
            "lower background, flux or spread, or widen the lines"
        )
    counts = rng.poisson(expected) if spec.poisson else expected
    return Spectra(counts.astype(np.float32), flux)
