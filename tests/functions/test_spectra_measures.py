"""Measures of the tasks on spectra, on answers that are known."""

import json
import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config import Counts
from jetpulse.errors import UserError
from jetpulse.evaluation.adversarial import absent_distance
from jetpulse.evaluation.files import write_metrics
from jetpulse.evaluation.reconstruction import chi_square
from jetpulse.evaluation.spectra import Sample, correlation, fit_fluxes, fit_resolution, read_sample
from jetpulse.evaluation.variational import divergences, flux_distance
from jetpulse.samples import load_json
from jetpulse.samples.frames import open_frame
from jetpulse.spectra.generator import background, expected_counts, generate_fresh, line_shapes
from toy_spectra import Arrays, from_files, perfect_generator, principal, settings, truth_of, write_files

TASKS = ("reconstruction", "variational", "adversarial")
SPEC = settings()
TRUTH, ATTRIBUTES = truth_of(SPEC)


def measured(task: str, predicted: Arrays, truth: Arrays = TRUTH, attributes: dict = ATTRIBUTES) -> dict:
    metrics = import_module(f"jetpulse.evaluation.{task}").measure(predicted, truth, attributes, "toy")
    json.dumps(metrics, allow_nan=False)
    return metrics


def test_chi_square_by_hand():
    counts = np.array([[110.0, 90.0], [0.0, 0.0]])
    reconstruction = np.array([[100.0, 100.0], [2.0, -3.0]])
    assert chi_square(counts, reconstruction) == pytest.approx([1.0, (4 / 2 + 9 / 1) / 2])


def test_chi_square_of_the_truth_is_one_and_of_a_wrong_spectrum_more():
    expected = expected_counts(SPEC, TRUTH["flux"])
    metrics = measured("reconstruction", principal(TRUTH) | {"reconstruction": expected})
    assert metrics["chi_square"] == pytest.approx(1, abs=5 * metrics["chi_square_error"])
    assert metrics["chi_square_error"] == pytest.approx(math.sqrt(2 / 60 / 400), rel=0.2)
    wrong = measured("reconstruction", principal(TRUTH) | {"reconstruction": expected + np.sqrt(expected)})
    assert wrong["chi_square"] > 1.5


def test_a_sample_without_noise_is_reconstructed_with_chi_square_zero():
    spec = settings(poisson=False)
    truth, attributes = truth_of(spec)
    metrics = measured("variational", principal(truth), truth, attributes)
    assert metrics["chi_square"] < 1e-6
    assert metrics["flux_correlation"] == pytest.approx(1, abs=1e-9)
    assert metrics["flux_resolution_fit"] is None
    assert metrics["two_sample_auc_counts"] is None
    assert metrics["two_sample_auc"] > 0.8


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        (lambda x: x, True),
        (lambda x: 0 * x + np.arange(60), True),
        (lambda x: x / x.sum(axis=1, keepdims=True), False),
        (lambda x: x + 0.5, False),
        (lambda x: x - x.mean(axis=0).round() + 1, False),
        (lambda x: 100 * x, False),
    ],
    ids=["counts", "no counts at all", "of unit sum", "not whole", "background subtracted", "scaled"],
)
def test_spectra_of_files_that_are_no_counts_have_no_chi_square(values: Callable, counts: bool):
    truth, attributes = from_files(TRUTH)
    truth |= {"counts": values(truth["counts"].astype(np.float64))}
    metrics = measured("variational", principal(truth), with_training(truth), attributes)
    assert (metrics["chi_square"] is not None) == (metrics["chi_square_error"] is not None) == counts
    for name in ("two_sample_auc_counts", "two_sample_auc_neighbours", "density", "coverage"):
        assert (metrics[name] is not None) == counts
    assert metrics["flux_correlation"] is not None or not truth["counts"].any()


def test_principal_components_know_the_fluxes_as_well_as_a_fit():
    metrics = measured("reconstruction", principal(TRUTH))
    assert metrics["entries"] == 400
    assert metrics["flux_correlation"] == min(metrics["flux_1_correlation"], metrics["flux_2_correlation"]) > 0.999
    assert metrics["flux_resolution"] == max(metrics["flux_1_resolution"], metrics["flux_2_resolution"])
    assert metrics["flux_resolution"] == pytest.approx(metrics["flux_resolution_fit"], rel=0.2)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 100))
