"""Figures of unsupervised networks, on ordinary and on degenerate input; warnings are errors in these tests."""

from pathlib import Path

import numpy as np
import pytest

from jetpulse.cli import main
from jetpulse.errors import UserError
from jetpulse.evaluation.spectra import fit_fluxes
from jetpulse.figures.latent import Latent, latent_space
from jetpulse.figures.unsupervised import posterior_draws
from jetpulse.figures.unsupervised_files import (
    plot_adversarial_figures,
    plot_reconstruction_figures,
    plot_variational_figures,
)
from toy_spectra import Arrays, from_files, principal, settings, truth_of, write_files

OUTPUTS = {
    "reconstruction": ("reconstruction", "latent"),
    "variational": ("reconstruction", "latent", "generated"),
    "adversarial": ("generated",),
}
PLOT = {
    "reconstruction": plot_reconstruction_figures,
    "variational": plot_variational_figures,
    "adversarial": plot_adversarial_figures,
}


def drawn(folder: Path, task: str, predictions: list[Path], samples: Path) -> dict[str, bytes]:
    paths = {name: folder / f"{name}.svg" for name in OUTPUTS[task]}
    PLOT[task](predictions, samples, "toy", **paths)
    return {name: path.read_bytes() for name, path in paths.items()}


@pytest.mark.parametrize("task", PLOT)
def test_two_trainings_give_the_same_bytes_twice(tmp_path: Path, task: str):
    truth, attributes = truth_of(settings(n=60))
    predictions, samples = write_files(tmp_path, truth, attributes, [principal(truth), principal(truth, seed=3)])
    first = drawn(tmp_path, task, predictions, samples)
    assert all(len(content) > 10_000 for content in first.values())
    assert drawn(tmp_path, task, predictions, samples) == first


@pytest.mark.parametrize(("latent", "lines"), [(1, 1), (1, 0), (2, 3), (3, 1), (6, 2)])
def test_any_number_of_coordinates_and_lines(tmp_path: Path, latent: int, lines: int):
    truth, attributes = truth_of(settings(n=40, lines=lines))
    predictions, samples = write_files(tmp_path, truth, attributes, [principal(truth, latent)])
    drawn(tmp_path, "reconstruction" if latent == 6 else "variational", predictions, samples)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("fluxes", [True, False], ids=["fluxes", "no fluxes"])
def test_very_few_spectra_of_files(tmp_path: Path, n: int, fluxes: bool):
    truth, attributes = from_files(truth_of(settings(n=n))[0], fluxes=fluxes)
    predictions, samples = write_files(tmp_path, truth, attributes, [principal(truth)])
    drawn(tmp_path, "variational", predictions, samples)


def test_a_collapsed_network_is_drawn(tmp_path: Path):
    truth, attributes = truth_of(settings(n=40, poisson=False))
    predicted = principal(truth)
    predicted |= {name: 0 * predicted[name] for name in ("latent", "reconstruction", "generated")}
    predicted["latent_sigma"] = np.ones_like(predicted["latent"])
    predictions, samples = write_files(tmp_path, truth, attributes, [predicted])
    drawn(tmp_path, "variational", predictions, samples)


def test_draws_of_a_linear_network_are_decoded_exactly():
    rng = np.random.default_rng(1)
    latent, decoder = rng.normal(size=(500, 2)), rng.normal(size=(2, 7))
    sigma = np.full((500, 2), 0.3)
    found = posterior_draws(latent, sigma, latent @ decoder + 5, np.array([3, 8]), 400)
    assert found.shape == (2, 400, 7)
    steps = (found - 5) @ np.linalg.pinv(decoder) - latent[[3, 8], None]
    assert np.allclose(steps @ decoder + latent[[3, 8], None] @ decoder + 5, found, atol=1e-9)
    assert steps.std(axis=1) == pytest.approx(np.full((2, 2), 0.3), rel=0.15)
    assert posterior_draws(latent, 0 * sigma, latent @ decoder, np.array([3]), 2)[0, 1] == pytest.approx(
        latent[3] @ decoder
    )


def test_the_prior_is_drawn_where_posteriors_are():
    truth, _ = truth_of(settings(n=50))
    predicted = principal(truth)
    fit = fit_fluxes(predicted["latent"].astype(float), truth["flux"])
    for sigma, circles in ((None, 0), (predicted["latent_sigma"], 1)):
        space = Latent(predicted["latent"], sigma, truth["flux"], ("flux of line 1", "flux of line 2"), True)
        figure = latent_space(space, truth["flux"], fit.flux)
        first = figure.axes[0]
        radii = [patch.get_radius() for patch in first.patches if hasattr(patch, "get_radius")]
        assert radii == [2.45] * circles
        assert sum("rms difference" in axis.get_title() for axis in figure.axes) == 2


@pytest.mark.parametrize("task", PLOT)
def test_a_verb_for_every_task(tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    truth, attributes = truth_of(settings(n=30))
    predictions, samples = write_files(tmp_path, truth, attributes, [principal(truth)])
    arguments = [f"plot-{task}", str(predictions[0]), "--samples", str(samples), "--dataset", "toy"]
    for name in OUTPUTS[task]:
        arguments += [f"--{name}", f"{name}.svg"]
    assert main(arguments) == 0
    assert all(Path(f"{name}.svg").stat().st_size for name in OUTPUTS[task])


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("reconstruction", {"latent": None}, "predictions0.h5: toy: lacks latent"),
        (
            "reconstruction",
            {"reconstruction": np.full((30, 60), np.nan)},
            "reconstruction is nan, expected a finite",
        ),
        ("variational", {"latent_sigma": np.zeros((30, 2))}, "latent_sigma is 0., expected a number above 0"),
        ("adversarial", {"generated": np.zeros((30, 9))}, "generated has 9 bins, the sample's spectra have 60"),
        ("adversarial", {"event": np.arange(30)[::-1].copy()}, "entry 0 is event 29"),
    ],
)
def test_unusable_predictions_are_refused(tmp_path: Path, task: str, change: Arrays, message: str):
    truth, attributes = truth_of(settings(n=30))
    predicted = {name: values for name, values in (principal(truth) | change).items() if values is not None}
    predictions, samples = write_files(tmp_path, truth, attributes, [predicted])
    with pytest.raises(UserError, match=message) as raised:
        drawn(tmp_path, task, predictions, samples)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.glob("*.svg"))
