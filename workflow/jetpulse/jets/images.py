"""Jet images: preprocessing and pixelation of constituents in one pass, stored sparse.

Conventions, shared by every implementation of the project:

* The first axis is eta (rows), the second phi (columns); ``pixel = row * pixels + column``.
* The image covers ``[-half_width, half_width)`` in both directions; what lies outside is dropped.
* Tie rule: an edge belongs to the pixel above it, and so does whatever lies less than ``TIE`` pixel widths below
  the edge. With an even number of pixels the two hardest constituents of a centred and rotated jet lie *exactly*
  on edges; without the rule their pixel would depend on the last bit of somebody's arctangent.
* Equal pT: the constituent that is stored first counts as the harder one.
* Rotation turns the second-hardest constituent onto the first axis. One that is closer than ``RESOLVED`` to the origin
  (a calorimeter tower may appear twice, as an electromagnetic and a hadronic object) has no direction but rounding;
  the next one takes its place.
* A flip compares the pT on both sides of an axis; what lies exactly on it counts for neither side.

Preprocessing after de Oliveira et al. (doi:10.1007/JHEP07(2016)069) and Macaluso, Shih
(doi:10.1007/JHEP10(2018)121, arXiv:1803.00107).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jetpulse.jets.kernels import pixelate
from jetpulse.samples import counts_to_offsets

_CENTRE = {"centre": 1, "centre-centroid": 2}
_ROTATE = {"rotate": 1, "rotate-principal": 2}
_NORMALISE = {"normalise": 1, "normalise-sum": 2}


def build_images(
    constituents: np.ndarray,
    offsets: np.ndarray,
    pixels: int,
    half_width: float,
    steps: Sequence[str],
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sparse images of jets.

    Args:
        constituents: (total, 4) E, px, py, pz in GeV; rows without transverse momentum are padding.
        offsets: int64 (n + 1).
        pixels: pixels along each axis.
        half_width: half the image's side in eta and phi.
        steps: any of centre | centre-centroid, rotate | rotate-principal, flip-eta, flip-phi, normalise |
            normalise-sum; applied in that order. Without centring, coordinates are relative to the jet axis.
        threads: CPU threads; the result does not depend on it.

    Returns:
        offsets int64 (n + 1), pixel int32 (m,) ascending within each image, value float32 (m,): pT in GeV, or
        relative after a normalisation.

    Example:
        >>> offsets, pixel, value = build_images(jets, jet_offsets, 40, 0.8, ["centre", "rotate", "normalise"])
    """
    constituents = np.ascontiguousarray(constituents, np.float64 if constituents.dtype == np.float64 else np.float32)
    offsets = np.ascontiguousarray(offsets, np.int64)
    n = len(offsets) - 1
    threads = max(1, min(threads, n))
    counts = np.zeros(n, np.int64)
    options = (
        pixels,
        float(half_width),
        next((_CENTRE[s] for s in steps if s in _CENTRE), 0),
        next((_ROTATE[s] for s in steps if s in _ROTATE), 0),
        "flip-eta" in steps,
        "flip-phi" in steps,
        next((_NORMALISE[s] for s in steps if s in _NORMALISE), 0),
    )

    # A jet fills at most as many pixels as it has constituents: a span of jets has room from its first offset on.
    pixel, value = np.empty(len(constituents), np.int32), np.empty(len(constituents), np.float32)
    edges = [n * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # One thread is this one: small batches would wait for another to start longer than for their images.
        filled = (map if threads == 1 else pool.map)(
            lambda first, last: pixelate(constituents, offsets, first, last, options, counts, pixel, value),
            edges[:-1],
            edges[1:],
        )
        end = 0
        for first, length in zip(edges, filled, strict=False):
            start = offsets[first]
            for array in (pixel, value):
                array[end : end + length] = array[start : start + length]
            end += length
    return counts_to_offsets(counts), pixel[:end], value[:end]


def to_dense(offsets: np.ndarray, pixel: np.ndarray, value: np.ndarray, pixels: int) -> np.ndarray:
    """Return dense float32 images (n, pixels, pixels) of sparse ones; first axis eta, second phi."""
    n = len(offsets) - 1
    images = np.zeros(n * pixels * pixels, np.float32)
    images[np.repeat(np.arange(n, dtype=np.int64), np.diff(offsets)) * pixels * pixels + pixel] = value
    return images.reshape(n, pixels, pixels)


def average_image(offsets: np.ndarray, pixel: np.ndarray, value: np.ndarray, pixels: int) -> np.ndarray:
    """Return the float64 mean (pixels, pixels) of sparse images; zeros when there are none."""
    total = np.bincount(pixel, weights=value, minlength=pixels * pixels).reshape(pixels, pixels)
    return total / max(1, len(offsets) - 1)