def test_any_affine_map_of_the_fluxes_gives_them_back(lines: int, further: int, seed: int):
    rng = np.random.default_rng(seed)
    flux = rng.normal(size=(40, lines)) * 50 + 100
    matrix = np.linalg.qr(rng.normal(size=(lines + further, lines)))[0]
    fit = fit_fluxes(flux @ matrix.T * 1e3 - 7, flux)
    assert np.allclose(fit.flux, flux, atol=1e-6)


def test_coordinates_that_know_nothing_do_not_seem_to():
    # In a fit to its own entries 30 coordinates would explain three quarters of 40 fluxes' variance.
    rng = np.random.default_rng(3)
    flux = rng.normal(size=(80, 1))
    fit = fit_fluxes(rng.normal(size=(80, 30)), flux)
    assert abs(correlation(fit.flux[:, 0], flux[:, 0])) < 0.35


def test_a_collapsed_latent_space_knows_no_flux():
    metrics = measured("reconstruction", principal(TRUTH) | {"latent": np.zeros((400, 2))})
    assert abs(metrics["flux_1_correlation"]) < 0.15  # the halves' means differ
    assert metrics["flux_1_resolution"] == pytest.approx(TRUTH["flux"][:, 0].std(), rel=0.05)


def test_a_line_that_is_never_there_has_no_correlation():
    absent = TRUTH | {"flux": TRUTH["flux"] * [1, 0]}
    assert measured("reconstruction", principal(TRUTH), absent)["flux_2_correlation"] is None


def test_correlation_by_hand():
    assert correlation(np.array([1.0, 2, 3]), np.array([2.0, 4, 6])) == pytest.approx(1)
    assert correlation(np.array([1.0, 2, 3]), np.array([1.0, 0, 1])) == pytest.approx(0)
    assert math.isnan(correlation(np.ones(3), np.arange(3.0)))


def test_resolution_of_a_fit_is_that_of_least_squares_on_many_draws():
    line = {"centre": 0.5, "width": 0.1, "flux": 50.0}
    spec = Counts(n=1, bins=40, lines=[line, line | {"centre": 0.7}])
    flux = np.full((4000, 2), 50.0)
    counts = np.random.default_rng(1).poisson(expected_counts(spec, flux))
    limit = fit_resolution(Sample(counts.astype(float), flux, spec))
    weight = 1 / np.sqrt(expected_counts(spec, flux[:1])[0])
    fitted = np.linalg.lstsq((line_shapes(spec) * weight).T, ((counts - background(spec)) * weight).T)[0].T
    assert np.std(fitted, axis=0) == pytest.approx(limit, rel=0.05)


def test_two_equal_lines_cannot_be_told_apart_by_a_fit():
    line = {"centre": 0.5, "width": 0.1, "flux": 50.0}
    spec = Counts(n=50, bins=40, lines=[line, line])
    truth, attributes = truth_of(spec)
    limit = fit_resolution(read_sample(truth, attributes, "toy"))
    assert np.all(np.isnan(limit) | (limit > 1e3))


def test_divergence_by_hand():
    found = divergences(np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 1.0, math.e]]))
    assert found == pytest.approx(np.array([[0, 0.5, 0.5 * (math.e**2 - 3)]]))
    metrics = measured(
        "variational", principal(TRUTH) | {"latent": np.ones((400, 2)), "latent_sigma": np.ones((400, 2))}
    )
    assert (metrics["divergence"], metrics["divergence_1"], metrics["divergence_error"]) == (1.0, 0.5, 0.0)


