"""Figures of pulses, on ordinary and on degenerate entries; warnings are errors in these tests."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from jetpulse.cli import main
from jetpulse.config import PulseDataset, Waveforms
from jetpulse.errors import UserError
from jetpulse.figures.pulses import coloured_traces, plot_pulse_figures, stacked_traces, synthetic_images
from jetpulse.figures.style import save_figure
from jetpulse.pulses.files import write_samples
from jetpulse.pulses.filters import FIRST, SECOND, convolve, synthetic_image
from jetpulse.pulses.generator import Triplets, generate_block
from jetpulse.samples import Writer
from toy_jets import assert_one_line

FIGURES = {
    "stacked": lambda made: stacked_traces(made.waveform, made.label, "mV"),
    "coloured": lambda made: coloured_traces(made.waveform[0], int(made.label[0]), "mV"),
    "synthetic": lambda made: synthetic_images(made.waveform, made.label),
}


def entries(n: int = 6, traces: int = 3, samples: int = 100) -> Triplets:
    return generate_block(Waveforms(n=n, traces=traces, samples=samples), 0)


def pulses(n: int, **source: object) -> PulseDataset:
    return PulseDataset(kind="pulses", source={"waveforms": {"n": n, **source}})


def triangles(figure: Figure) -> list[float]:
    """Return where the true bin is marked, by axes."""
    lines = [line for axis in figure.axes for line in axis.lines if line.get_marker() not in ("None", "", None)]
    return [float(line.get_xdata()[0]) for line in lines]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize(("n", "traces", "samples"), [(6, 3, 100), (1, 1, 3), (2, 3, 10), (4, 9, 30)])
def test_every_figure_is_drawn(tmp_path, draw, n, traces, samples):
    save_figure(draw(entries(n, traces, samples)), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_flat_traces_are_drawn(tmp_path, draw):
    made = entries(2)
    flat = Triplets(np.zeros_like(made.waveform), made.label, made.time, made.amplitude, made.pulses)
    save_figure(draw(flat), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["stacked", "synthetic"])
def test_the_true_bin_of_every_entry_is_marked(name):
    made = entries(4)
    assert triangles(FIGURES[name](made)) == made.label.tolist()


def test_the_traces_are_those_of_the_entry_one_above_the_other():
    made = entries(1)
    axis = stacked_traces(made.waveform, made.label, "mV").axes[0]
    drawn = [line.get_ydata() for line in axis.lines if len(line.get_ydata()) == 100]
    base = axis.get_yticks()
    assert [text.get_text() for text in axis.get_yticklabels()] == ["trace 1", "trace 2", "trace 3"]
    for j in range(3):
        np.testing.assert_allclose(drawn[j] - base[j], made.waveform[0, j], atol=1e-5)
    assert (np.diff(base) < 0).all()


def test_points_have_the_colour_of_their_derivative():
    made = entries(1)
    axes = coloured_traces(made.waveform[0], int(made.label[0]), "mV").axes
    for row, kernel in enumerate((FIRST, SECOND)):
        for j in range(3):
            points = axes[3 * row + j].collections[0]
            np.testing.assert_allclose(points.get_array(), np.tanh(convolve(made.waveform, kernel))[0, j])
            bins = np.arange(1, 99)
            np.testing.assert_allclose(points.get_offsets(), np.column_stack([bins, made.waveform[0, j, 1:99]]))
            assert points.get_clim() == (-1, 1)


def test_a_column_of_the_image_lies_over_its_bin():
    made = entries(1)
    image = synthetic_images(made.waveform, made.label).axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), synthetic_image(made.waveform)[0])
    left, right, bottom, top = image.get_extent()
    assert (right - left, bottom - top) == (98, 6)
    assert left + 0.5 == 1  # the middle of the first column


def test_the_same_samples_give_the_same_bytes(tmp_path):
    write_samples(tmp_path / "samples.h5", pulses(30))
    written = []
    for turn in ("a", "b"):
        paths = [tmp_path / f"{turn}{i}.svg" for i in range(3)]
        assert plot_pulse_figures(tmp_path / "samples.h5", *paths) == 6
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    assert b"wave of the background = 1" in written[0][1]


def test_the_users_traces_have_the_users_unit(tmp_path):
    made = entries(20)
    np.savez(tmp_path / "mine.npz", waveform=made.waveform, label=made.label)
    spec = PulseDataset(kind="pulses", source={"files": [str(tmp_path / "mine.npz")]})
    write_samples(tmp_path / "samples.h5", spec)
    plot_pulse_figures(tmp_path / "samples.h5", *(tmp_path / f"{i}.svg" for i in range(3)))
    assert "as in the files" in (tmp_path / "0.svg").read_text()


def test_samples_without_entries_are_a_one_line_error(tmp_path):
    write_samples(tmp_path / "samples.h5", pulses(0))
    with pytest.raises(UserError) as error:
        plot_pulse_figures(tmp_path / "samples.h5", *(tmp_path / f"{i}.svg" for i in range(3)))
    assert_one_line(error, tmp_path / "samples.h5", "holds no entries")


def test_samples_of_something_else_are_a_one_line_error(tmp_path):
    with Writer.create(tmp_path / "samples.h5", "jets", spec={}, units={}):
        pass
    with pytest.raises(UserError) as error:
        plot_pulse_figures(tmp_path / "samples.h5", *(tmp_path / f"{i}.svg" for i in range(3)))
    assert_one_line(error, tmp_path / "samples.h5", "'jets'", "'pulses'")


def test_the_verbs_build_and_draw(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spec = '{"kind": "pulses", "source": {"waveforms": {"n": 40}}}'
    assert main(["build-pulse-samples", "samples.h5", "--spec", spec, "--threads", "2"]) == 0
    figures = ["--traces", "t.svg", "--convolutions", "c.svg", "--synthetic", "s.svg"]
    assert main(["plot-pulses", "samples.h5", *figures]) == 0
    assert all(Path(name).exists() for name in ("t.svg", "c.svg", "s.svg"))
    assert "seed: 123" in capsys.readouterr().err
    assert main(["build-pulse-samples", "empty.h5", "--spec", spec.replace("40", "0")]) == 0
    assert "nothing can be trained on it" in capsys.readouterr().err
    assert main(["plot-pulses", "empty.h5", *figures]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("jetpulse plot-pulses: empty.h5: holds no entries")
