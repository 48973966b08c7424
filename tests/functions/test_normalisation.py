"""Normalisation of inputs: by hand, inverted exactly, fitted on the training split alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jetpulse.errors import UserError
from jetpulse.samples import read_block
from jetpulse.training.features import Dense
from jetpulse.training.files import write_model
from jetpulse.training.normalisation import Normalisation, fit_normalisation, stored_normalisation
from jetpulse.training.trained import load_model
from toy_jets import assert_one_line
from toys import BINS, CPU, task_experiment, write_spectra

KINDS = ("residual", "standard", "principal")


def rank_two(n: int = 40, bins: int = 9, seed: int = 1) -> np.ndarray:
    """Return entries (n, bins), float32, that are an offset plus multiples of two orthogonal shapes."""
    rng = np.random.default_rng(seed)
    shapes = np.linalg.qr(rng.standard_normal((bins, 2)))[0].T
    parts = rng.standard_normal((n, 2)) * [5.0, 0.5]
    return (100 + parts @ shapes).astype(np.float32)


def fit(kind: str, values: np.ndarray, components: int = 2) -> Normalisation:
    found = fit_normalisation(kind, values, components, "samples.h5")
    assert found is not None
    return found


def test_none_is_none():
    assert fit_normalisation("none", np.ones((2, 3), np.float32), 1, "f") is None


def test_residuals_by_hand():
    values = np.array([[1.0, 10.0], [3.0, 16.0]], np.float32)
    found = fit("residual", values)
    # The mean entry is (2, 13); the largest residual is 3.
    y = found.apply(torch.from_numpy(values))
    assert y.tolist() == [[pytest.approx(-1 / 3), -1.0], [pytest.approx(1 / 3), 1.0]]


def test_standard_has_one_mean_and_one_deviation_for_all_values():
    values = np.array([[[0.0, 2.0], [4.0, 6.0]]], np.float32)
    y = fit("standard", values).apply(torch.from_numpy(values))
    # Mean 3, variance (9 + 1 + 1 + 9) / 4 = 5.
    assert y.shape == (1, 2, 2)
    assert y.ravel().tolist() == pytest.approx(list(np.array([-3, -1, 1, 3]) / np.sqrt(5)))


def test_principal_components_by_hand():
    # Variance 8 along (1, 1) / sqrt 2 and 2 along (1, -1) / sqrt 2, around (10, 20).
    values = np.array([[14.0, 24.0], [6.0, 16.0], [12.0, 18.0], [8.0, 22.0]], np.float32)
    found = fit("principal", values)
    y = found.apply(torch.from_numpy(values))
    expected = [[np.sqrt(2), 0], [-np.sqrt(2), 0], [0, np.sqrt(2)], [0, -np.sqrt(2)]]
    np.testing.assert_allclose(y.abs().numpy(), np.abs(expected), atol=1e-6)
    np.testing.assert_allclose(y.var(0, correction=0).numpy(), 1, atol=1e-6)
    one = fit("principal", values, 1)
    assert one.apply(torch.from_numpy(values)).shape == (4, 1)


@pytest.mark.parametrize("kind", KINDS)
@given(arrays.arrays(np.float32, (6, 4), elements=st.floats(0, 1000, width=32)))
def test_every_kind_can_be_undone(kind, values):
    values[0, 0] += 1  # never all the same
    values[1, 0] += 3
    found = fit(kind, values, components=4)
    x = torch.from_numpy(values)
    torch.testing.assert_close(found.invert(found.apply(x)), x, rtol=1e-5, atol=1e-5 * values.max())


@pytest.mark.parametrize("kind", KINDS)
def test_values_lie_where_the_kind_says(kind):
    values = rank_two()
    y = fit(kind, values).apply(torch.from_numpy(values)).double()
    if kind == "residual":
        assert y.abs().max().item() == pytest.approx(1, rel=1e-5)
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    else:
        assert y.mean().item() == pytest.approx(0, abs=1e-4)
        assert y.std(correction=0).item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("components", [1, 2, 3, 7, 9])
def test_more_components_than_the_data_have_are_small_and_finite(components):
    values = rank_two()
    found = fit("principal", values, components)
    y = found.apply(torch.from_numpy(values))
    assert y.shape == (40, components)
    np.testing.assert_allclose(y.std(0, correction=0)[:2].numpy(), 1, rtol=1e-3)
    assert y[:, 2:].abs().max() < 1e-3 if components > 2 else y.isfinite().all()
    basis = found.basis.double()
    torch.testing.assert_close(basis @ basis.T, torch.eye(components, dtype=torch.float64), rtol=0, atol=1e-6)
    if components > 1:
        torch.testing.assert_close(found.invert(y), torch.from_numpy(values), rtol=0, atol=1e-3)


def test_the_sign_of_a_component_is_fixed_by_its_largest_weight():
    basis = fit("principal", rank_two(), 2).basis
    assert all(row[row.abs().argmax()] > 0 for row in basis)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 1e6 / 3])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_constant_data_are_refused(kind, value, n):
    with pytest.raises(UserError) as error:
        fit(kind, np.full((n, 3), value, np.float32), 1)
    assert_one_line(error, "samples.h5", "all entries of split 'train' are the same")


def test_more_components_than_entries_or_bins_are_refused():
    for shape in ((3, 9), (9, 3)):
        with pytest.raises(UserError) as error:
            fit("principal", rank_two(*shape), 4)
        assert_one_line(error, "samples.h5", "training.components 4", f"{shape[0]} entries of {shape[1]} values")


def test_the_callers_values_are_not_changed():
    values = rank_two()
    before = values.copy()
    for kind in KINDS:
        found = fit(kind, values)
        Dense(values, CPU, found)
        found.apply(torch.from_numpy(values))
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_normalisation_is_the_same_one(kind):
    found = fit(kind, rank_two())
    again = stored_normalisation(found.tensors() | {"weights": torch.zeros(2)})
    assert again.tensors().keys() == found.tensors().keys()
    for name, value in found.tensors().items():
        assert value.dtype == torch.float32
        assert torch.equal(again.tensors()[name], value)
    assert stored_normalisation({"weights": torch.zeros(2)}) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_fits_it_on_its_own_split_and_keeps_it_with_the_weights(tmp_path, kind):
    first = write_spectra(tmp_path / "a.h5")
    # The same training split, with validation and test splits of other numbers.
    second = write_spectra(tmp_path / "b.h5", sizes={"train": 60, "val": 7, "test": 3})
    settings = {"normalise": kind, "components": 3, "epochs": 1}
    spec = task_experiment("reconstruction", settings)
    stored = []
    for path in (first, second):
        target = tmp_path / path.stem / "model.safetensors"
        write_model(path, target, spec, 1)
        stored.append(load_model(target, CPU)[2].tensors())
    values = read_block(first, "train").entries["counts"]
    expected = fit(kind, values, 3).tensors()
    for tensors in stored:
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert (expected["normalisation/centre"].numel() == 1) == (kind == "standard")
    assert values.shape[1] == BINS