@pytest.mark.parametrize(("scale", "low", "high"), [(1.0, 0.68, 0.95), (0.5, 0.25, 0.54), (2.0, 0.99, 1.0)])
def test_coverage_of_posteriors_of_the_right_and_of_a_wrong_width(scale: float, low: float, high: float):
    # In two dimensions an ellipsoid of half the size holds 1 - 0.317^(1/4) and 1 - 0.046^(1/4).
    rng = np.random.default_rng(5)
    spec = settings(n=4000)
    truth, attributes = truth_of(spec)
    sigma = rng.uniform(0.01, 0.03, (4000, 2))
    mean = truth["flux"] @ [[0.01, 0.003], [0, 0.02]] + sigma * rng.standard_normal((4000, 2))
    predicted = principal(truth) | {"latent": mean, "latent_sigma": scale * sigma}
    metrics = measured("variational", predicted, truth, attributes)
    assert metrics["coverage_68"] == pytest.approx(low, abs=0.03)
    assert metrics["coverage_95"] == pytest.approx(high, abs=0.03)


def test_a_posterior_of_fewer_dimensions_than_lines_covers_nothing_and_of_more_something():
    assert measured("variational", principal(TRUTH, 1))["coverage_68"] is None
    metrics = measured("variational", principal(TRUTH, 4))
    assert 0 < metrics["coverage_68"] < metrics["coverage_95"]
    assert metrics["divergence"] == pytest.approx(sum(metrics[f"divergence_{i}"] for i in (1, 2, 3, 4)))
    fit = fit_fluxes(np.zeros((20, 2)), np.random.default_rng(1).normal(size=(20, 2)))
    assert np.isnan(flux_distance(fit, np.zeros((20, 2)), np.ones((20, 2)))).all()


def test_the_generator_itself_passes_and_gaussian_draws_fail():
    perfect = measured("adversarial", {"generated": perfect_generator(SPEC, 400)})
    for name in ("two_sample_auc", "two_sample_auc_counts"):
        assert abs(perfect[name] - 0.5) < 4 * perfect[f"{name}_error"]
    assert perfect["wasserstein"] < 3 * perfect["wasserstein_floor"]
    assert perfect["absent_distance"] < 0.12
    gaussian = measured("adversarial", principal(TRUTH))
    assert gaussian["two_sample_auc"] > 0.9
    assert gaussian["wasserstein"] > 3 * gaussian["wasserstein_floor"]


def with_training(truth: Arrays, seed: int = 31) -> Arrays:
    """Return a truth with 1,200 spectra of a training split."""
    made = generate_fresh(SPEC, 1200, seed, 0)
    return truth | {"train/counts": made.counts, "train/flux": made.flux}


@pytest.mark.parametrize("known", [True, False], ids=["expected counts", "counts of files"])
def test_neighbours_see_a_smeared_branch_and_what_was_learned_by_heart_and_nothing_in_a_true_sample(known: bool):
    truth, attributes = (TRUTH, ATTRIBUTES) if known else from_files(TRUTH)
    truth = with_training(truth)
    flux = generate_fresh(SPEC, 400, 7, 0).flux
    independent = measured("adversarial", {"generated": expected_counts(SPEC, flux)}, truth, attributes)
    name = "two_sample_auc_neighbours"
    assert abs(independent[name] - 0.5) < 4 * independent[f"{name}_error"]
    assert abs(independent["density"] - 1) < 4 * independent["density_error"]
    assert abs(independent["coverage"] - independent["coverage_expected"]) < 4 * independent["coverage_error"]
    by_heart = {"generated": expected_counts(SPEC, truth["train/flux"][:400])}
    if known:
        assert measured("adversarial", by_heart, truth, attributes)[name] > 0.7
    beside = np.random.default_rng(1).normal(8.0, 3.0, flux.shape) * (30 if not known else 1)
    branch = np.where((flux == 0) & (flux.sum(axis=1, keepdims=True) > 0), beside, flux)
    smeared = measured("adversarial", {"generated": expected_counts(SPEC, branch)}, truth, attributes)
    assert smeared[name] > 0.5 + 5 * smeared[f"{name}_error"]
    assert smeared["density"] < 1 - 3 * smeared["density_error"] or not known


