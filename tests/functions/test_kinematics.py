import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass, pt_eta_phi, wrap_phi
from toy_jets import momenta, ragged

PI = np.pi


@pytest.mark.parametrize(
    ("given_phi", "wrapped"),
    [(0, 0), (1, 1), (-1, -1), (PI, -PI), (-PI, -PI), (1.5 * PI, -0.5 * PI), (-1.5 * PI, 0.5 * PI)],
)
def test_angles_are_wrapped_by_hand(given_phi, wrapped):
    assert wrap_phi(np.array(given_phi)) == pytest.approx(wrapped, abs=1e-15)


@pytest.mark.parametrize("phi", [PI, -PI, np.nextafter(PI, 4), np.nextafter(-PI, -4), np.nextafter(-PI, 0)])
def test_wrapping_never_returns_plus_pi(phi):
    assert -PI <= wrap_phi(np.array(phi)) < PI


@given(st.floats(-100, 100))
def test_wrapping_stays_in_range_and_turns_by_whole_circles(phi):
    wrapped = float(wrap_phi(phi))
    assert -PI <= wrapped < PI
    turns = (phi - wrapped) / (2 * PI)
    assert turns == pytest.approx(round(turns), abs=1e-12)


def test_wrapping_keeps_the_shape_and_the_input():
    phi = np.array([[4.0, -4.0]])
    assert wrap_phi(phi).shape == (1, 2)
    assert phi.tolist() == [[4.0, -4.0]]


@pytest.mark.parametrize(
    ("momentum", "pt", "eta", "phi"),
    [
        ((5, 3, 4, 0), 5, 0, np.arctan2(4, 3)),
        ((1, 0, -1, 0), 1, 0, -PI / 2),
        ((2, -1, 0, np.sqrt(3)), 1, np.arcsinh(np.sqrt(3)), PI),
        ((2, 1, 0, -np.sqrt(3)), 1, -np.arcsinh(np.sqrt(3)), 0),
        ((5, 0, 0, 5), 0, np.inf, 0),
        ((5, 0, 0, -5), 0, -np.inf, 0),
        ((0, 0, 0, 0), 0, 0, 0),
    ],
)
def test_pt_eta_phi_by_hand(momentum, pt, eta, phi):
    np.testing.assert_allclose(pt_eta_phi(np.array(momentum, float)), (pt, eta, phi), rtol=1e-15)


def test_pt_eta_phi_are_float64_of_any_shape():
    for values in pt_eta_phi(np.ones((2, 3, 4), np.float32)):
        assert values.shape == (2, 3)
        assert values.dtype == np.float64
    assert all(len(values) == 0 for values in pt_eta_phi(np.zeros((0, 4))))


@given(pt=st.floats(1e-3, 1e4), eta=st.floats(-6, 6), phi=st.floats(-3.14, 3.14))
def test_pt_eta_phi_invert_their_definition(pt, eta, phi):
    np.testing.assert_allclose(pt_eta_phi(momenta([(pt, eta, phi)])[0]), (pt, eta, phi), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("momentum", "expected"),
    [((5, 3, 0, 0), 4), ((5, 0, 0, 3), 4), ((7, 2, 3, 6), 0), ((1, 0, 0, 1), 0), ((1, 2, 0, 0), 0), ((3, 0, 0, 0), 3)],
)
def test_mass_by_hand(momentum, expected):
    assert mass(np.array(momentum, float)) == pytest.approx(expected)


def test_the_mass_of_two_opposite_photons_is_their_energy():
    constituents, offsets = ragged([[(50.0, 0.0, 0.0), (50.0, 0.0, -PI)]])
    assert mass(jet_momenta(constituents, offsets)) == pytest.approx([100.0])


def test_a_light_particle_at_high_energy_keeps_its_mass():
    px, py, pz = 300.0, 400.0, 4000.0
    energy = np.sqrt(px**2 + py**2 + pz**2 + 0.14**2)
    assert mass(np.array([energy, px, py, pz])) == pytest.approx(0.14, rel=1e-4)


def test_jet_momenta_by_hand():
    constituents = np.array([[5, 3, 0, 4], [2, -1, 1, 0], [1, 0, 1, 0]], np.float32)
    found = jet_momenta(constituents, np.array([0, 2, 2, 3]))
    assert found.tolist() == [[7, 2, 1, 4], [0, 0, 0, 0], [1, 0, 1, 0]]
    assert found.dtype == np.float64


def test_leading_fraction_by_hand():
    jets = [[(30.0, 0.0, 0.0), (10.0, 0.0, 0.0)], [(7.0, 1.0, 2.0)], [], [(1.0, 0, 0), (3.0, 1, 0)]]
    assert leading_fraction(*ragged(jets)) == pytest.approx([0.75, 1.0, 0.0, 0.75])


def test_leading_fraction_uses_the_jet_and_not_the_scalar_sum():
    assert leading_fraction(*ragged([[(3.0, 0.0, 0.0), (4.0, 0.0, PI / 2)]])) == pytest.approx([0.8])


def test_leading_fraction_of_no_jets_is_empty():
    assert leading_fraction(np.zeros((0, 4)), np.array([0])).shape == (0,)


def test_inputs_are_unchanged():
    constituents, offsets = ragged([[(30.0, 0.1, 0.2), (10.0, 0.0, 3.0)], [(7.0, 1.0, 2.0)]])
    before = constituents.copy(), offsets.copy()
    for function in (jet_momenta, leading_fraction):
        function(constituents, offsets)
    pt_eta_phi(constituents)
    mass(constituents)
    np.testing.assert_array_equal(constituents, before[0])
    np.testing.assert_array_equal(offsets, before[1])


def test_a_jet_gives_the_same_numbers_alone_and_among_others():
    rng = np.random.default_rng(3)
    constituents = momenta(rng.uniform([1, -2, -PI], [100, 2, PI], (300, 3)), np.float32)
    together = jet_momenta(constituents, np.arange(0, 301, 30))
    alone = [jet_momenta(constituents[i : i + 30], np.array([0, 30]))[0] for i in range(0, 300, 30)]
    np.testing.assert_array_equal(together, alone)
