"""Numbers with errors as tables and figures show them."""

import math

import pytest

from jetpulse.evaluation.transfers import Measured
from jetpulse.figures.numbers import decimals, spelled, with_error

NAN = math.nan


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(0.905712, 0.00123, 0.00312), "0.9057 ± 0.0012 (0.0031)"),
        (Measured(0.905712, 0.0000123, 0.00312), "0.90571 ± 0.00001 (0.00312)"),
        (Measured(0.905712, 1e-9, 0.00312), "0.905712 ± <0.000001 (0.003120)"),
        (Measured(0.905712, 0.0, 0.00312), "0.9057 ± 0 (0.0031)"),
        (Measured(0.905712, NAN, 0.0996), "0.91 (0.10)"),
        (Measured(0.905712), "0.9057"),
        (Measured(302.13, 15.2, 30.4, 279.4, 350.6), "302 ± 15 (−23 +48)"),
        (Measured(302.13, 15.2, 30.4, 271.7, 332.4), "302 ± 15 (30)"),
        (Measured(0.9285, NAN, 0.0041, 0.9243, 0.9325), "0.9285 (0.0041)"),
        (Measured(12345.0, 2345.0), "12300 ± 2300"),
        (Measured(-0.00123, 0.00045), "−0.00123 ± 0.00045"),
        (Measured(-1e-9, 0.02), "0.000 ± 0.020"),
        (Measured(1.0, NAN, 0.0, 0.9988, 1.0), "1.0000 (−0.0012 +0)"),
        (Measured(0.0, 0.0, 0.0), "0 ± 0 (0)"),
        (Measured(NAN, NAN, NAN, 812.4, NAN), "> 812"),
        (Measured(), ""),
        (Measured(3.2e-6), "3.2e−06"),
    ],
)
def test_value_and_errors_end_at_the_digit_that_the_errors_decide(measured, text):
    assert spelled(measured, ".4f") == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.0012, 0.0004, "+0.00120 ± 0.00040"), (0.0, 0.0, "0 ± 0"), (-3.0, 0.25, "−3.00 ± 0.25")],
)
def test_a_change_has_its_sign(value, error, text):
    assert spelled(Measured(value, error), "+.4f") == text


def test_a_value_without_error_has_four_digits():
    assert with_error(3.14159, 0.0314) == "3.142 ± 0.031"
    assert with_error(-3.14159, NAN) == "−3.142"


@pytest.mark.parametrize(("sizes", "places"), [([0.0996], 2), ([0.00994], 4), ([15, 2], 0), ([999, 0.5], 0)])
def test_two_digits_of_the_larger_error_are_shown_and_at_most_two_more(sizes, places):
    assert decimals(sizes) == places
