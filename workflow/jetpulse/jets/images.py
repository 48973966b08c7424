"""Jet images: preprocessing and pixelation of constituents in one pass, stored sparse.

Conventions, shared by every implementation of the project:

* The first axis is eta (rows), the second phi (columns); ``pixel = row * pixels + column``.
* The image covers ``[-half_width, half_width)`` in both directions; what lies outside is dropped.
* Tie rule: an edge belongs to the pixel above it, and so does whatever lies less than ``TIE`` pixel widths below
  the edge. With an even number of pixels the two hardest constituents of a centred and rotated jet lie *exactly*
  on edges; without the rule their pixel would depend on the last bit of somebody's arctangent.
* Equal pT: the constituent that is stored first counts as the harder one.

Preprocessing after de Oliveira et al. (doi:10.1007/JHEP07(2016)069) and Macaluso, Shih
(doi:10.1007/JHEP10(2018)121, arXiv:1803.00107).
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from jetpulse.samples import counts_to_offsets

TIE = 1e-4  # pixel widths
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
    n = len(offsets) - 1
    counts = np.zeros(n, np.int64)
    pixel = np.empty(len(constituents), np.int32)
    value = np.empty(len(constituents), np.float32)
    options = (
        pixels,
        float(half_width),
        next((_CENTRE[s] for s in steps if s in _CENTRE), 0),
        next((_ROTATE[s] for s in steps if s in _ROTATE), 0),
        "flip-eta" in steps,
        "flip-phi" in steps,
        next((_NORMALISE[s] for s in steps if s in _NORMALISE), 0),
    )
    edges = np.linspace(0, n, max(1, min(threads, n)) + 1).astype(np.int64)
    spans = list(zip(edges, edges[1:], strict=False))
    with ThreadPoolExecutor(len(spans)) as pool:
        list(pool.map(lambda span: _pixelate(constituents, offsets, *span, *options, counts, pixel, value), spans))
        image_offsets = counts_to_offsets(counts)
        dense_pixel = np.empty(image_offsets[-1], np.int32)
        dense_value = np.empty(image_offsets[-1], np.float32)
        packed = (offsets, image_offsets, pixel, value, dense_pixel, dense_value)
        list(pool.map(lambda span: _pack(*packed, *span), spans))
    return image_offsets, dense_pixel, dense_value


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


@numba.njit(nogil=True, cache=True)
def _pack(offsets, image_offsets, pixel, value, dense_pixel, dense_value, first, last):
    for jet in range(first, last):
        start = offsets[jet]
        for i in range(image_offsets[jet], image_offsets[jet + 1]):
            k = start + i - image_offsets[jet]
            dense_pixel[i] = pixel[k]
            dense_value[i] = value[k]


@numba.njit(nogil=True, cache=True)
def _load(constituents, start, stop, pt, eta, phi):
    """Fill pT, eta and phi of the jet, both relative to its hardest constituent; return n and the harder two.

    Relative azimuths come from a cross and a dot product, so they need no wrapping at ±pi.
    """
    n, hardest, second, ax, ay = 0, -1, -1, 0.0, 0.0
    for i in range(start, stop):
        px, py, pz = (
            np.float64(constituents[i, 1]),
            np.float64(constituents[i, 2]),
            np.float64(constituents[i, 3]),
        )
        pt2 = px * px + py * py
        if not pt2 > 0.0:
            continue
        pt[n] = math.sqrt(pt2)
        eta[n] = pz / pt[n]
        if hardest < 0 or pt[n] > pt[hardest]:
            second, hardest, ax, ay = hardest, n, px, py
        elif second < 0 or pt[n] > pt[second]:
            second = n
        n += 1
    k = 0
    for i in range(start, stop):
        px, py = np.float64(constituents[i, 1]), np.float64(constituents[i, 2])
        if not px * px + py * py > 0.0:
            continue
        eta[k] = math.asinh(eta[k])
        phi[k] = math.atan2(py * ax - px * ay, px * ax + py * ay)
        k += 1
    if n > 0:
        eta0 = eta[hardest]
        for k in range(n):
            eta[k] -= eta0
    return n, hardest, second


@numba.njit(nogil=True, cache=True)
def _jet_axis(constituents, start, stop, hardest_eta, hardest_phi):
    """Return eta and phi of the summed momentum relative to the hardest constituent's."""
    px, py, pz = 0.0, 0.0, 0.0
    for i in range(start, stop):
        px += constituents[i, 1]
        py += constituents[i, 2]
        pz += constituents[i, 3]
    phi = math.atan2(py, px) - hardest_phi
    phi -= 2.0 * math.pi * math.floor(phi / (2.0 * math.pi) + 0.5)
    return math.asinh(pz / math.hypot(px, py)) - hardest_eta, phi


@numba.njit(nogil=True, cache=True)
def _shift(n, eta, phi, eta0, phi0):
    for k in range(n):
        eta[k] -= eta0
        phi[k] -= phi0


