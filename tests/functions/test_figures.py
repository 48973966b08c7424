"""Every figure, on ordinary and on degenerate input; warnings are errors in these tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from jetpulse.figures.classification import rejection_curves, reliability_diagram, roc_curves, score_distributions
from jetpulse.figures.jets import average_images, single_jets
from jetpulse.figures.style import save_figure
from jetpulse.figures.training import training_curves

Scores = tuple[np.ndarray, np.ndarray]


def scored(seed: int, n: int = 200) -> Scores:
    """Return labels and probabilities of signal of a classifier of middling quality."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    return label, 1 / (1 + np.exp(-rng.normal(2.0 * label - 1.0, 1.5)))


PERFECT = (np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
USELESS = (np.array([0, 1] * 5), np.full(10, 0.5))
ONE_EACH = (np.array([0, 1]), np.array([0.4, 0.6]))
GROUPS = {
    "three seeds": {"jets": [scored(1), scored(2), scored(3)]},
    "one seed": {"jets": [scored(1)]},
    "two datasets": {"jets": [scored(1), scored(2)], "others": [scored(3), scored(4)]},
    "no background passes": {"jets": [PERFECT]},
    "equal scores": {"jets": [USELESS, USELESS]},
    "one of each class": {"jets": [ONE_EACH]},
    "scores 0 and 1": {"jets": [(np.array([0, 1, 1]), np.array([0.0, 1.0, 1.0]))]},
    "seeds of unequal size": {"jets": [scored(1, 50), scored(2, 400)]},
}
CLASSIFICATION = {
    "roc": roc_curves,
    "rejection": rejection_curves,
    "scores": score_distributions,
    "reliability": reliability_diagram,
}


def history(*losses: float) -> dict[str, np.ndarray]:
    """Return columns of a history whose validation loss is given."""
    values = np.array(losses)
    columns = {"train_loss": values / 2, "train_accuracy": 1 - values / 4}
    columns |= {"val_loss": values, "val_accuracy": 1 - values / 2}
    return {"epoch": np.arange(1.0, len(values) + 1)} | columns


def blank(n: int = 1) -> np.ndarray:
    return np.zeros((n, 5, 5), np.float32)


def spots(n: int, seed: int = 1) -> np.ndarray:
    """Return images with values of different size in half of their pixels."""
    rng = np.random.default_rng(seed)
    return (rng.exponential(1, (n, 5, 5)) * (rng.random((n, 5, 5)) < 0.5)).astype(np.float32)


def averages(*images: np.ndarray) -> Figure:
    """Draw average images of two classes (top, QCD) in as many stages as there are pairs."""
    stages = [f"stage {i // 2}" for i in range(len(images))]
    named = {(stage, 1 - i % 2): image for i, (stage, image) in enumerate(zip(stages, images, strict=True))}
    return average_images(named, 0.8, dict.fromkeys(stages, "GeV"))


FIGURES: dict[str, Callable[[], Figure]] = {
    **{
        f"{name}, {case}": lambda draw=draw, groups=groups: draw(groups)
        for name, draw in CLASSIFICATION.items()
        for case, groups in GROUPS.items()
    },
    "roc, more groups than colours": lambda: roc_curves({f"group {i}": [scored(i)] for i in range(11)}),
    "rejection, published": lambda: rejection_curves(GROUPS["one seed"], {"CNN": [(0.3, 914)], "PFN": [(0.5, 257)]}),
    "training, two seeds": lambda: training_curves({1: history(0.7, 0.5, 0.6), 2: history(0.6, 0.5)}, {1: 2, 2: 2}),
    "training, one epoch": lambda: training_curves({1: history(0.7)}, {1: 1}),
    "training, ten seeds": lambda: training_curves(
        {seed: history(0.7, 0.6) for seed in range(10)}, dict.fromkeys(range(10), 2)
    ),
    "averages": lambda: averages(*spots(4)),
    "averages, no jets of a class": lambda: averages(spots(1)[0], blank()[0]),
    "averages, blank": lambda: averages(*blank(2)),
    "single jets": lambda: single_jets(spots(3), [1, 0, 0], 0.8, "GeV"),
    "single jets, one": lambda: single_jets(spots(1), [0], 0.8, "GeV"),
    "single jets, one blank among others": lambda: single_jets(
        np.concatenate([spots(2), blank()]), [1, 1, 0], 0.8, "1"
    ),
    "single jets, all blank": lambda: single_jets(blank(2), [1, 0], 0.8, "GeV"),
    "single jets, none": lambda: single_jets(blank(0), [], 0.8, "GeV"),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_drawn_without_warnings_and_with_named_axes(draw, tmp_path):
    figure = draw()
    save_figure(figure, tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
    plots = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    assert plots
    # Panels that share an axis name it once, at the outside.
    shared = bool(plots[0].get_shared_x_axes().get_siblings(plots[0])[1:])
    assert all(axis.get_xlabel() for axis in ([plots[-1]] if shared else plots))
    assert all(axis.get_ylabel() for axis in ([plots[0]] if shared else plots))
    assert all(axis.get_ylabel() for axis in figure.axes if axis.get_label() == "<colorbar>")


@pytest.mark.parametrize("name", ["roc, three seeds", "training, two seeds", "averages", "single jets"])
def test_the_same_figure_has_the_same_bytes(name, tmp_path):
    for file in ("a.svg", "b.svg"):
        save_figure(FIGURES[name](), tmp_path / file)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_the_ending_decides_the_format(ending, tmp_path):
    path = tmp_path / f"f.{ending}"
    save_figure(FIGURES["training, one epoch"](), path)
    assert path.read_bytes()[:8].startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[ending])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def labels(figure: Figure) -> list[str]:
    return figure.axes[0].get_legend_handles_labels()[1]


@pytest.mark.parametrize("draw", [roc_curves, rejection_curves])
def test_the_legend_names_every_group_with_its_median_area(draw):
    # Areas of the three seeds: 1, 1/2 and 3/4.
    other = (np.array([1, 1, 0, 0]), np.array([0.8, 0.4, 0.6, 0.2]))
    figure = draw({"jets": [PERFECT, USELESS, other]})
    assert "jets, AUC 0.7500" in labels(figure)


@pytest.mark.parametrize("draw", [roc_curves, rejection_curves])
def test_no_two_of_many_curves_look_alike(draw):
    (axis,) = draw({f"network {i}": [scored(i)] for i in range(12)}).axes
    looks = [(line.get_color(), line.get_linestyle()) for line in axis.lines if line.get_label().startswith("network")]
    assert len(looks) == len(set(looks)) == 12


def test_rejection_curves_show_nothing_below_a_single_background_entry():
    line = rejection_curves({"jets": [PERFECT]}).axes[0].lines[0]
    assert line.get_xydata().tolist() == [[1.0, 1.0]]  # no cut, no rejection
    drawn = rejection_curves({"jets": [scored(1, 100)]}).axes[0].lines[0].get_ydata()
    assert drawn.max() <= 50  # as many background entries as there are
    assert drawn.min() >= 1


def test_published_points_are_drawn_where_they_belong():
    axis = FIGURES["rejection, published"]().axes[0]
    points = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert points["CNN"] == [[0.3, 914.0]]
    assert points["PFN"] == [[0.5, 257.0]]


def test_the_band_of_a_roc_curve_runs_from_the_lowest_to_the_highest_seed():
    axis = roc_curves({"jets": [PERFECT, USELESS]}).axes[0]
    band = axis.collections[0].get_paths()[0].vertices
    halfway = band[np.abs(band[:, 1] - 0.5) < 0.003, 0]
    # The perfect classifier has no background at half the signal, the useless one as much as signal.
    assert halfway.min() == pytest.approx(0.0, abs=1e-12)
    assert halfway.max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("kept", "loss"), [(2, 0.4), (3, 0.6)])
def test_the_dot_of_a_training_curve_marks_the_weights_that_were_kept(kept, loss):
    axis = training_curves({1: history(0.7, 0.4, 0.6)}, {1: kept}).axes[0]
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    assert [dot.get_xydata().tolist() for dot in dots] == [[[kept, loss]]]
    assert "seed 1" in labels(axis.figure)


def test_the_first_axis_of_an_image_is_drawn_to_the_right():
    image = blank()[0]
    image[4, 0] = 1.0  # large eta, small phi
    figures = (averages(image, image), single_jets(image[None], [1], 0.8, "GeV"))
    for figure in figures:
        shown = figure.axes[0].images[0]
        row, column = np.unravel_index(np.argmax(np.ma.filled(shown.get_array(), 0)), (5, 5))
        assert (shown.origin, row, column) == ("lower", 0, 4)


def test_classes_are_named_in_the_figures():
    figure = FIGURES["averages"]()
    assert [axis.get_ylabel().split("\n")[0] for axis in figure.axes[::2][:2]] == ["top", "QCD"]


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(ValueError):
        save_figure(Figure(), tmp_path / "f.doc")
    assert list(Path(tmp_path).iterdir()) == []
