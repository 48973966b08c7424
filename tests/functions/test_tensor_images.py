"""Jet images as torch tensors against the compiled kernel: the same pixels and the same bits of their values."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from image_reference import ALL_STEPS, GEOMETRIES, steps_name
from jetpulse.jets.images import build_images, to_dense
from jetpulse.jets.tensor_images import dense_images
from jetpulse.samples import counts_to_offsets
from toy_jets import jets, momenta, ragged, random_jets

STANDARD = ("centre", "rotate", "normalise")


def padded(constituents: np.ndarray, offsets: np.ndarray, extra: int = 0) -> torch.Tensor:
    """Return jets (n, longest + extra, 4), filled up with zeros."""
    counts = np.diff(offsets)
    filled = np.zeros((len(counts), max(counts, default=0) + extra, 4), constituents.dtype)
    filled[np.arange(filled.shape[1]) < counts[:, None]] = constituents
    return torch.from_numpy(filled)


def assert_as_the_kernel(constituents, offsets, pixels, half_width, steps, extra: int = 0) -> None:
    found = dense_images(padded(constituents, offsets, extra), pixels, half_width, steps)
    expected = to_dense(*build_images(constituents, offsets, pixels, half_width, steps), pixels)
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy() > 0, expected > 0)
    if "normalise-sum" in steps:  # the kernel adds up filled pixels, torch all of them, in an order of its own
        np.testing.assert_allclose(found.numpy(), expected, rtol=2e-7)
    else:
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.fixture(scope="module")
def real_jets(real_data) -> tuple[np.ndarray, np.ndarray]:
    with np.load(real_data / "top_landscape_test_first1000.npz") as file:
        return file["constituents"], counts_to_offsets(file["counts"])


@pytest.mark.parametrize("steps", ALL_STEPS, ids=steps_name)
def test_toy_jets_give_the_kernels_image_for_every_choice_of_steps(steps):
    toys = ragged([*random_jets(1, 40), *random_jets(2, 10, most=3), [], *random_jets(3, 10, width=0.05)], np.float32)
    assert_as_the_kernel(*toys, 40, 0.8, steps, extra=2)


@given(
    drawn=jets(),
    steps=st.sampled_from(ALL_STEPS),
    grid=st.sampled_from([(40, 0.8), (41, 0.82), (37, 0.8), (1, 0.8), (64, 3.0)]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=150)
def test_any_jets_give_the_kernels_image(drawn, steps, grid, dtype):
    assert_as_the_kernel(*ragged(drawn, dtype), *grid, steps)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=steps_name)
def test_all_real_jets_give_the_kernels_image_for_every_geometry(real_jets, geometry):
    assert_as_the_kernel(*real_jets, 40, 0.8, (*geometry, "normalise"))


def test_padding_may_be_anywhere_and_may_have_momentum_along_the_beam():
    jet = momenta([(100, 0.1, 0.2), (50, 0.3, 0.4), (20, -0.2, 0.1)])
    spread = np.zeros((1, 6, 4))
    spread[0, [0, 2, 5]] = jet
    spread[0, [1, 3], 3] = 7.0
    for steps in (STANDARD, (), ("centre-centroid", "rotate-principal", "flip-eta", "flip-phi")):
        found = dense_images(torch.from_numpy(spread), 40, 0.8, steps)
        np.testing.assert_array_equal(found, dense_images(torch.from_numpy(jet[None]), 40, 0.8, steps))
        assert (found > 0).sum() == 3


@pytest.mark.parametrize("jets", [0, 1, 2])
@pytest.mark.parametrize("most", [0, 1, 3])
@pytest.mark.parametrize("steps", ALL_STEPS[::7], ids=steps_name)
def test_no_jets_and_jets_without_constituents_give_no_pixels(jets, most, steps):
    assert torch.equal(dense_images(torch.zeros(jets, most, 4), 5, 0.8, steps), torch.zeros(jets, 5, 5))


def test_a_jet_does_not_depend_on_those_beside_it():
    together = padded(*ragged(random_jets(5, 20), np.float32))
    images = dense_images(together, 40, 0.8, STANDARD)
    for number in (0, 7, 19):
        assert torch.equal(dense_images(together[number : number + 1], 40, 0.8, STANDARD)[0], images[number])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_fills_the_same_pixels():
    batch = padded(*ragged(random_jets(1, 200), np.float32))
    for steps in ALL_STEPS[::5]:
        here, there = dense_images(batch, 40, 0.8, steps), dense_images(batch.cuda(), 40, 0.8, steps).cpu()
        assert torch.equal(here > 0, there > 0)
        torch.testing.assert_close(here, there, rtol=1e-6, atol=0)
