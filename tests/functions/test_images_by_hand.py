"""Images whose pixels are known by hand; 40 pixels over [-0.8, 0.8) are 0.04 wide, so x falls into 20 + 25 x."""

import numpy as np
import pytest

from image_reference import ALL_STEPS, assert_same_images, reference_images, steps_name
from jetpulse.jets.images import average_image, build_images, to_dense
from toy_jets import Particle, ragged

Filled = dict[tuple[int, int], float]
AXIS = (100.0, 0.5, 1.0)  # the hardest constituent of most jets below
CENTRED = ("centre",)
ROTATED = ("centre", "rotate")


def filled(particles: list[Particle], steps: tuple[str, ...], pixels: int = 40, half_width: float = 0.8) -> Filled:
    """Return (row, column) -> value of one jet's image."""
    offsets, pixel, value = build_images(*ragged([particles]), pixels, half_width, steps)
    assert offsets.tolist() == [0, len(pixel)]
    assert (np.diff(pixel) > 0).all()
    return {divmod(int(p), pixels): pytest.approx(float(v), rel=1e-6) for p, v in zip(pixel, value, strict=True)}


def around(*relative: Particle) -> list[Particle]:
    """Return the hardest constituent and others by pT and distance from it."""
    return [AXIS, *((pt, AXIS[1] + eta, AXIS[2] + phi) for pt, eta, phi in relative)]


def test_rows_are_eta_and_columns_phi():
    assert filled(around((50.0, 0.1, 0.0), (20.0, 0.0, 0.3)), CENTRED) == {
        (20, 20): 100,
        (22, 20): 50,
        (20, 27): 20,
    }


def test_without_centring_the_origin_is_the_jet_axis():
    # Equal pT on both sides of eta = 0 and of phi = 1: the jet points to (0, 1).
    assert filled([(10.0, 0.1, 0.7), (10.0, -0.1, 1.3)], ()) == {(22, 12): 10, (17, 27): 10}


def test_the_hardest_constituent_is_at_the_centre_wherever_it_is_stored():
    assert filled([(5.0, 0.5, 0.9), (100.0, 0.5, 1.0)], CENTRED) == {(20, 17): 5, (20, 20): 100}


def test_the_centroid_is_weighted_with_pt():
    # Distances 0.1 and 0.3 from the centroid of pT 30 and 10.
    assert filled([(30.0, 0.0, 0.0), (10.0, 0.4, 0.0)], ("centre-centroid",)) == {(17, 20): 30, (27, 20): 10}


def test_rotation_puts_the_second_hardest_on_the_positive_first_axis():
    assert filled(around((50.0, 0.0, 0.3)), ROTATED) == {(20, 20): 100, (27, 20): 50}


def test_rotation_turns_the_others_along_without_a_mirror():
    # A quarter turn takes (eta, phi) to (phi, -eta).
    found = filled(around((50.0, 0.0, 0.3), (10.0, 0.21, 0.0), (5.0, 0.0, -0.11)), ROTATED)
    assert found == {(20, 20): 100, (27, 20): 50, (20, 14): 10, (17, 20): 5}


def test_the_second_hardest_is_found_wherever_it_is_stored():
    jet = around((50.0, 0.0, 0.3), (10.0, 0.21, 0.0))
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1]):
        assert filled([jet[i] for i in order], ROTATED) == {(20, 20): 100, (27, 20): 50, (20, 14): 10}


def test_of_equal_pt_the_first_stored_is_the_harder():
    pair = [(10.0, 0.0, 0.0), (10.0, 0.3, 0.0)]
    assert filled(pair, CENTRED) == {(20, 20): 10, (27, 20): 10}
    assert filled(pair[::-1], CENTRED) == {(20, 20): 10, (12, 20): 10}


