"""Figures of pulse finders: ordinary and degenerate input, and what they show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.figures.comparison import localisation_comparison, plot_localisation_comparison_figure
from jetpulse.figures.kernels import derivatives, kernels, plot_kernels_figure, read_kernels, shares
from jetpulse.figures.localisation import (
    choose_examples,
    coverage_curves,
    efficiency,
    probabilities,
    residual_edges,
    residuals,
)
from jetpulse.figures.localisation_files import plot_localisation_figures
from jetpulse.figures.style import save_figure
from jetpulse.samples import Block, Writer
from toy_jets import assert_one_line
from toys import reseal

Found = tuple[np.ndarray, np.ndarray]
FIGURES = ("probabilities", "residuals", "efficiency", "coverage")


def found(n: int, seeds: int = 2, bins: int = 12) -> Found:
    """Return labels (n,) and probabilities (seeds, n, bins) of pulse finders of middling quality."""
    rng = np.random.default_rng(n)
    label = rng.integers(0, bins, n)
    logits = 3.0 * (np.arange(bins) == label[:, None]) + rng.normal(0, 1, (seeds, n, bins))
    weights = np.exp(logits)
    return label, weights / weights.sum(axis=2, keepdims=True)


def truth(n: int, spread: float = 1.0, traces: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n)
    amplitude = 5.0 + spread * rng.random((n, traces))
    return {"amplitude": amplitude.astype(np.float32), "pulses": rng.poisson(1.0, (n, traces)).astype(np.int32)}


PERFECT = (np.array([0, 1, 2]), np.eye(4)[None, :3])
WRONG = (np.array([3, 3, 0]), np.eye(4)[None, :3])


def over_traces(n: int, seeds: int = 2, bins: int = 12) -> Figure:
    label, probability = found(n, seeds, bins)
    waveform = np.random.default_rng(1).normal(size=(n, 3, bins)).astype(np.float32)
    return probabilities(waveform, label, probability, np.arange(n))


def compared(*groups: Found, **references: dict[str, float]) -> Figure:
    measured = {}
    for i, (label, probability) in enumerate(groups):
        bins = np.arange(probability.shape[2])
        measured[f"net-{i}"] = [(row @ bins - label, row.argmax(axis=1) == label) for row in probability]
    return localisation_comparison(measured, {name.replace("_", "-"): value for name, value in references.items()})


def random_kernels(
    seed: int, filters: int = 2, width: int = 3, traces: int = 3, window: int = 7
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(filters, width)), rng.normal(size=(filters, traces, window))


DRAWN: dict[str, Callable[[], Figure]] = {
    **{f"probabilities, {n} entries": lambda n=n: over_traces(n) for n in (1, 4, 6)},
    "probabilities, ten seeds": lambda: over_traces(2, 10),
    "probabilities, flat traces": lambda: probabilities(np.zeros((1, 2, 4)), *PERFECT_ONE, [7]),
    **{
        f"{draw.__name__}, {case}": lambda draw=draw, drawn=drawn: draw(*drawn)
        for draw in (residuals, coverage_curves)
        for case, drawn in {
            "two seeds": found(50),
            "ten seeds": found(20, 10),
            "one entry": found(1),
            "perfect": PERFECT,
            "all wrong": WRONG,
        }.items()
    },
    "efficiency, all known": lambda: efficiency(*found(200), truth(200)),
    "efficiency, one amplitude": lambda: efficiency(*found(200), truth(200, 0.0)),
    "efficiency, amplitude only": lambda: efficiency(*found(50), {"amplitude": truth(50)["amplitude"]}),
    "efficiency, nothing known": lambda: efficiency(*found(50), {}),
    "efficiency, one entry": lambda: efficiency(*found(1), truth(1)),
    "efficiency, two entries": lambda: efficiency(*found(2), truth(2)),
    "efficiency, perfect": lambda: efficiency(*PERFECT, truth(3)),
    "comparison, two experiments": lambda: compared(found(50), found(40), net_0={"rmse": 0.4, "accuracy": 0.9}),
    "comparison, perfect": lambda: compared(PERFECT, net_0={"rmse": 0.0, "accuracy": 1.0}),
    "comparison, one of ten": lambda: compared(*(found(n) for n in range(5, 15)), net_3={"rmse": 0.4}),
    "kernels, one seed": lambda: kernels([random_kernels(1)]),
    "kernels, three seeds": lambda: kernels([random_kernels(seed) for seed in range(3)]),
    "kernels, one trace": lambda: kernels([random_kernels(1, traces=1)]),
    "kernels, two traces, one filter": lambda: kernels([random_kernels(seed, 1, traces=2) for seed in range(2)]),
    "kernels, twenty traces, nine wide filters": lambda: kernels([random_kernels(1, 9, 5, 20, 3)]),
    "kernels, single samples": lambda: kernels([random_kernels(1, 2, 1, 1, 1)]),
    "kernels, all zero": lambda: kernels([(np.zeros((2, 3)), np.zeros((2, 3, 7)))]),
}
PERFECT_ONE = (np.array([1]), np.eye(4)[None, 1:2])


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_figure_is_drawn_without_warnings(draw, tmp_path):
    figure = draw()
    save_figure(figure, tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
    assert any(axis.get_xlabel() for axis in figure.axes)
    assert any(axis.get_ylabel() for axis in figure.axes)


@pytest.mark.parametrize(
    "name",
    ["probabilities, 6 entries", "residuals, two seeds", "efficiency, all known", "comparison, two experiments"],
)
def test_the_same_figure_has_the_same_bytes(name, tmp_path):
    for file in ("a.svg", "b.svg"):
        save_figure(DRAWN[name](), tmp_path / file)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_examples_are_typical_ones_and_the_least_certain_ones():
    true = np.array([0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.5])
    probability = np.stack([true, 1 - true], axis=1)
    # By falling probability: 0, 2, 4, 6, 7, 5, 3, 1.
    assert choose_examples(np.zeros(8, int), probability).tolist() == [4, 7, 3, 5, 1]
    assert choose_examples(np.zeros(1, int), probability[:1]).tolist() == [0]
    assert choose_examples(np.zeros(2, int), probability[:2]).tolist() == [0, 1]


def test_titles_tell_right_from_wrong():
    waveform = np.zeros((2, 3, 4))
    figure = probabilities(waveform, np.array([0, 3]), np.eye(4)[None, :2], [70, 80])
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["event 70: right, p(true) = 100.0 %", "event 80: finds bin 1, p(true) = 0.0 %"]


def test_residuals_all_have_a_bin():
    for values in ([0.0], [0.3, -90.0], [1e-9]):
        edges = residual_edges(np.array(values))
        assert edges[0] < min(values) <= max(values) < edges[-1]
        assert (np.diff(edges) > 0).all()
        np.testing.assert_allclose(edges, -edges[::-1], atol=1e-12)


def test_every_entry_is_drawn_among_the_residuals():
    label, probability = found(50)
    figure = residuals(label, probability)
    histograms = [patch.get_data()[0] for patch in figure.axes[0].patches]
    assert [int(values.sum()) for values in histograms] == [50, 50]
    assert figure.axes[1].collections[0].get_array().sum() == 100


def test_the_accuracy_is_that_of_the_entries():
    figure = efficiency(*WRONG, {"pulses": np.array([[0, 0], [1, 0], [1, 1]])})
    assert [axis.get_xlabel() for axis in figure.axes[:3]] == [
        "further pulses in all traces",
        "true bin",
        "further pulses, fullest trace",
    ]
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines[:1]] == [[0.0]]


def test_the_panels_are_those_of_what_is_known():
    def names(case: str) -> list[str]:
        return [axis.get_xlabel() for axis in DRAWN[f"efficiency, {case}"]().axes if axis.get_xlabel()]

    assert names("nothing known") == ["true bin"]
    assert names("amplitude only") == ["smallest height of the coincident pulse", "true bin"]
    assert names("one amplitude")[0] == "further pulses in all traces"
    assert len(names("all known")) == 4


def test_perfect_predictions_lie_on_the_end_of_the_calibrated_line():
    axis = coverage_curves(*PERFECT).axes[0]
    assert np.unique(axis.lines[1].get_xydata()).tolist() == [1.0]


def test_references_are_drawn_beside_their_experiment():
    axes = compared(found(50), found(40), net_1={"rmse": 0.4, "accuracy": 0.75}).axes
    diamonds = [[line for line in axis.lines if line.get_marker() == "D"] for axis in axes[1:3]]
    assert [shown[0].get_xydata().tolist() for shown in diamonds] == [[[0.25, 1.0]], [[0.4, 1.0]]]
    assert [label.get_text() for label in axes[1].get_yticklabels()] == ["net-0", "net-1"]


def test_shares_of_kernels_by_hand():
    assert derivatives(3)["first derivative"] == pytest.approx([0.5, 0.0, -0.5])
    assert derivatives(3)["second derivative"] == pytest.approx([1.0, -2.0, 1.0])
    assert shares(derivatives(3)["first derivative"]) == pytest.approx(
        {"mean": 0, "first derivative": 1, "second derivative": 0}
    )
    assert shares(np.array([0.0, 3.0, 0.0])) == pytest.approx(
        {"mean": 1 / 3, "first derivative": 0, "second derivative": 2 / 3}
    )
    assert shares(np.zeros(3)) == {"mean": 0.0, "first derivative": 0.0, "second derivative": 0.0}


def tensors(**changed: np.ndarray) -> dict[str, np.ndarray]:
    weights = {"first_weight": np.zeros((2, 1, 1, 3)), "second_weight": np.zeros((1, 2, 3, 7))} | changed
    return {name.replace("_", "."): values.astype(np.float32) for name, values in weights.items()}


def test_kernels_are_flipped_to_those_of_a_convolution(tmp_path):
    first = np.array([[-0.5, 0.0, 0.5], [1.0, 2.0, 3.0]]).reshape(2, 1, 1, 3)
    second = np.arange(42.0).reshape(1, 2, 3, 7)
    save_file(tensors(first_weight=first, second_weight=second), tmp_path / "m.safetensors")
    reseal(tmp_path / "m.safetensors")
    learned, weights = read_kernels(tmp_path / "m.safetensors")
    assert learned.tolist() == [[0.5, 0.0, -0.5], [3.0, 2.0, 1.0]]
    assert weights[1, 2].tolist() == [41, 40, 39, 38, 37, 36, 35]
    plot_kernels_figure([tmp_path / "m.safetensors"] * 2, tmp_path / "k.svg")
    assert "training 2" in (tmp_path / "k.svg").read_text()


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    others = tensors()
    del others["second.weight"]
    flat, apart = tensors(first_weight=np.zeros((2, 3))), tensors(first_weight=np.zeros((4, 1, 1, 3)))
    for weights, fragment in ((others, "none"), (flat, "(2, 3)"), (apart, "(4, 1, 1, 3), (1, 2, 3, 7)")):
        save_file(weights, path)
        reseal(path)
        with pytest.raises(UserError) as error:
            read_kernels(path)
        assert_one_line(error, path, fragment, "'pulse-reference'")


def test_what_is_no_model_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    reseal(path)
    with pytest.raises(UserError) as error:
        read_kernels(path)
    assert_one_line(error, path, "no such file")
    path.write_bytes(b"no weights")
    reseal(path)
    with pytest.raises(UserError) as error:
        read_kernels(path)
    assert_one_line(error, path, "safetensors")


def write(folder: Path, n: int = 40, seeds: int = 2, *, known: bool = True) -> tuple[list[Path], Path]:
    """Write predictions of some seeds on ``waves`` and their sample."""
    label, probability = found(n, seeds)
    entries = {"event": np.arange(n), "label": label.astype(np.int32)}
    waveform = np.random.default_rng(1).normal(size=(n, 3, 12)).astype(np.float32)
    with Writer.create(folder / "samples.h5", "pulses", spec={}, units={}) as writer:
        writer.append("test", Block(entries | {"waveform": waveform} | (truth(n) if known else {})))
    files = [folder / f"{seed}.h5" for seed in range(seeds)]
    for path, row in zip(files, probability, strict=True):
        with Writer.create(path, "predictions", spec={}, units={}) as writer:
            writer.append("waves", Block(entries | {"probability": row}))
    return files, folder / "samples.h5"


def draw(files: list[Path], samples: Path, dataset: str = "waves") -> list[str]:
    """Draw the figures and return them as text."""
    paths = {name: samples.with_name(f"{name}.svg") for name in FIGURES}
    plot_localisation_figures(files, samples, dataset, **paths)
    return [path.read_text() for path in paths.values()]


@pytest.mark.parametrize("known", [True, False], ids=["generated", "the user's own"])
def test_figures_are_drawn_from_files(tmp_path, known):
    traces, shown, by_entry, _ = draw(*write(tmp_path, known=known))
    assert "event " in traces
    assert "training 2, RMSE" in shown
    assert ("further pulses" in by_entry) == known


def test_samples_that_were_not_predicted_are_refused(tmp_path):
    files, samples = write(tmp_path)
    (tmp_path / "other").mkdir()
    _, others = write(tmp_path / "other", 39)
    for arguments, fragments in (((files, others), ["40 entries", "39"]), ((files, samples, "wave"), ["'wave'"])):
        with pytest.raises(UserError) as error:
            draw(*arguments)
        assert_one_line(error, files[0], *fragments)
    assert not list(tmp_path.rglob("*.svg"))


def test_samples_without_waveforms_are_refused(tmp_path):
    files, samples = write(tmp_path)
    for kind, fragments in {"pulses": ["waveform"], "spectra": ["'spectra'", "'pulses'"]}.items():
        with Writer.create(samples, kind, spec={}, units={}) as writer:
            more = {"counts": np.ones((40, 3))} if kind == "spectra" else {}
            writer.append("test", Block({"event": np.arange(40)} | more))
        with pytest.raises(UserError) as error:
            draw(files, samples)
        assert_one_line(error, samples, *fragments)


def test_pulse_finders_are_compared_from_files(tmp_path):
    files, _ = write(tmp_path)
    reference = {"rmse": 0.4, "source": "a notebook"}
    spec = {"task": "localisation", "dataset": "waves", "model": {"name": "dense"}, "reference": reference}
    experiments = {"finder": Experiment.model_validate(spec)}
    plot_localisation_comparison_figure({"finder": files}, "waves", experiments, tmp_path / "c.svg")
    text = (tmp_path / "c.svg").read_text()
    assert "finder" in text
    assert "reference" in text
    with pytest.raises(UserError) as error:
        plot_localisation_comparison_figure({"finders": files}, "waves", experiments, tmp_path / "d.svg")
    assert_one_line(error, "--predictions finders", "finder")
    with pytest.raises(UserError) as error:
        plot_localisation_comparison_figure({"finder": files}, "wave", experiments, tmp_path / "d.svg")
    assert_one_line(error, files[0], "'wave'")