def test_the_training_split_of_the_sample_is_what_distances_are_taken_from(tmp_path: Path):
    predictions, samples = write_files(tmp_path, TRUTH, ATTRIBUTES, [principal(TRUTH)])
    for task in ("variational", "adversarial"):
        write_metrics(predictions[0], tmp_path / "m.json", task, {"toy": samples})
        assert load_json(tmp_path / "m.json")["toy"]["two_sample_auc_neighbours"] > 0.8
    assert measured("adversarial", principal(TRUTH))["two_sample_auc_neighbours"] is None


def test_the_fraction_without_a_line_is_compared_line_by_line():
    sample = read_sample(TRUTH, ATTRIBUTES, "toy")
    assert absent_distance(sample, expected_counts(SPEC, TRUTH["flux"])) == 0
    never = np.maximum(TRUTH["flux"], [0, 2])
    assert absent_distance(sample, expected_counts(SPEC, never)) == np.mean(TRUTH["flux"][:, 1] == 0)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("lines", [0, 1, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_few_spectra_any_number_of_lines_all_columns(task: str, lines: int, n: int):
    truth, attributes = truth_of(settings(n=n, lines=lines))
    metrics = measured(task, principal(truth, 3), truth, attributes)
    assert metrics["entries"] == n
    assert set(import_module(f"jetpulse.evaluation.{task}").COLUMNS) <= set(metrics)


@pytest.mark.parametrize("task", TASKS)
def test_spectra_of_files_are_measured_as_far_as_their_truth_is_known(task: str):
    known = measured(task, principal(TRUTH), *from_files(TRUTH))
    unknown = measured(task, principal(TRUTH), *from_files(TRUTH, fluxes=False))
    if task != "adversarial":
        assert known["flux_correlation"] > 0.999
        assert unknown["flux_correlation"] is unknown["flux_resolution"] is None
        assert known["chi_square"] == unknown["chi_square"] == measured(task, principal(TRUTH))["chi_square"]
    if task != "reconstruction":
        assert known["two_sample_auc"] is known["absent_distance"] is None
        assert known["two_sample_auc_counts"] > 0.7
        assert known["wasserstein"] > known["wasserstein_floor"]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_numbers_twice_and_arguments_stay_as_they_are(task: str):
    predicted = principal(TRUTH)
    kept = {name: values.copy() for name, values in predicted.items()}
    assert measured(task, predicted) == measured(task, predicted)
    assert all(np.array_equal(predicted[name], kept[name]) for name in kept)


def without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {key: values for key, values in arrays.items() if key != name}


def replaced(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | {name: change(arrays[name].copy())}


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("reconstruction", without("latent"), "toy: lacks latent, found "),
        ("reconstruction", without("reconstruction"), "toy: lacks reconstruction, found "),
        ("reconstruction", replaced("reconstruction", lambda x: x[:, 1:]), "59 bins, the sample's spectra have 60"),
        ("variational", without("latent_sigma"), "lacks latent_sigma"),
        ("variational", without("generated"), "lacks generated"),
        ("adversarial", without("generated"), "lacks generated"),
    ],
)
def test_unusable_predictions_are_refused_in_one_line(task: str, change: Callable, message: str):
    with pytest.raises(UserError, match=message) as raised:
        measured(task, change(principal(TRUTH)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_that_cannot_be_is_refused(task: str):
    with pytest.raises(UserError, match=r"toy: its sample lacks test/counts.*kind 'spectra'"):
        measured(task, principal(TRUTH), without("counts")(TRUTH))
    with pytest.raises(UserError, match="toy: has no entries"):
        measured(task, principal(TRUTH), {name: values[:0] for name, values in TRUTH.items()})


def test_the_references_spectra(real_data: Path):
    with (
        open_frame(real_data / "spectra_data.hf5", "data") as data,
        open_frame(real_data / "spectra_targets.hf5", "targets") as targets,
    ):
        counts, flux = data.read(0, 200).astype(np.float32), targets.read(0, 200)
    truth, attributes = from_files({"event": np.arange(200), "counts": counts, "flux": flux})
    metrics = measured("variational", principal(truth), truth, attributes)
    assert metrics["flux_correlation"] > 0.9995
    assert metrics["chi_square"] == pytest.approx(0.986, abs=0.01)
    assert metrics["two_sample_auc_counts"] > 0.7
