"""The style of figures: it depends on nobody's settings, changes nobody's, and shows users' names letter by letter."""

import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import jetpulse.figures
from jetpulse.figures import problems, weights
from jetpulse.figures.classes import confusion
from jetpulse.figures.classification import rejection_curves
from jetpulse.figures.problem_style import Entries, Names
from jetpulse.figures.style import literal, save_figure
from jetpulse.figures.weights import Layer

HOSTILE = """
image.origin: lower
image.cmap: jet
text.usetex: True
text.parse_math: False
mathtext.fontset: cm
font.family: serif
font.size: 30
lines.linewidth: 9
lines.marker: o
axes.facecolor: red
axes.titlesize: 40
axes.unicode_minus: False
axes.formatter.use_mathtext: True
errorbar.capsize: 9
hist.bins: 3
legend.loc: center
legend.numpoints: 5
scatter.marker: x
savefig.bbox: tight
savefig.dpi: 31
savefig.transparent: True
savefig.format: pdf
figure.dpi: 300
figure.figsize: 2, 2
path.simplify: False
svg.fonttype: none
svg.hashsalt: mine
svg.image_inline: False
xtick.direction: in
ytick.right: True
contour.linewidth: 7
"""
# An own program: matplotlib reads its settings when it is imported.
DRAW = """
import sys
import numpy as np
import jetpulse.figures.style
import matplotlib as mpl
before = dict(mpl.rcParams)
sys.path.insert(0, sys.argv[1])
from test_figures import FIGURES
from jetpulse.figures.style import save_figure
from jetpulse.figures.weights import Layer, weights
layer = Layer("dense", np.arange(6.0).reshape(2, 3) - 2, np.ones(2))
figures = {name: FIGURES[name] for name in ("averages", "rejection, published", "reliability, three seeds")}
figures["weights"] = lambda: weights([[layer]])
for number, draw in enumerate(figures.values()):
    save_figure(draw(), f"{number}.svg")
save_figure(figures["averages"](), "average.png")
save_figure(figures["averages"](), "average.pdf")
assert dict(mpl.rcParams) == before
"""


def drawn(folder: Path, settings: str, **environment: str) -> dict[str, bytes]:
    """Return the figures that a program draws in a folder with this matplotlibrc, by name."""
    folder.mkdir()
    (folder / "matplotlibrc").write_text(settings)
    known = {name: value for name, value in os.environ.items() if not name.startswith("MPL")}
    command = [sys.executable, "-c", DRAW, str(Path(__file__).parent)]
    ended = subprocess.run(command, cwd=folder, env=known | environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "matplotlibrc"}


def test_no_settings_of_the_user_change_a_byte(tmp_path):
    usual = drawn(tmp_path / "usual", "")
    assert len(usual) == 6
    assert drawn(tmp_path / "hostile", HOSTILE, MPLBACKEND="inline") == usual


def test_settings_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"lines.linewidth: 3\n\xff\xfe")
    (tmp_path / "history.csv").write_text("epoch,train_loss\n1,0.5\n")
    command = [sys.executable, "-m", "jetpulse.cli", "plot-training", "t.svg", "--histories", "1=history.csv"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("jetpulse plot-training: matplotlibrc")


def test_every_function_that_makes_a_figure_is_in_the_style():
    modules = [
        import_module(f"jetpulse.figures.{part.name}") for part in pkgutil.iter_modules(jetpulse.figures.__path__)
    ]
    found = [
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        if function.__annotations__.get("return") is Figure
    ]
    assert len(found) > 30
    assert [function.__qualname__ for function in found if not hasattr(function, "__wrapped__")] == []


def test_a_figure_leaves_the_settings_as_they_were():
    with mpl.rc_context({"lines.linewidth": 7.0}):
        before = dict(mpl.rcParams)
        figure = rejection_curves({"jets": [(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.9]))]})
        assert dict(mpl.rcParams) == before
    assert figure.axes[0].lines[0].get_linewidth() == 1.6


NAMES = ("$\\frac{$", "cost [$], $-1", "_hidden_", "a\\$b", "two\nlines", "x" * 300, "{i}", "$", "日")


def test_names_of_users_are_shown_letter_by_letter(tmp_path, recwarn):
    names = Names(NAMES, NAMES, "$\\undefined$ [$]")
    n = len(NAMES)
    shown = Entries(np.eye(n).repeat(3, 0), np.repeat(np.arange(n), 3), None, np.zeros(3 * n), names)
    number = Entries(np.eye(n).repeat(3, 0), None, np.arange(3.0 * n), np.zeros(3 * n), names)
    layers = [Layer("dense", np.eye(n), np.ones(n), NAMES, NAMES)]
    scores = [(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.9]))]
    figures = [
        problems.sample(shown),
        problems.sample(number),
        weights.weights([layers]),
        confusion(np.eye(n)[None], names),
        rejection_curves(dict.fromkeys(NAMES, scores), {name: [(0.3, 9)] for name in NAMES}),
    ]
    for number, figure in enumerate(figures):
        save_figure(figure, tmp_path / f"{number}.png")
    # Letters that the font does not have are boxes, nothing worse.
    assert all("Glyph" in str(warning.message) for warning in recwarn)
    legend = [text.get_text() for text in figures[-1].axes[0].get_legend().get_texts()]
    assert len(legend) == 2 * n


@pytest.mark.parametrize(
    ("name", "shown"),
    [("mass", "mass"), ("$x$", r"\$x\$"), ("_a", "\u200b_a"), ("a\nb\tc", "a b c"), ("x" * 61, "x" * 59 + "…")],
)
def test_a_name_as_a_figure_shows_it(name, shown):
    assert literal(name) == shown