def test_of_equal_pt_the_first_stored_is_the_second_hardest():
    tied = [(100.0, 0.0, 0.0), (10.0, 0.3, 0.0), (10.0, 0.0, 0.2)]
    assert filled(tied, ROTATED) == {(20, 20): 100, (27, 20): 10, (20, 25): 10}
    assert filled([tied[0], tied[2], tied[1]], ROTATED) == {(20, 20): 100, (25, 20): 10, (20, 12): 10}


def test_the_principal_axis_becomes_the_first_and_its_harder_end_positive():
    # Spread along phi only, more pT at negative phi: a quarter turn takes phi = -0.3 to eta = +0.3.
    jet = around((20.0, 0.0, -0.3), (10.0, 0.0, 0.21))
    assert filled(jet, ("centre", "rotate-principal")) == {(20, 20): 100, (27, 20): 20, (14, 20): 10}


def test_flips_bring_the_harder_half_to_positive_values():
    jet = around((20.0, -0.1, 0.1), (15.0, 0.3, -0.3))
    assert filled(jet, ("centre", "flip-eta")) == {(20, 20): 100, (22, 22): 20, (12, 12): 15}
    assert filled(jet, ("centre", "flip-phi")) == {(20, 20): 100, (17, 22): 20, (27, 12): 15}
    assert filled(jet, ("centre", "flip-eta", "flip-phi")) == filled(jet, ("centre", "flip-eta"))


def test_what_lies_on_the_axis_has_no_say_in_a_flip():
    jet = [(100.0, 0.0, 0.0), (90.0, 0.237, 0.113), (1.0, -0.113, 0.237), (1.5, 0.113, -0.237)]
    rotated = filled(jet, ROTATED)
    radius = int(20 + 25 * np.hypot(0.237, 0.113))
    assert rotated == {(20, 20): 100, (radius, 20): 90, (20, 26): 1, (20, 13): 1.5}
    assert filled(jet, (*ROTATED, "flip-phi")) == {(20, 20): 100, (radius, 20): 90, (20, 13): 1, (20, 26): 1.5}


@pytest.mark.parametrize("angle", np.linspace(0, 2 * np.pi, 24, endpoint=False))
def test_a_flip_after_rotation_does_not_depend_on_the_orientation(angle):
    c, s = np.cos(angle), np.sin(angle)
    relative = [(90.0, 0.25, 0.01), (3.0, -0.1, 0.2), (2.0, 0.1, -0.3)]
    turned = [(pt, c * x - s * y, s * x + c * y) for pt, x, y in relative]
    steps = (*ROTATED, "flip-phi")
    assert filled(around(*turned), steps) == filled(around(*relative), steps)


def test_two_constituents_in_one_pixel_add_up():
    assert filled(around((50.0, 0.1, 0.1), (20.0, 0.101, 0.101)), CENTRED) == {(20, 20): 100, (22, 22): 70}


def test_normalise_makes_the_hardest_pixel_one_even_if_it_is_not_the_hardest_constituent():
    jet = around((60.0, 0.1, 0.1), (60.0, 0.101, 0.101), (30.0, -0.3, 0.1))
    assert filled(jet, ("centre", "normalise")) == {(20, 20): 100 / 120, (22, 22): 1, (12, 22): 0.25}


def test_normalise_sum_counts_only_what_is_inside():
    jet = around((60.0, 0.1, 0.1), (50.0, 2.0, 0.0))
    assert filled(jet, ("centre", "normalise-sum")) == {(20, 20): 100 / 160, (22, 22): 60 / 160}


def test_what_is_outside_is_dropped():
    assert filled(around((50.0, 0.9, 0.0), (40.0, 0.0, -0.9), (30.0, 3.0, 2.0)), CENTRED) == {(20, 20): 100}


