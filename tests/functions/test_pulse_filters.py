"""Derivative filters, by hand and beside numpy.convolve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jetpulse.config import Waveforms
from jetpulse.errors import UserError
from jetpulse.pulses.filters import FIRST, SECOND, convolve, synthetic_image
from jetpulse.pulses.generator import generate_block
from toy_jets import assert_one_line

numbers = st.floats(-1e6, 1e6, width=32)


def one_trace(*values: float) -> np.ndarray:
    return np.array([[values]], np.float32)


def test_the_filters_are_derivatives():
    square = one_trace(0, 1, 4, 9, 16)
    np.testing.assert_array_equal(convolve(square, FIRST), one_trace(2, 4, 6), strict=True)
    np.testing.assert_array_equal(convolve(square, SECOND), one_trace(2, 2, 2), strict=True)


def test_it_is_a_convolution_and_not_a_correlation():
    impulse = one_trace(0, 0, 1, 0, 0)
    np.testing.assert_array_equal(convolve(impulse, [1, 2, 3]), one_trace(1, 2, 3))


def test_a_kernel_of_width_one_multiplies():
    np.testing.assert_array_equal(convolve(one_trace(1, 2, 3), [-2]), one_trace(-2, -4, -6))


def test_a_kernel_as_wide_as_the_trace_leaves_one_bin():
    np.testing.assert_array_equal(convolve(one_trace(1, 10, 100), [1, 2, 3]), one_trace(123))


@given(
    arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(7, 20)), elements=numbers),
    st.sampled_from([1, 3, 5, 7]).flatmap(lambda width: arrays(np.float64, width, elements=numbers)),
)
def test_it_is_what_numpy_computes_in_double_precision(waveform, kernel):
    before = waveform.copy()
    found = convolve(waveform, kernel)
    assert found.shape == (*waveform.shape[:2], waveform.shape[2] - len(kernel) + 1)
    assert found.dtype == np.float32
    expected = [[np.convolve(x.astype(np.float64), kernel, mode="valid") for x in entry] for entry in waveform]
    # The order of the sum may differ: by an ulp of double of its largest term, and by the rounding to float32.
    largest = float(np.abs(waveform).max(initial=0)) * float(np.abs(kernel).sum())
    for entry, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(entry, np.array(wanted, np.float32), rtol=1.2e-7, atol=1e-15 * largest + 1e-44)
    np.testing.assert_array_equal(waveform, before)


def test_small_differences_on_a_high_pedestal_are_summed_in_double_precision():
    trace = one_trace(2**24, 2**24, 2**24)
    # In single precision 2**24 * 1.1 - 2**25 * 1.1 + 2**24 * 1.1 is 0 or a large rounding error.
    assert convolve(trace, [1.1, -2.2, 1.1 + 2**-24])[0, 0, 0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("given_", "returned"), [("float32", "float32"), ("float64", "float64"), ("int16", "float64")])
def test_precision_follows_the_traces(given_, returned):
    found = convolve(np.array([[[1, 2, 4]]], given_), FIRST)
    assert found.dtype == returned
    assert found.tolist() == [[[1.5]]]


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([1, -1], "width 2: an even width has no middle"),
        ([], "width 0: an even width"),
        ([1, 0, 0, 0, 0, 0, -1], "width 7 is wider than a trace of 5 samples"),
        ([[1, 0, -1]], "one row of finite numbers"),
        ([1, np.nan, 1], "one row of finite numbers"),
    ],
    ids=str,
)
def test_an_unusable_kernel_is_a_one_line_error(kernel, message):
    with pytest.raises(UserError) as error:
        convolve(np.zeros((2, 3, 5), np.float32), kernel)
    assert_one_line(error, message)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_three_traces_of_100_samples_become_a_6_by_98_image(n):
    image = synthetic_image(np.zeros((n, 3, 100), np.float32))
    assert image.shape == (n, 6, 98)
    assert image.dtype == np.float32


def test_rows_are_first_derivatives_then_second_derivatives():
    waveform = np.array([[[0, 0, 2], [1, 1, 1]]], np.float32)
    expected = np.tanh(np.array([[[1], [0], [2], [0]]], np.float32))
    np.testing.assert_array_equal(synthetic_image(waveform), expected, strict=True)


@given(arrays(np.float32, (2, 2, 6), elements=numbers))
def test_an_image_stays_within_one(waveform):
    assert (np.abs(synthetic_image(waveform)) <= 1).all()


def test_a_coincident_pulse_dips_in_one_column_of_all_lower_rows():
    made = generate_block(Waveforms(n=200, background=0.0, components=1), 0)
    image = synthetic_image(made.waveform)
    lower = image[:, 3:].sum(axis=1)
    # A column is one bin to the left of its trace's; half a bin of doubt is left to where the pulse lies in its bin.
    assert (np.abs(lower.argmin(axis=1) + 1 - made.label) <= 1).all()
    upper = image[:, :3].sum(axis=1)
    before, after = (upper[np.arange(200), np.clip(made.label - 1 + shift, 0, 97)] for shift in (-2, 2))
    inside = (made.label > 3) & (made.label < 96)
    assert inside.sum() > 150
    assert (before[inside] > after[inside]).all()


def test_traces_of_two_samples_have_no_image():
    with pytest.raises(UserError) as error:
        synthetic_image(np.zeros((1, 3, 2), np.float32))
    assert_one_line(error, "width 3 is wider than a trace of 2 samples")