@numba.njit(nogil=True, cache=True)
def _turn(n, eta, phi, c, s):
    """Rotate by the angle whose cosine and sine are c and -s (determinant +1)."""
    for k in range(n):
        eta[k], phi[k] = c * eta[k] + s * phi[k], c * phi[k] - s * eta[k]


@numba.njit(nogil=True, cache=True)
def _harder_below(n, pt, x):
    """Whether the half with negative coordinates carries more pT."""
    balance = 0.0
    for k in range(n):
        balance += pt[k] if x[k] > 0.0 else (-pt[k] if x[k] < 0.0 else 0.0)
    return balance < 0.0


@numba.njit(nogil=True, cache=True)
def _principal_axis(n, pt, eta, phi):
    """Cosine and sine of the axis along which pT spreads most; its harder end becomes positive."""
    xx, yy, xy = 0.0, 0.0, 0.0
    for k in range(n):
        xx += pt[k] * eta[k] * eta[k]
        yy += pt[k] * phi[k] * phi[k]
        xy += pt[k] * eta[k] * phi[k]
    angle = 0.5 * math.atan2(2.0 * xy, xx - yy)
    c, s = math.cos(angle), math.sin(angle)
    balance = 0.0
    for k in range(n):
        along = c * eta[k] + s * phi[k]
        balance += pt[k] if along > 0.0 else (-pt[k] if along < 0.0 else 0.0)
    return (-c, -s) if balance < 0.0 else (c, s)


@numba.njit(nogil=True, cache=True)
def _preprocess(constituents, start, stop, n, hardest, second, centre, rotate, flip_eta, flip_phi, pt, eta, phi):
    if centre == 2:
        total, eta0, phi0 = 0.0, 0.0, 0.0
        for k in range(n):
            total += pt[k]
            eta0 += pt[k] * eta[k]
            phi0 += pt[k] * phi[k]
        _shift(n, eta, phi, eta0 / total, phi0 / total)
    elif centre == 0:
        # The hardest row of the input, looked up again because coordinates are already relative to it.
        k = -1
        for i in range(start, stop):
            if constituents[i, 1] != 0.0 or constituents[i, 2] != 0.0:
                k += 1
                if k == hardest:
                    px, py, pz = (
                        np.float64(constituents[i, 1]),
                        np.float64(constituents[i, 2]),
                        np.float64(constituents[i, 3]),
                    )
                    eta0, phi0 = _jet_axis(
                        constituents, start, stop, math.asinh(pz / math.hypot(px, py)), math.atan2(py, px)
                    )
                    _shift(n, eta, phi, eta0, phi0)
                    break
    if rotate == 1 and second >= 0:
        radius = math.hypot(eta[second], phi[second])
        if radius > 0.0:
            _turn(n, eta, phi, eta[second] / radius, phi[second] / radius)
    elif rotate == 2 and n > 1:
        c, s = _principal_axis(n, pt, eta, phi)
        _turn(n, eta, phi, c, s)
    if flip_eta and _harder_below(n, pt, eta):
        for k in range(n):
            eta[k] = -eta[k]
    if flip_phi and _harder_below(n, pt, phi):
        for k in range(n):
            phi[k] = -phi[k]


@numba.njit(nogil=True, cache=True)
def _pixelate(
    constituents,
    offsets,
    first,
    last,
    pixels,
    half_width,
    centre,
    rotate,
    flip_eta,
    flip_phi,
    normalise,
    counts,
    pixel,
    value,
):
    """Fill ``pixel`` and ``value`` from each jet's own offset on, and ``counts`` with how many there are."""
    longest = 1
    for jet in range(first, last):
        longest = max(longest, offsets[jet + 1] - offsets[jet])
    pt, eta, phi = np.empty(longest), np.empty(longest), np.empty(longest)
    image = np.zeros(pixels * pixels)
    scale = pixels / (2.0 * half_width)
    shift = 0.5 * pixels + TIE
    for jet in range(first, last):
        start, stop = offsets[jet], offsets[jet + 1]
        n, hardest, second = _load(constituents, start, stop, pt, eta, phi)
        if n == 0:
            continue
        _preprocess(constituents, start, stop, n, hardest, second, centre, rotate, flip_eta, flip_phi, pt, eta, phi)
        filled = 0
        for k in range(n):
            x, y = eta[k] * scale + shift, phi[k] * scale + shift
            if not (0.0 <= x < pixels and 0.0 <= y < pixels):
                continue
            index = np.int32(x) * pixels + np.int32(y)
            if image[index] == 0.0:
                # Insertion keeps the touched pixels ascending; they are few.
                j = start + filled
                while j > start and pixel[j - 1] > index:
                    pixel[j] = pixel[j - 1]
                    j -= 1
                pixel[j] = index
                filled += 1
            image[index] += pt[k]
        norm = 0.0
        for j in range(start, start + filled):
            norm = max(norm, image[pixel[j]]) if normalise == 1 else norm + image[pixel[j]]
        if normalise == 0 or norm == 0.0:
            norm = 1.0
        for j in range(start, start + filled):
            value[j] = image[pixel[j]] / norm
            image[pixel[j]] = 0.0
        counts[jet] = filled
