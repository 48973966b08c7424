"""The fast images against a slow and independent implementation of the same written rules."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_reference import (
    ALL_STEPS,
    GEOMETRIES,
    NORMALISATIONS,
    assert_same_images,
    reference_coordinates,
    reference_image,
    reference_images,
    steps_name,
)
from jetpulse.jets.images import build_images
from jetpulse.samples import counts_to_offsets
from toy_jets import jets, ragged, random_jets

GRIDS = [(40, 0.8), (41, 0.82), (37, 0.8), (1, 0.8)]
STANDARD = ("centre", "rotate", "normalise")


@pytest.fixture(scope="module")
def toys() -> tuple[np.ndarray, np.ndarray]:
    return ragged([*random_jets(1, 40), *random_jets(2, 10, most=3), [], *random_jets(3, 10, width=0.05)], np.float32)


@pytest.fixture(scope="module")
def real_jets(real_data) -> tuple[np.ndarray, np.ndarray]:
    with np.load(real_data / "top_landscape_test_first1000.npz") as file:
        return file["constituents"], counts_to_offsets(file["counts"])


@pytest.mark.parametrize("steps", ALL_STEPS, ids=steps_name)
def test_random_jets_give_the_reference_image_for_every_choice_of_steps(toys, steps):
    assert_same_images(build_images(*toys, 40, 0.8, steps), reference_images(*toys, 40, 0.8, steps))


@pytest.mark.parametrize(("pixels", "half_width"), [*GRIDS, (2, 0.1), (64, 3.0)])
@pytest.mark.parametrize("steps", [(), STANDARD, ("centre-centroid", "rotate-principal", "flip-phi")], ids=steps_name)
def test_random_jets_give_the_reference_image_on_every_grid(toys, pixels, half_width, steps):
    found = build_images(*toys, pixels, half_width, steps)
    assert_same_images(found, reference_images(*toys, pixels, half_width, steps))


@pytest.mark.parametrize("steps", [("centre",), ("centre", "rotate"), ()], ids=steps_name)
@pytest.mark.parametrize("turn", [0.0, 1.0, 3.1, -2.0])
def test_every_direction_falls_into_the_reference_pixel(steps, turn):
    # Pixels of 0.008 and their tie rule need angles that are right to the seventh digit, all around and far forward.
    rng = np.random.default_rng(1)
    jet = np.column_stack([rng.uniform(1, 2, 5000), rng.uniform(-4.5, 4.5, 5000), rng.uniform(-2.9, 2.9, 5000)])
    jet[0], jet[1] = (1e5, 0.0, 0.0), (1e3, 0.1, 0.2)
    made = ragged([jet + np.array([0, 0.5, turn])])
    found = build_images(*made, 1024, 4.0, steps)
    assert_same_images(found, reference_images(*made, 1024, 4.0, steps))


@settings(max_examples=300)
@given(
    drawn=jets(),
    steps=st.sampled_from(ALL_STEPS),
    grid=st.sampled_from(GRIDS),
    dtype=st.sampled_from([np.float32, np.float64]),
    threads=st.integers(1, 3),
)
def test_any_jets_give_the_reference_image(drawn, steps, grid, dtype, threads):
    constituents, offsets = ragged(drawn, dtype)
    found = build_images(constituents, offsets, *grid, steps, threads)
    assert_same_images(found, reference_images(constituents, offsets, *grid, steps))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=steps_name)
def test_real_jets_give_the_reference_image_for_every_geometry(real_jets, geometry):
    steps = (*geometry, "normalise")
    assert_same_images(build_images(*real_jets, 40, 0.8, steps), reference_images(*real_jets, 40, 0.8, steps))


def test_real_jets_give_the_reference_image_on_every_grid_and_normalisation(real_jets):
    constituents, offsets = real_jets
    spans = list(pairwise(offsets))
    coordinates = [reference_coordinates(constituents[a:b], STANDARD) for a, b in spans]
    for pixels, half_width in GRIDS:
        for normalisation in NORMALISATIONS:
            steps = ("centre", "rotate", *normalisation)
            expected = [reference_image(*jet, pixels, half_width, steps) for jet in coordinates]
            found = build_images(constituents, offsets, pixels, half_width, steps)
            assert_same_images(found, np.stack(expected), (pixels, steps))


def test_the_hardest_real_constituents_are_at_the_centre(real_jets):
    constituents, offsets = real_jets
    image_offsets, pixel, _ = build_images(constituents, offsets, 40, 0.8, STANDARD)
    for jet in range(len(offsets) - 1):
        assert 20 * 40 + 20 in pixel[image_offsets[jet] : image_offsets[jet + 1]]
