"""Figures of small problems: what is drawn of arrays, with answers known by hand; warnings are errors here."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure

from jetpulse.evaluation.transfers import Measured
from jetpulse.figures import classes, measures, regression, weights
from jetpulse.figures.boundaries import Learned, boundaries
from jetpulse.figures.problem_style import (
    Entries,
    Names,
    bins_for,
    class_colour,
    class_rgb,
    histogram_edges,
    inner_range,
    thinned,
)
from jetpulse.figures.problems import sample
from jetpulse.figures.surfaces import Surface, draw_borders, surface_points

NO_NAMES = Names()


def texts(figure: Figure) -> list[str]:
    """Return all texts within the panels of a figure."""
    return [text.get_text() for axis in figure.axes for text in axis.texts if text.get_text()]


def entries(features: np.ndarray, label=None, target=None, names: Names = NO_NAMES) -> Entries:
    label = None if label is None else np.asarray(label, np.int64)
    target = None if target is None else np.asarray(target, np.float64)
    return Entries(np.asarray(features), label, target, np.zeros(len(features), np.int64), names)


def half_plane(points: int = 41) -> Surface:
    """Return a surface of class 1 above x = 0.25 by probability 0.5 + x - 0.25."""
    x = np.linspace(-1, 1, points)
    second = np.clip(0.25 + x, 0, 1)[None] * np.ones((points, 1))
    return Surface(x, np.linspace(-2, 2, points), np.stack([1 - second, second], axis=-1))


def test_absurd_values_do_not_stretch_a_range():
    values = np.concatenate([np.linspace(-1, 1, 99), [1e9]])
    assert inner_range(values) == (-1, 1)
    assert inner_range(np.array([0.0, 1.0, 2.0, np.inf, np.nan])) == (0, 2)
    assert inner_range(np.array([3.0, 3.0])) == (2.5, 3.5)
    assert inner_range(np.zeros(0)) == (0, 1)


def test_a_spike_does_not_hide_the_other_values():
    values = np.concatenate([np.zeros(80), np.linspace(5, 6, 20)])
    assert inner_range(values) == (0, 6)


@settings(max_examples=60, deadline=None)
@example(np.array([0.0, 5e-324]))
@example(np.array([1.0, np.nextafter(1.0, 2)]))
@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6) | st.just(0.0) | st.just(1e30)))
def test_ranges_and_bins_have_a_width(values: np.ndarray):
    before = values.copy()
    low, high = inner_range(values)
    assert math.isfinite(low) and math.isfinite(high) and low < high
    edges = histogram_edges(values, 10)
    assert np.isfinite(edges).all() and (np.diff(edges) > 0).all()
    assert np.array_equal(values, before)


def test_few_different_numbers_get_a_bin_each():
    assert histogram_edges(np.array([0.0, 1.0, 1.0, 3.0] * 50), 30) == pytest.approx([-0.5, 0.5, 2.0, 3.5])


def test_numbers_of_bins_follow_the_smaller_class():
    assert [bins_for(counts) for counts in ([0, 0], [100, 9], [10_000, 10_000], [100, 0])] == [6, 6, 40, 20]


def test_colours_are_pale_where_nothing_is_sure():
    rgb = class_rgb(np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.2, 0.8]]))
    assert rgb[0] == pytest.approx([1, 1, 1])
    assert (rgb[1] != rgb[2]).any()
    assert np.abs(1 - rgb[3]).sum() == pytest.approx(0.6 * np.abs(1 - rgb[2]).sum())
    assert len({class_colour(i) for i in range(10)}) == 10


def test_points_are_thinned_at_equal_steps():
    assert thinned(3, 5).tolist() == [0, 1, 2]
    assert thinned(9, 5).tolist() == [0, 2, 4, 6, 8]


def test_a_border_is_where_both_classes_are_alike():
    figure = Figure()
    axis = figure.subplots()
    draw_borders(axis, half_plane(), colors="black")
    (border,) = axis.collections
    assert border.get_paths()[0].vertices[:, 0] == pytest.approx(0.25)
    sure = Surface(np.arange(3.0), np.arange(2.0), np.tile([1.0, 0.0], (2, 3, 1)))
    draw_borders(axis, sure, colors="black")
    assert len(axis.collections) == 1


def test_a_grid_has_its_points_row_by_row():
    x, y, points = surface_points(np.array([[0.0, 0.0], [1.0, 2.0]]), 3)
    assert x == pytest.approx([-0.1, 0.5, 1.1])
    assert points[:4] == pytest.approx(np.array([[x[0], y[0]], [x[1], y[0]], [x[2], y[0]], [x[0], y[1]]]))


def test_confusions_are_counted():
    probability = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0, 0, 1.0], [0.6, 0.4, 0]])
    counts = classes.confusion_counts(np.array([0, 0, 1, 0]), probability)
    assert counts.tolist() == [[2, 1, 0], [0, 0, 1], [0, 0, 0]]
    shown = texts(classes.confusion(counts[None], Names(classes=("a", "b", "c"))))
    assert shown == ["2\n66.7 %", "1\n33.3 %", "0", "0", "0", "1\n100.0 %", "0\n–", "0\n–", "0\n–"]


def test_several_confusions_are_averaged():
    counts = np.array([[[2, 0], [0, 4]], [[1, 1], [0, 4]]])
    figure = classes.confusion(counts, Names())
    assert texts(figure) == ["1.5\n75.0 %", "0.5\n25.0 %", "0", "4.0\n100.0 %"]
    assert "mean of 2 trainings" in figure.axes[0].get_title()


def test_many_classes_are_not_printed():
    figure = classes.confusion(np.eye(16, dtype=np.int64)[None], Names())
    assert texts(figure) == []


def test_wrong_pictures_come_first_and_the_surest_of_them_before():
    label = np.array([0, 0, 1, 1])
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
    shown = entries(np.ones((4, 3, 3)), label, names=Names(classes=("no", "yes")))
    titles = [axis.get_title() for axis in classes.example_answers(shown, probability).axes if axis.get_title()]
    assert titles == ["yes → no\n0.80", "no → yes\n0.60", "no\n0.90", "yes\n0.70"]


def test_no_picture_is_wrong():
    shown = entries(np.zeros((1, 3, 3)), [0])
    figure = classes.example_answers(shown, np.array([[1.0, 0.0]]))
    assert texts(figure)[0] == "wrong: 0\nof 1"


def test_accuracy_and_empty_places_of_the_grid_of_boundaries():
    rows = {"first": entries(np.array([[0.0, 0], [0.5, 0]]), [0, 1]), "second": entries(np.array([[0.0, 1]]), [1])}
    right, wrong = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.9, 0.1]])
    cells = {
        ("first", "tree"): Learned("first-tree", half_plane(), right),
        ("second", "line"): Learned("second-line", half_plane(), wrong),
    }
    figure = boundaries(rows, ["tree", "line"], cells)
    panels = figure.axes
    assert [len(panel.images) for panel in panels] == [1, 0, 0, 1]
    assert texts(figure) == ["1.000", "0.000"]
    assert [panel.get_title() for panel in panels[:2]] == ["tree", "line"]
    assert [panels[0].get_ylabel(), panels[2].get_ylabel()] == ["first", "second"]


def test_seventeen_numbers_can_be_read():
    layers = [
        weights.Layer("dense layer 1", np.arange(8.0).reshape(4, 2) / 10, -np.ones(4)),
        weights.Layer("dense layer 2", np.full((1, 4), 12.345), np.array([-0.001])),
    ]
    shown = texts(weights.weights([layers]))
    assert len(shown) == 17
    assert {"0.70", "−1.00", "12.35", "0.00"} <= set(shown)
    assert len(texts(weights.weights([layers, layers]))) == 2 * 17 + 2  # with a name for each training


def test_many_numbers_are_colours_of_one_training():
    layers = [weights.Layer("dense layer 1", np.ones((11, 11)), None)]
    figure = weights.weights([layers, layers])
    assert texts(figure) == []
    assert sum(len(axis.images) for axis in figure.axes) == 1


def test_kernels_stand_side_by_side():
    kernels = np.arange(18.0).reshape(2, 1, 3, 3)
    figure = weights.weights([[weights.Layer("convolution 1", kernels, np.array([0.5, -0.5]))] * 7])
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (3, 7)
    assert image[:, :3].tolist() == kernels[0, 0].tolist()
    assert image.mask[:, 3].all()
    assert texts(figure)[:2] == ["bias 0.50", "bias −0.50"]


@pytest.mark.parametrize("n", [1, 2, 100])
def test_residuals_of_exact_predictions(n: int):
    target = np.linspace(1, 2, n)
    shown = entries(np.ones((n, 3)), target=target, names=Names(target="price [1000]"))
    figure = regression.predicted(shown, np.stack([target, target]))
    assert figure.axes[0].get_title() == "RMSE 0 [1000]"
    assert figure.axes[1].get_xlabel() == "residual [1000]"


def test_what_is_far_away_is_counted():
    target = np.linspace(0, 1, 50)
    predictions = target.copy()
    predictions[7] = 1e12
    figure = regression.predicted(entries(np.ones((50, 3)), target=target), predictions[None])
    assert figure.axes[0].get_title().endswith(", 1 outside")
    assert figure.axes[0].get_xlim()[1] < 2


def test_residuals_below_a_line_belong_to_the_test_split():
    x = np.linspace(0, 1, 6)
    shown = entries(x[:, None], target=2 * x)
    lines = regression.Lines(x, np.stack([2 * x, 3 * x]), np.full(6, 0.1), 2 * x)
    figure = regression.line(shown, lines, np.array([[0.1, 0.2]]))
    lower = figure.axes[1].lines[-1]
    assert lower.get_xdata() == pytest.approx(x[-2:])
    assert lower.get_ydata() == pytest.approx([0.1, 0.2])
    assert len(figure.axes[0].collections) == 1  # the band


def result(name: str, representation: str, model: str, value: float = 0.8, **more) -> measures.Result:
    return measures.Result(name, representation, model, Measured(value, 0.01, 0.02), [value], **more)


def test_experiments_stand_by_representation():
    rows = [
        result("a", "low", "dense"),
        result("b", "high", "dense", math.nan),
        result("c", "low", "trees", reference=0.9),
    ]
    panel = measures.Panel("classification", "AUC", ".3f", "more", rows)
    (axis,) = measures.measures([panel]).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "c", "b"]
    shown = [text.get_text() for text in axis.texts]
    assert shown == ["0.800 ± 0.010 (0.020)"] * 2 + ["low", "not defined", "high"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["dense", "trees", "reference"]


@pytest.mark.parametrize("n", [1, 2, 3, 40])
@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (30,), (4, 4), (4, 4, 1)], ids=str)
def test_any_number_of_entries_is_drawn(n: int, shape: tuple[int, ...]):
    features = np.random.default_rng(n).standard_normal((n, *shape))
    before = features.copy()
    label = np.arange(n) % 10
    for what in (entries(features, label), entries(features, target=label), entries(features, label, label)):
        assert sample(what).axes
    assert np.array_equal(features, before)


def test_an_absent_class_is_named_among_pictures():
    figure = sample(entries(np.ones((2, 3, 3)), [0, 2], names=Names(classes=("a", "b", "c"))))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    (text,) = figure.axes[0].texts
    assert text.get_text() == "none"
    assert text.get_position()[1] == 5  # the middle of the second row of pictures of 3 pixels, one apart


def test_episodes_are_neither_classes_nor_numbers():
    axis = sample(entries(np.ones((7, 20)))).axes[0]
    assert len(axis.lines) == 5
    assert len(axis.collections) == 1


def test_sixty_columns_are_enough():
    figure = sample(entries(np.random.default_rng(1).standard_normal((5, 64)), [0, 1, 0, 1, 0]))
    assert sum(axis.axison for axis in figure.axes) == 60
    assert figure.get_suptitle() == "the first 60 of 64 columns"
