"""What goes wrong in other people's jet images: precision, padding, threads, orientation, changed inputs."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_reference import steps_name
from jetpulse.jets.images import average_image, build_images, to_dense
from jetpulse.samples import Block, counts_to_offsets
from toy_jets import jets, ragged, random_jets

STANDARD = ("centre", "rotate", "normalise")
SOME_STEPS = [
    (),
    STANDARD,
    ("centre-centroid", "rotate-principal", "flip-eta", "flip-phi", "normalise-sum"),
]
some_steps = pytest.mark.parametrize("steps", SOME_STEPS, ids=steps_name)


def assert_identical(found, expected) -> None:
    for left, right in zip(found, expected, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def assert_close(found, expected, rtol: float = 1e-6) -> None:
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_allclose(found[2], expected[2], rtol=rtol)


def pixel_sets(image) -> list[set[int]]:
    offsets, pixel, _ = image
    return [set(pixel[a:b].tolist()) for a, b in pairwise(offsets)]


def turned(jet: np.ndarray, angle: float) -> np.ndarray:
    """Return the jet (n, 3) of pT, eta, phi turned around its hardest constituent in the eta-phi plane."""
    c, s = np.cos(angle), np.sin(angle)
    relative = jet[:, 1:] - jet[0, 1:]
    return np.column_stack([jet[:, 0], jet[0, 1:] + relative @ np.array([[c, s], [-s, c]])])


@some_steps
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_jets_behave_like_many(steps, n):
    constituents, offsets = ragged(random_jets(1, 3))
    all_offsets, pixel, value = build_images(constituents, offsets, 40, 0.8, steps)
    few = build_images(constituents[: offsets[n]], offsets[: n + 1], 40, 0.8, steps)
    assert_identical(few, (all_offsets[: n + 1], pixel[: all_offsets[n]], value[: all_offsets[n]]))


@some_steps
def test_output_types_are_the_file_format(steps):
    for jets_made in ([], random_jets(1, 2)):
        offsets, pixel, value = build_images(*ragged(jets_made, np.float32), 40, 0.8, steps)
        assert (offsets.dtype, pixel.dtype, value.dtype) == (np.int64, np.int32, np.float32)


@some_steps
def test_jets_without_constituents_give_empty_images(steps):
    jet = random_jets(1, 1)[0]
    offsets, pixel, value = build_images(*ragged([[], jet, []]), 40, 0.8, steps)
    alone = build_images(*ragged([jet]), 40, 0.8, steps)
    assert offsets.tolist() == [0, 0, len(pixel), len(pixel)]
    assert_identical((pixel, value), alone[1:])


@some_steps
@pytest.mark.parametrize("row", [(0, 0, 0, 0), (5, 0, 0, 5), (50, 0, 0, -50)], ids=["zeros", "forward", "backward"])
def test_rows_without_transverse_momentum_are_padding(steps, row):
    constituents, offsets = ragged(random_jets(2, 4, most=6))
    padded = [np.array([row], float)]
    for start, stop in pairwise(offsets):
        padded += [constituents[start:stop], np.array([row, row], float)]
    counts = np.diff(offsets) + 2
    counts[0] += 1
    found = build_images(np.concatenate(padded), counts_to_offsets(counts), 40, 0.8, steps)
    assert_identical(found, build_images(constituents, offsets, 40, 0.8, steps))


@some_steps
def test_a_jet_of_padding_only_is_an_empty_image(steps):
    offsets, pixel, value = build_images(np.zeros((3, 4)), np.array([0, 3]), 40, 0.8, steps)
    assert (offsets.tolist(), len(pixel), len(value)) == ([0, 0], 0, 0)


@some_steps
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_callers_arrays_are_unchanged(steps, dtype):
    constituents, offsets = ragged(random_jets(3, 20), dtype)
    before = constituents.copy(), offsets.copy()
    image = build_images(constituents, offsets, 40, 0.8, steps, 2)
    kept = [array.copy() for array in image]
    to_dense(*image, 40)
    average_image(*image, 40)
    assert_identical((constituents, offsets), before)
    assert_identical(image, kept)


@some_steps
@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_do_not_change_a_single_byte(steps, threads):
    jets_made = ragged(random_jets(4, 50), np.float32)
    one = build_images(*jets_made, 40, 0.8, steps, 1)
    several = build_images(*jets_made, 40, 0.8, steps, threads)
    assert [array.tobytes() for array in several] == [array.tobytes() for array in one]


@some_steps
def test_the_order_of_jets_does_not_matter(steps):
    constituents, offsets = ragged(random_jets(5, 20))
    index = np.random.default_rng(1).permutation(20)
    shuffled = Block({"event": index}, offsets, {"constituents": constituents}).take(index)
    found = build_images(shuffled.flat["constituents"], shuffled.offsets, 40, 0.8, steps)
    images = to_dense(*build_images(constituents, offsets, 40, 0.8, steps), 40)
    np.testing.assert_array_equal(to_dense(*found, 40), images[index])


@some_steps
def test_single_and_double_precision_of_the_same_numbers_agree(steps):
    constituents, offsets = ragged(random_jets(6, 100), np.float32)
    single = build_images(constituents, offsets, 40, 0.8, steps)
    assert_identical(single, build_images(constituents.astype(np.float64), offsets, 40, 0.8, steps))


def test_on_an_even_grid_the_two_hardest_stay_above_the_edge_they_lie_on():
    pairs = [jet[:2] for jet in random_jets(7, 500, width=0.15) if len(jet) > 1]
    images = pixel_sets(build_images(*ragged(pairs), 40, 1.6, ("centre", "rotate")))
    assert len(pairs) > 400
    for pixels in images:
        assert 20 * 40 + 20 in pixels
        assert all(pixel // 40 >= 20 and pixel % 40 == 20 for pixel in pixels)


@pytest.mark.parametrize("pixels", [40, 41])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perturbation_in_the_seventh_digit_moves_few_pixels(pixels, dtype):
    made = [jet for jet in random_jets(8, 500) if len(jet) > 1]
    noise = np.random.default_rng(2)

    def compare(group: list[np.ndarray]) -> tuple[int, int]:
        constituents, offsets = ragged(group)
        moved = constituents * (1 + 1e-7 * noise.uniform(-1, 1, constituents.shape))
        images = [
            pixel_sets(build_images(x.astype(dtype), offsets, pixels, 0.8, STANDARD)) for x in (constituents, moved)
        ]
        return sum(len(a ^ b) for a, b in zip(*images, strict=True)), sum(map(len, images[0]))

    changed, total = compare(made)
    assert total > 5000
    assert changed <= 1e-3 * total
    assert compare([jet[:2] for jet in made])[0] == 0


def test_two_hardest_of_one_direction_do_not_spin_the_image():
    # A calorimeter tower can appear twice, as an electromagnetic and a hadronic object: one direction up to rounding.
    rest = [(10.0, 0.2, 0.3), (5.0, -0.3, 0.1), (3.0, 0.1, -0.4)]
    made, offsets = ragged([[(100.0, eta, 1.0), (40.0, eta, 1.0), *rest] for eta in np.linspace(-0.5, 0.5, 50)])
    noise = 1 + 1e-7 * np.random.default_rng(4).uniform(-1, 1, made.shape)
    before, after = (pixel_sets(build_images(x, offsets, 40, 0.8, STANDARD)) for x in (made, made * noise))
    assert before == after


def test_a_perturbation_of_real_jets_moves_few_pixels(real_data):
    with np.load(real_data / "top_landscape_test_first1000.npz") as file:
        constituents, offsets = file["constituents"].astype(np.float64), counts_to_offsets(file["counts"])
    noise = np.random.default_rng(3).uniform(-1, 1, constituents.shape)
    before = pixel_sets(build_images(constituents, offsets, 40, 0.8, STANDARD))
    after = pixel_sets(build_images(constituents * (1 + 1e-7 * noise), offsets, 40, 0.8, STANDARD))
    different = [len(a ^ b) for a, b in zip(before, after, strict=True)]
    assert sum(different) <= 1e-3 * sum(map(len, before))


@given(drawn=jets(), shift=st.tuples(st.floats(-2, 2), st.floats(-10, 10)))
def test_centring_forgets_where_the_jet_was(drawn, shift):
    steps = ("centre", "rotate", "flip-eta", "normalise")
    moved = [jet + np.array([0, *shift]) for jet in drawn]
    assert_close(build_images(*ragged(moved), 41, 0.82, steps), build_images(*ragged(drawn), 41, 0.82, steps), 1e-5)


@pytest.mark.parametrize("steps", [STANDARD, ("centre-centroid", "rotate", "normalise-sum")], ids=steps_name)
@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(-7, 7))
def test_rotation_forgets_how_the_jet_was_turned(steps, seed, angle):
    made = random_jets(seed, 3)
    found = build_images(*ragged([turned(jet, angle) for jet in made]), 41, 0.82, steps)
    assert_close(found, build_images(*ragged(made), 41, 0.82, steps), 1e-5)


@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(-7, 7))
def test_the_principal_axis_forgets_how_the_jet_was_turned(seed, angle):
    steps = ("centre-centroid", "rotate-principal")
    made = [jet for jet in random_jets(seed, 4) if len(jet) > 3]
    found = build_images(*ragged([turned(jet, angle) for jet in made]), 41, 0.82, steps)
    assert_close(found, build_images(*ragged(made), 41, 0.82, steps), 1e-5)


@pytest.mark.parametrize("rotate", ["rotate", "rotate-principal"])
def test_rotation_moves_pt_but_loses_none(rotate):
    made = ragged(random_jets(9, 50))
    before = to_dense(*build_images(*made, 41, 3.0, ("centre",)), 41).sum(axis=(1, 2))
    after = to_dense(*build_images(*made, 41, 3.0, ("centre", rotate)), 41).sum(axis=(1, 2))
    np.testing.assert_allclose(after, before, rtol=1e-6)


@pytest.mark.parametrize("angle", np.linspace(-3, 3, 13))
@pytest.mark.parametrize("rotate", ["rotate", "rotate-principal"])
def test_rotation_never_mirrors(angle, rotate):
    jet = np.array([[100, 0, 0], [50, 0.5, 0.01], [10, 0.2, 0.3]])
    _, pixel, value = build_images(*ragged([turned(jet, angle)]), 41, 0.82, ("centre", rotate))
    third = pixel[np.isclose(value, 10)]
    assert len(third) == 1
    assert third[0] % 41 > 20


@pytest.mark.parametrize("flip", ["flip-eta", "flip-phi"])
def test_a_mirrored_jet_gives_the_same_flipped_image(flip):
    mirror = [1, -1, 1] if flip == "flip-eta" else [1, 1, -1]
    made = random_jets(10, 50)
    found = build_images(*ragged([jet * mirror for jet in made]), 41, 0.82, ("centre", flip))
    assert_close(found, build_images(*ragged(made), 41, 0.82, ("centre", flip)))


@given(drawn=jets())
def test_normalised_images_have_a_maximum_or_a_sum_of_one(drawn):
    made = ragged([jet for jet in drawn if len(jet)])
    largest = to_dense(*build_images(*made, 40, 0.8, STANDARD), 40).max(axis=(1, 2), initial=0)
    total = to_dense(*build_images(*made, 40, 0.8, ("centre", "normalise-sum")), 40).sum(axis=(1, 2))
    np.testing.assert_array_equal(largest, 1)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


@given(drawn=jets())
def test_averages_equal_the_mean_of_dense_images(drawn):
    sparse = build_images(*ragged(drawn), 37, 0.8, ("centre",))
    dense = to_dense(*sparse, 37).astype(np.float64)
    expected = dense.mean(axis=0) if len(drawn) else np.zeros((37, 37))
    np.testing.assert_allclose(average_image(*sparse, 37), expected, rtol=1e-12)
