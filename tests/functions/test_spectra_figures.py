"""Figures of spectra, on ordinary and on degenerate input; warnings are errors in these tests."""

import re
from pathlib import Path

import numpy as np
import pytest

from jetpulse.config import Counts, SpectrumDataset
from jetpulse.errors import UserError
from jetpulse.figures.spectra import (
    example_spectra,
    flux_distributions,
    plot_spectra_figures,
    single_spectra,
    total_counts,
)
from jetpulse.figures.style import save_figure
from jetpulse.samples import Writer
from jetpulse.spectra.files import write_samples
from jetpulse.spectra.generator import expected_counts, generate_block
from test_frames import write_frame
from toy_jets import assert_one_line

LINE = {"centre": 0.5, "width": 0.1, "flux": 10.0, "spread": 0.3, "absent": 0.5}
ALL_TRAIN = {"train": 1.0, "val": 0.0, "test": 0.0}


def draw(figure, path: Path) -> str:
    save_figure(figure, path)
    return path.read_text()


def figures_of(folder: Path, source: dict) -> tuple[int, str, str]:
    spec = SpectrumDataset.model_validate({"kind": "spectra", "source": source, "split": ALL_TRAIN})
    write_samples(folder / "s.h5", spec)
    n = plot_spectra_figures(folder / "s.h5", folder / "a.svg", folder / "b.svg")
    return n, (folder / "a.svg").read_text(), (folder / "b.svg").read_text()


def test_one_spectrum_of_every_combination_of_lines_is_shown():
    flux = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [5.0, 6.0], [0.0, 0.0]])
    assert example_spectra(flux, 7).tolist() == [2, 0, 4, 5]


@pytest.mark.parametrize(
    ("flux", "n", "chosen"),
    [
        (None, 9, [0, 1, 2, 3]),
        (None, 2, [0, 1]),
        (np.ones((9, 2)), 9, [0, 1, 2, 3]),
        (np.array([[0.0], [0.0], [1.0]]), 3, [0, 2, 1]),
        (np.ones((9, 3)), 9, [0, 1, 2, 3]),
    ],
    ids=["unknown", "few", "all alike", "one line", "three lines"],
)
def test_up_to_four_spectra_are_shown(flux, n, chosen):
    assert example_spectra(flux, n).tolist() == chosen


@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_generated_spectra_are_drawn_with_their_expectation(tmp_path, n):
    number, spectra, fluxes = figures_of(tmp_path, {"counts": {"n": n, "bins": 30}})
    assert number == n
    assert "<!-- expected counts -->" in spectra
    assert f"<!-- mean of {n} spectra -->" in spectra
    assert "<!-- event 0: " in spectra
    assert "<!-- flux of line 2 -->" in fluxes


def test_the_residuals_are_in_units_of_the_poisson_error():
    counts = np.array([[100.0, 130.0, 0.0], [100.0, 90.0, 0.0]], np.float32)
    figure = single_spectra(counts, np.array([0]), ["a"], np.array([[100.0, 100.0, 0.0]]))
    (first, mean) = figure.subfigs
    assert first.axes[2].patches[0].get_data().values.tolist() == [0.0, 3.0, 0.0]
    np.testing.assert_allclose(mean.axes[1].lines[0].get_ydata(), [0, 20 / np.sqrt(110), 0])


def test_spectra_from_files_are_compared_with_their_mean(tmp_path):
    rng = np.random.default_rng(1)
    data = write_frame(tmp_path / "d.h5", rng.poisson(50.0, (20, 9)))
    targets = write_frame(tmp_path / "t.h5", rng.integers(0, 2, (20, 2)) * 7.0, "targets")
    _, spectra, fluxes = figures_of(tmp_path, {"files": [str(data)], "targets": [str(targets)]})
    assert "<!-- mean spectrum -->" in spectra
    assert "expected counts" not in spectra
    assert "line 1 only" in fluxes


def test_unknown_fluxes_give_the_total_counts_and_say_so(tmp_path):
    data = write_frame(tmp_path / "d.h5", np.arange(60.0).reshape(12, 5))
    _, spectra, fluxes = figures_of(tmp_path, {"files": [str(data)]})
    assert re.search(r"<!-- event \d+ -->", spectra)
    assert "the fluxes of the lines are not known" in fluxes
    assert "total counts of a spectrum" in fluxes


def test_spectra_without_lines_are_drawn(tmp_path):
    _, spectra, fluxes = figures_of(tmp_path, {"counts": {"n": 5, "bins": 5, "lines": []}})
    assert "expected counts" in spectra
    assert "the fluxes of the lines are not known" in fluxes


def test_zeros_are_counted(tmp_path):
    flux = np.array([[0.0, 0.0], [0.0, 5.0], [3.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    text = draw(flux_distributions(flux), tmp_path / "f.svg")
    for words in ("neither: 2", "both: 1", "line 1 only: 1", "line 2 only: 1", "zero: 3 (60 %)", "above: 2"):
        assert f"<!-- {words} -->" in text


@pytest.mark.parametrize(
    "flux",
    [
        np.zeros((6, 2)),
        np.full((6, 2), 4.0),
        np.array([[1.0, 2.0]]),
        np.array([[-3.0, 0.0], [-1.0, 2.0], [0.0, 1e6]]),
        np.ones((6, 1)),
        np.zeros((6, 1)),
        np.abs(np.random.default_rng(1).normal(size=(50, 4))),
        np.r_[np.ones((3000, 2)), [[1e9, 1e9]]],
    ],
    ids=["none", "equal", "one", "negative", "one line", "one line, none", "four lines", "far away"],
)
def test_odd_fluxes_are_drawn(tmp_path, flux):
    before = flux.copy()
    text = draw(flux_distributions(flux), tmp_path / "f.svg")
    assert f"flux of line {flux.shape[1]}" in text
    np.testing.assert_array_equal(flux, before)


@pytest.mark.parametrize("counts", [np.zeros((3, 4)), np.ones((1, 2)), np.full((8, 3), 1e6)], ids=["0", "1", "many"])
def test_odd_counts_are_drawn(tmp_path, counts):
    counts = counts.astype(np.float32)
    chosen = example_spectra(None, len(counts))
    titles = [f"title {i}" for i in chosen]
    assert "title 0" in draw(single_spectra(counts, chosen, titles), tmp_path / "s.svg")
    assert "median" in draw(total_counts(counts), tmp_path / "t.svg")


def test_the_same_spectra_give_the_same_bytes(tmp_path):
    spec = Counts(n=40, bins=50, lines=[LINE, LINE])
    made = generate_block(spec, 0)
    chosen = example_spectra(made.flux, 40)
    for name in ("a", "b"):
        expected = expected_counts(spec, made.flux[chosen])
        draw(single_spectra(made.counts, chosen, ["x"] * 4, expected), tmp_path / f"{name}1.svg")
        draw(flux_distributions(made.flux), tmp_path / f"{name}2.svg")
    for number in "12":
        assert (tmp_path / f"a{number}.svg").read_bytes() == (tmp_path / f"b{number}.svg").read_bytes()


def test_a_dataset_without_spectra_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        figures_of(tmp_path, {"counts": {"n": 0}})
    assert_one_line(error, tmp_path / "s.h5", "no spectra")


def test_samples_of_another_kind_are_refused(tmp_path):
    with Writer.create(tmp_path / "s.h5", "jets", spec={}, units={}):
        pass
    with pytest.raises(UserError) as error:
        plot_spectra_figures(tmp_path / "s.h5", tmp_path / "a.svg", tmp_path / "b.svg")
    assert_one_line(error, tmp_path / "s.h5", "'jets'", "'spectra'")