def test_the_lower_edge_is_inside_and_the_upper_outside():
    centre = (100.0, 0.0, 0.0)
    assert filled([centre, (1.0, -0.8, 0.0)], CENTRED) == {(20, 20): 100, (0, 20): 1}
    assert filled([centre, (1.0, 0.8, 0.0)], CENTRED) == {(20, 20): 100}
    assert filled([centre, (1.0, 0.0, 0.8 - 1e-6)], CENTRED) == {(20, 20): 100}
    assert filled([centre, (1.0, 0.0, 0.8 - 1e-5)], CENTRED) == {(20, 20): 100, (20, 39): 1}


@pytest.mark.parametrize(("below", "row"), [(0, 25), (3e-6, 25), (5e-6, 24), (-5e-6, 25)])
def test_an_edge_and_a_ten_thousandth_pixel_below_it_belong_to_the_pixel_above(below, row):
    assert filled([(100.0, 0.0, 0.0), (1.0, 0.2 - below, 0.0)], CENTRED) == {(20, 20): 100, (row, 20): 1}


@pytest.mark.parametrize(("pixels", "half_width", "centre"), [(40, 0.8, 20), (41, 0.82, 20), (37, 0.8, 18), (1, 1, 0)])
def test_the_centre_of_every_grid(pixels, half_width, centre):
    assert filled([AXIS], CENTRED, pixels, half_width) == {(centre, centre): 100}


def test_one_pixel_holds_the_whole_jet():
    assert filled(around((50.0, 0.1, 0.2), (25.0, -0.3, 0.0)), ROTATED, 1) == {(0, 0): 175}


@pytest.mark.parametrize("steps", ALL_STEPS, ids=steps_name)
def test_one_constituent_gives_one_pixel_at_the_centre(steps):
    value = 1 if "normalise" in steps or "normalise-sum" in steps else 100
    assert filled([(100.0, -1.3, 3.1)], steps) == {(20, 20): value}


@pytest.mark.parametrize("steps", [(), CENTRED, ("centre-centroid",)])
def test_a_jet_across_plus_minus_pi_is_not_torn(steps):
    relative = [(100.0, 0.0, 0.0), (50.0, 0.0, 0.1), (40.0, 0.1, -0.1)]
    here, there = (
        filled([(pt, eta, np.arctan2(np.sin(phi + turn), np.cos(phi + turn))) for pt, eta, phi in relative], steps)
        for turn in (0.0, np.pi)
    )
    assert here == there
    assert len(here) == 3


def test_dense_images_by_hand():
    offsets, pixel = np.array([0, 2, 2, 3]), np.array([0, 3, 2], np.int32)
    dense = to_dense(offsets, pixel, np.array([1, 2, 5], np.float32), 2)
    assert dense.tolist() == [[[1, 0], [0, 2]], [[0, 0], [0, 0]], [[0, 0], [5, 0]]]
    assert dense.dtype == np.float32


def test_average_image_by_hand_counts_empty_images():
    offsets, pixel = np.array([0, 2, 2, 3, 4]), np.array([0, 3, 3, 1], np.int32)
    average = average_image(offsets, pixel, np.array([1, 2, 4, 8], np.float32), 2)
    assert average.tolist() == [[0.25, 2], [0, 1.5]]
    assert average.dtype == np.float64


def test_no_images_have_an_average_of_zero_and_no_dense_ones():
    nothing = np.array([0]), np.zeros(0, np.int32), np.zeros(0, np.float32)
    assert average_image(*nothing, 3).tolist() == np.zeros((3, 3)).tolist()
    assert to_dense(*nothing, 3).shape == (0, 3, 3)


def test_the_reference_implementation_passes_its_own_example():
    jet = ragged([around((50.0, 0.0, 0.3), (10.0, 0.21, 0.0))])
    expected = np.zeros((1, 40, 40))
    expected[0, [20, 27, 20], [20, 20, 14]] = 100, 50, 10
    np.testing.assert_allclose(reference_images(*jet, 40, 0.8, ROTATED), expected, rtol=1e-12)
    assert_same_images(build_images(*jet, 40, 0.8, ROTATED), expected)
