"""Jet images once more, straight from the written rules: one jet at a time, float64, nothing clever.

Rows are eta, columns phi; the image covers [-half_width, half_width); an edge, and whatever lies less than 1e-4
pixel widths below it, belongs to the pixel above; of equal pT the first is the harder; rows without pT are padding;
what is less than 1e-5 from the origin has no direction to rotate by.
"""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np

TIE = 1e-4  # pixel widths
RESOLVED = 1e-5  # in eta and phi

CENTRINGS = ((), ("centre",), ("centre-centroid",))
ROTATIONS = ((), ("rotate",), ("rotate-principal",))
FLIPS = ((), ("flip-eta",), ("flip-phi",), ("flip-eta", "flip-phi"))
NORMALISATIONS = ((), ("normalise",), ("normalise-sum",))
GEOMETRIES = [sum(steps, ()) for steps in product(CENTRINGS, ROTATIONS, FLIPS)]
ALL_STEPS = [geometry + normalisation for geometry in GEOMETRIES for normalisation in NORMALISATIONS]


def steps_name(steps: Sequence[str]) -> str:
    """Return the steps as a test's id."""
    return "+".join(steps) or "none"


def wrap(phi: np.ndarray) -> np.ndarray:
    """Return angles within pi of zero."""
    return np.arctan2(np.sin(phi), np.cos(phi))


def rotation(eta: float, phi: float) -> np.ndarray:
    """Return the proper rotation that brings the direction (eta, phi) onto the positive first axis."""
    c, s = np.array([eta, phi]) / np.hypot(eta, phi)
    matrix = np.array([[c, s], [-s, c]])
    np.testing.assert_allclose(np.linalg.det(matrix), 1)
    return matrix


def lean(pt: np.ndarray, x: np.ndarray) -> float:
    """Return the pT at positive x minus the pT at negative x."""
    return pt[x > 0].sum() - pt[x < 0].sum()


def reference_coordinates(constituents: np.ndarray, steps: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return pT (n,) and eta, phi (2, n) of one jet's constituents (rows E, px, py, pz) after the steps."""
    _, px, py, pz = constituents.astype(np.float64)[np.hypot(constituents[:, 1], constituents[:, 2]) > 0].T
    pt = np.hypot(px, py)
    if len(pt) == 0:
        return pt, np.zeros((2, 0))
    hardest = int(np.argmax(pt))

    eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)
    origin = np.array([np.arcsinh(pz.sum() / np.hypot(px.sum(), py.sum())), np.arctan2(py.sum(), px.sum())])
    if "centre" in steps or "centre-centroid" in steps:
        origin = np.array([eta[hardest], phi[hardest]])
    where = np.stack([eta - origin[0], wrap(phi - origin[1])])
    if "centre-centroid" in steps:
        where = where - np.average(where, axis=1, weights=pt)[:, None]

    others = [k for k in range(len(pt)) if k != hardest and np.hypot(*where[:, k]) >= RESOLVED]
    if "rotate" in steps and others:
        second = max(others, key=lambda k: pt[k])
        where = rotation(*where[:, second]) @ where
        where[1, second] = 0  # exactly, by construction
    if "rotate-principal" in steps and len(pt) > 1:
        _, axes = np.linalg.eigh((where * pt) @ where.T)  # ascending: the last spreads most
        axis = axes[:, -1]
        where = rotation(*(axis if lean(pt, axis @ where) >= 0 else -axis)) @ where

    for row, flip in enumerate(("flip-eta", "flip-phi")):
        if flip in steps and lean(pt, where[row]) < 0:
            where[row] *= -1
    return pt, where


def reference_image(
    pt: np.ndarray, where: np.ndarray, pixels: int, half_width: float, steps: Sequence[str]
) -> np.ndarray:
    """Return the dense image (pixels, pixels) of constituents at where (2, n)."""
    index = np.floor((where + half_width) / (2 * half_width / pixels) + TIE).astype(int)
    inside = ((index >= 0) & (index < pixels)).all(axis=0)
    image = np.zeros((pixels, pixels))
    np.add.at(image, tuple(index[:, inside]), pt[inside])
    if "normalise" in steps and image.any():
        image = image / image.max()
    if "normalise-sum" in steps and image.any():
        image = image / image.sum()
    return image


def reference_images(
    constituents: np.ndarray, offsets: np.ndarray, pixels: int, half_width: float, steps: Sequence[str]
) -> np.ndarray:
    """Return the dense images (n, pixels, pixels) of all jets."""
    images = np.zeros((len(offsets) - 1, pixels, pixels))
    for jet, (start, stop) in enumerate(pairwise(offsets)):
        images[jet] = reference_image(
            *reference_coordinates(constituents[start:stop], steps), pixels, half_width, steps
        )
    return images


def assert_same_images(
    found: tuple[np.ndarray, np.ndarray, np.ndarray], expected: np.ndarray, context: object = ""
) -> None:
    """Check sparse images against dense ones: the same pixels, ascending, and the same values."""
    offsets, pixel, value = found
    assert len(offsets) == len(expected) + 1
    for jet, image in enumerate(expected):
        here = slice(offsets[jet], offsets[jet + 1])
        values = image.ravel()
        filled = np.flatnonzero(values)
        np.testing.assert_array_equal(pixel[here], filled, err_msg=f"jet {jet}, {context}")
        np.testing.assert_allclose(value[here], values[filled], rtol=1e-6, err_msg=f"jet {jet}, {context}")
