"""Generated points and houses: answers by hand, distributions that were asked for, blocks of their own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.problems import Houses, Points
from jetpulse.problems import houses, points
from jetpulse.problems.digits import read_digits
from jetpulse.problems.houses import expected_price, generate_houses
from jetpulse.problems.points import generate_points

SHAPES = sorted(points.NOISE)


def plane(shape: str, **settings) -> tuple[np.ndarray, np.ndarray]:
    return generate_points(Points(shape=shape, **({"n": 10_000} | settings)), 0)


def test_the_four_points_of_xor():
    features, label = plane("xor", n=4)
    assert features.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert label.tolist() == [0, 1, 1, 0]


def test_points_like_xor_lie_around_the_four():
    features, label = plane("xor", noise=0.1)
    np.testing.assert_array_equal(label, np.rint(features).sum(axis=1) % 2)
    assert np.std(features - np.rint(features)) == pytest.approx(0.1, rel=0.02)


def test_the_line_is_3_x_plus_1_with_noise():
    x, y = plane("line")
    assert x.min() >= 0 and x.max() <= 1
    np.testing.assert_allclose(np.polyfit(x[:, 0], y, 1), [3.0, 1.0], atol=0.015)
    assert np.std(y - (3 * x[:, 0] + 1)) == pytest.approx(0.1, rel=0.02)
    x, y = plane("line", noise=0.0)
    np.testing.assert_array_equal(y, 3 * x[:, 0] + 1)


def test_two_gaussians_are_told_apart_as_well_as_can_be():
    features, label = plane("gaussians")
    for sign, value in ((-1, 0), (1, 1)):
        np.testing.assert_allclose(features[label == value].mean(axis=0), [sign, sign], atol=0.05)
        np.testing.assert_allclose(features[label == value].std(axis=0), 1.0, rtol=0.03)
    accuracy = np.mean((features.sum(axis=1) > 0) == label)
    assert accuracy == pytest.approx((1 + math.erf(1)) / 2, abs=0.01)  # Phi(sqrt(2))


def test_rings_have_the_radii_and_the_width_of_the_file():
    features, label = plane("rings")
    radius = np.hypot(*features.T)
    for value, mean in ((0, 2.01), (1, 0.61)):
        assert radius[label == value].mean() == pytest.approx(mean, abs=0.01)
        assert radius[label == value].std() == pytest.approx(0.1, rel=0.05)
    angle = np.arctan2(*features.T)
    assert np.histogram(angle, 8, (-np.pi, np.pi))[0].std() < 3.5 * math.sqrt(10_000 / 8)


def test_moons_are_two_half_circles():
    features, label = plane("moons", noise=0.0)
    upper, lower = features[label == 0], features[label == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1.0)
    assert upper[:, 1].min() >= 0 and lower[:, 1].max() <= 0.5


def test_the_second_arm_of_a_spiral_is_opposite_to_the_first():
    features, label = plane("spirals", noise=0.0)
    radius, angle = np.hypot(*features.T), np.arctan2(features[:, 1], features[:, 0])
    turned = angle - np.pi * points.TURNS * radius - np.pi * label
    np.testing.assert_allclose(np.cos(turned), 1.0)
    assert radius.max() <= 2


@pytest.mark.parametrize("shape", SHAPES)
@given(n=st.integers(1, 30), more=st.integers(0, 10_030))
def test_more_points_change_none_of_the_others(shape, n, more):
    few, many = plane(shape, n=n), plane(shape, n=n + more)
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other[:n], strict=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_independent_of_their_order(shape):
    spec = Points(shape=shape, n=25_000, noise=0.1)
    second = generate_points(spec, 1)
    assert [len(generate_points(spec, block)[0]) for block in (2, 0)] == [5000, 10_000]
    np.testing.assert_array_equal(second[0], generate_points(spec, 1)[0])
    assert not np.array_equal(second[0], generate_points(spec, 0)[0])
    assert not np.array_equal(second[0], generate_points(spec.model_copy(update={"seed": 2}), 1)[0])
    with pytest.raises(ValueError, match="block 3 does not exist"):
        generate_points(spec, 3)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"line"}))
def test_classes_take_turns(shape):
    _, label = plane(shape, n=8)
    assert label.dtype == np.int64
    assert label.tolist() == ([0, 1, 1, 0] * 2 if shape == "xor" else [0, 1] * 4)
    assert len(points.CLASSES[shape]) == 2


def test_the_price_of_a_house_by_hand():
    #         area  plot rooms bathrooms age distance station noise garages
    house = [100.0, 32.0, 4.0, 2.0, 0.0, 0.0, 0.0, 65.0, 1.0]
    building, land = 2.6 * 100 * 1.08, 16 * 2.15  # 32^0.8 = 2^4
    assert expected_price(np.array([house]))[0] == pytest.approx((building + land) * 0.96 + 60 + 18)
    assert expected_price(np.zeros((0, 9))).shape == (0,)


def test_prices_have_the_noise_that_is_stated_and_nothing_predicts_them_better():
    features, price = generate_houses(Houses(n=10_000), 0)
    best = np.sqrt(np.mean((price - expected_price(features)) ** 2))
    assert best == pytest.approx(houses.NOISE, rel=0.03)
    assert np.abs(price - expected_price(features)).mean() == pytest.approx(19.9, rel=0.03)
    matrix = np.c_[features, np.ones(len(features))]
    line = price - matrix @ np.linalg.lstsq(matrix, price, rcond=None)[0]
    assert 1.5 * houses.NOISE < line.std() < 2 * houses.NOISE
    assert price.min() > 0


def test_houses_are_sensible():
    features, _ = generate_houses(Houses(n=10_000), 0)
    column = dict(zip(houses.UNITS, features.T, strict=True))
    assert (features >= 0).all()
    for name in ("rooms", "bathrooms", "garages", "age"):
        np.testing.assert_array_equal(column[name], np.rint(column[name]))
    assert set(column["garages"]) == {0, 1, 2}
    assert set(column["bathrooms"]) == {1, 2, 3}
    assert np.corrcoef(column["area"], column["rooms"])[0, 1] > 0.6
    assert np.corrcoef(column["distance"], column["noise"])[0, 1] < -0.2


@given(n=st.integers(1, 40))
def test_more_houses_change_none_of_the_others(n):
    few, many = generate_houses(Houses(n=n), 0), generate_houses(Houses(n=10_001), 0)
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other[:n], strict=True)


def test_digits_are_pictures_from_paper_to_ink():
    pictures, digit = read_digits()
    assert pictures.shape == (1797, 8, 8)
    assert (pictures.min(), pictures.max()) == (0, 1)
    assert set(digit) == set(range(10))
    assert np.bincount(digit).min() == 174
