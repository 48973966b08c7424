"""What decides scales, bins and colours of figures: what is there, neither a few entries nor a few first epochs."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from jetpulse.evaluation.sculpting import Sculpting, measure_sculpting, score_error
from jetpulse.evaluation.transfers import Measured, Row
from jetpulse.figures import localisation, spectra, unsupervised
from jetpulse.figures.classification import rejection_curves, score_distributions
from jetpulse.figures.problem_style import Entries, Names
from jetpulse.figures.regression import Lines, line
from jetpulse.figures.sculpting import joined_bins, sculpting
from jetpulse.figures.style import COLOURS
from jetpulse.figures.training import training_curves
from jetpulse.figures.transfers import transfer_matrix


def history(*losses: float) -> dict[str, np.ndarray]:
    values = np.array(losses)
    return {"epoch": np.arange(1.0, len(values) + 1), "train_loss": values, "val_loss": values}


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ((8000, 900, 600, 300, 260, 250), "log"),
        ((0.4, 0.3, 0.25, 0.24), "linear"),
        ((8000, 0, -3, -4, -5, -6), "linear"),
    ],
)
def test_the_first_epochs_of_a_loss_do_not_hide_the_others(losses, scale):
    axis = training_curves({1: history(*losses)}, {1: len(losses)}).axes[0]
    assert axis.get_yscale() == scale
    shown = axis.transData.transform(np.column_stack([np.zeros(3), losses[-3:]]))[:, 1]
    low, high = axis.transData.transform([(0, end) for end in axis.get_ylim()])[:, 1]
    if min(losses) < 0 or scale == "log":
        assert np.ptp(shown) > 0.02 * (high - low)
    assert (low <= shown).all() and (shown <= high).all()


def test_few_jets_are_drawn_in_few_bins_with_errors_and_counts():
    rng = np.random.default_rng(1)
    label = np.repeat([1, 0], 500)
    jets = Sculpting(rng.uniform(0, 200, 1000), label, rng.normal(1.5 * label, 1, (2, 1000)), False)
    cuts = measure_sculpting(jets)["cuts"]
    figure = sculpting(jets, cuts)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names[0] == "no cut: 500 jets"
    passing = np.median(cuts["30%"]["background_passing"])
    assert f"{passing:,.0f} jets" in names[2]
    assert passing < 40
    steps = [patch for patch in figure.axes[0].patches if patch.get_label() == names[2]]
    assert len(steps[0].get_data().values) == 4
    assert len(figure.axes[0].containers) == 2
    assert np.nanmax(score_error(jets, 0)) > 0


@pytest.mark.parametrize(("entries", "joined"), [(20, 10), (45, 8), (320, 1), (0, 10), (170, 2)])
def test_as_many_bins_are_joined_as_the_entries_need(entries, joined):
    assert joined_bins(entries, 40) == joined


def test_scores_of_few_entries_have_few_bins():
    label, score = np.repeat([1, 0], 10), np.linspace(0, 1, 20)
    values = score_distributions({"few": [(label, score)]}).axes[0].patches[0].get_data().values
    assert len(values) == 8


def test_coverage_fills_its_panels_for_a_network_that_is_sure():
    rng = np.random.default_rng(2)
    label, probability = np.zeros(500, int), np.tile([0.97, 0.02, 0.01], (1, 500, 1))
    label[rng.random(500) < 0.03] = 1
    left, right = localisation.coverage_curves(label, probability).axes
    assert left.get_xlim()[0] == left.get_ylim()[0] > 0.9
    assert right.get_xlim()[1] < 0.2
    useless = np.full((1, 60, 30), 1 / 30)
    left, right = localisation.coverage_curves(np.arange(60) % 30, useless).axes
    assert left.get_xlim()[0] < 0.1


def test_cells_of_few_entries_do_not_make_the_scale_of_a_map():
    pulses = np.repeat([[0, 0, 0], [2, 0, 0], [1, 1, 1], [2, 1, 1]], [100, 100, 60, 2], axis=0)
    wrong = np.repeat([0, 1, 0, 1, 0, 1], [95, 5, 90, 10, 60, 2])
    probability = np.stack([1 - wrong, wrong], axis=1)[None].astype(float)
    figure = localisation.efficiency(np.zeros(262, int), probability, {"pulses": pulses})
    image = next(axis.images[0] for axis in figure.axes if axis.images)
    assert (image.norm.vmin, image.norm.vmax) == (pytest.approx(0.9), 1.0)
    assert image.get_array().count() == 3


def test_changes_within_their_errors_do_not_make_the_scale_of_transfers():
    changes = {"auc": {"few": Measured(-0.3, error=0.28), "many": Measured(-0.05, error=0.01)}}
    values = {"auc": dict.fromkeys(("own", "few", "many"), Measured(0.9))}
    row = Row("cnn", "jet-cnn", "own", {"own": 900, "few": 2, "many": 900}, values, changes)
    image = transfer_matrix([row]).axes[0].images[0]
    assert image.norm.vmax == pytest.approx(2 * 0.04)
    # Numbers are black: cells stay in the palest half of the palette, those of large errors too.
    assert np.abs(image.get_array()).max() <= image.norm.vmax / 2


def test_every_training_has_the_same_colour_in_every_figure():
    rng = np.random.default_rng(3)
    first, second = (unsupervised.Generated(rng.random((40, 9)), rng.normal(size=(40, 2)), (0.5, 0.1)) for _ in "ab")
    figure = unsupervised.generated_spectra(rng.random((40, 9)), rng.normal(size=(40, 2)), [first, second], "real")
    generated = figure.axes[1].lines[0]
    assert generated.get_color() == COLOURS[0]
    drawn = {patch.get_label(): patch.get_edgecolor() for axis in figure.axes for patch in axis.patches}
    trainings = [colour for name, colour in drawn.items() if name.startswith("training")]
    assert trainings == [to_rgba(COLOURS[0]), to_rgba(COLOURS[1])]
    bars = localisation.probabilities(np.zeros((1, 3, 4)), np.array([1]), np.full((3, 1, 4), 0.25), [7]).axes[1].patches
    colours = [patch.get_edgecolor() for patch in bars if patch.get_label().startswith("training")]
    assert colours == [to_rgba(colour) for colour in COLOURS[:3]]


def test_rounding_errors_are_not_enlarged():
    counts = np.full((2, 12), 100.0)
    figure = spectra.single_spectra(counts, np.array([0]), ["one"], counts[:1] + 1e-6)
    low, high = figure.axes[2].get_ylim()
    assert low <= -1 and high >= 1
    x = np.arange(9.0)
    entries = Entries(x[:, None], None, 2 * x, np.full(9, 2), Names())
    figure = line(entries, Lines(x, 2 * x[None]), np.full((1, 9), 1e-15))
    assert figure.axes[1].get_ylim()[1] > 1e-6


def test_published_points_do_not_cover_one_another():
    scores = [(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.9]))]
    published = {"a": [(0.3, 900)], "b": [(0.3, 914), (0.5, 96)], "c": [(0.3, 950)], "d": [(0.3, 3000)]}
    axis = rejection_curves({"jets": scores}, published).axes[0]
    points = {line.get_label(): line.get_xydata().tolist() for line in axis.lines if line.get_label() in published}
    places = [points[name][0][0] for name in "abc"]
    assert places == pytest.approx([0.282, 0.3, 0.318])
    assert [points["b"][1], points["d"][0]] == [[0.5, 96], [0.3, 3000]]
    assert [point[0][1] for point in points.values()] == [900, 914, 950, 3000]
