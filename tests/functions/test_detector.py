from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.jets.detector import simulate_detector
from jetpulse.jets.kinematics import mass, pt_eta_phi, wrap_phi
from jetpulse.samples import counts_to_offsets

PHOTON, ELECTRON, MUON, PION, KAON, NEUTRON, LAMBDA = 22, 11, 13, 211, 321, 2112, 3122
MASSES = {ELECTRON: 0.000511, MUON: 0.1057, PION: 0.1396, KAON: 0.4937, NEUTRON: 0.9396, LAMBDA: 1.1157}


def particles(pdg, pt, eta, phi) -> tuple[np.ndarray, np.ndarray]:
    """Return ids (n,) and momenta (n, 4) of particles with their true masses."""
    pdg, pt, eta, phi = np.broadcast_arrays(np.array(pdg, np.int32), pt, eta, phi)
    m = np.array([MASSES.get(abs(int(i)), 0.0) for i in pdg.ravel()]).reshape(pdg.shape)
    momentum = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + m**2)
    return np.array(pdg), np.stack([energy, *momentum], axis=-1)


def events(seed: int, n: int, most: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, ids and momenta of n random events."""
    rng = np.random.default_rng(seed)
    offsets = counts_to_offsets(rng.integers(0, most, n))
    total = int(offsets[-1])
    pdg = rng.choice([PHOTON, ELECTRON, -ELECTRON, MUON, PION, -PION, KAON, NEUTRON, LAMBDA], total)
    pt, eta, phi = rng.exponential(5, total), rng.uniform(-5.5, 5.5, total), rng.uniform(-np.pi, np.pi, total)
    return offsets, *particles(pdg, pt, eta, phi)


def detect_one_by_one(seed: int, pdg, momenta) -> list[np.ndarray]:
    """Return the objects of events of one particle each."""
    rng = np.random.default_rng(seed)
    offsets, objects = simulate_detector(rng, np.arange(len(pdg) + 1), pdg, momenta)
    return np.split(objects, offsets[1:-1])


def response(seed: int, pdg: int, pt: float, eta: float, n: int = 4000) -> np.ndarray:
    """Return the summed energy over the true energy of n particles, each alone in its event."""
    phi = np.random.default_rng(seed).uniform(-np.pi, np.pi, n)
    ids, momenta = particles(pdg, pt, eta, phi)
    seen = detect_one_by_one(seed, ids, momenta)
    return np.array([objects[:, 0].sum() for objects in seen]) / momenta[:, 0]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_events_without_particles_have_no_objects(n):
    offsets = np.zeros(n + 1, np.int64)
    found, objects = simulate_detector(np.random.default_rng(1), offsets, np.zeros(0, np.int32), np.zeros((0, 4)))
    assert found.tolist() == offsets.tolist()
    assert objects.shape == (0, 4)


def test_a_muon_is_a_track_or_nothing():
    seen = detect_one_by_one(1, *particles(np.full(3000, MUON), 40.0, 1.0, 0.5))
    counts = np.array([len(objects) for objects in seen])
    assert set(counts.tolist()) == {0, 1}
    assert counts.mean() == pytest.approx(0.99, abs=0.01)
    objects = np.concatenate(seen)
    np.testing.assert_allclose(mass(objects), MASSES[MUON], rtol=1e-3)
    _, eta, phi = pt_eta_phi(objects)
    np.testing.assert_allclose(eta, 1.0, rtol=1e-9)
    np.testing.assert_allclose(phi, 0.5, rtol=1e-9)


def test_a_muon_leaves_nothing_beyond_the_tracker():
    assert sum(map(len, detect_one_by_one(1, *particles(np.full(300, MUON), 40.0, 2.6, 0.5)))) == 0


@pytest.mark.parametrize(("eta", "tracked"), [(2.45, True), (2.55, False), (-2.45, True), (-2.55, False)])
def test_tracks_end_at_eta_two_and_a_half(eta, tracked):
    objects = np.concatenate(detect_one_by_one(1, *particles(np.full(300, PION), 50.0, eta, 1.0)))
    on_axis = np.isclose(pt_eta_phi(objects)[1], eta, rtol=1e-9)
    assert on_axis.any() == tracked


@pytest.mark.parametrize("pdg", [PHOTON, NEUTRON, LAMBDA])
def test_neutral_particles_leave_no_track(pdg):
    objects = np.concatenate(detect_one_by_one(1, *particles(np.full(300, pdg), 50.0, 0.03, 1.0)))
    assert len(objects) > 250
    np.testing.assert_allclose(mass(objects), 0, atol=1e-5)
    assert not np.isclose(pt_eta_phi(objects)[1], 0.03, rtol=1e-9).any()


@pytest.mark.parametrize(
    ("pdg", "pt", "eta", "efficiency"),
    [
        (PION, 10, 0.5, 0.95),
        (PION, 0.5, 0.5, 0.70),
        (PION, 10, 2.0, 0.85),
        (PION, 0.5, 2.0, 0.60),
        (PION, 0.09, 0.5, 0),
    ],
)
def test_track_efficiency_of_the_card(pdg, pt, eta, efficiency):
    n = 4000
    seen = detect_one_by_one(2, *particles(np.full(n, pdg), pt, eta, 1.0))
    tracks = sum(int(np.isclose(pt_eta_phi(objects)[1], eta, rtol=1e-9).sum()) for objects in seen)
    assert tracks / n == pytest.approx(efficiency, abs=0.025)


@pytest.mark.parametrize(("pdg", "tolerance"), [(PHOTON, 0.01), (ELECTRON, 0.02), (PION, 0.02), (NEUTRON, 0.02)])
@pytest.mark.parametrize("eta", [0.0, 1.23])
def test_the_mean_response_to_100_gev_is_right(pdg, tolerance, eta):
    assert response(3, pdg, 100 / np.cosh(eta), eta).mean() == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize(
    ("pdg", "sigma"), [(PHOTON, np.hypot(0.0017, 0.101 / 10)), (NEUTRON, np.hypot(0.0302, 0.5205 / 10))]
)
def test_the_resolution_at_100_gev_is_that_of_the_card(pdg, sigma):
    assert response(4, pdg, 100.0, 0.0).std() == pytest.approx(sigma, rel=0.1)


def test_soft_deposits_are_below_threshold():
    assert sum(map(len, detect_one_by_one(5, *particles(np.full(500, PHOTON), 0.2, 0.05, 1.0)))) == 0
    assert sum(map(len, detect_one_by_one(5, *particles(np.full(500, PHOTON), 1.0, 0.05, 1.0)))) > 400


def test_two_photons_in_one_tower_are_one_object():
    pdg, momenta = particles([PHOTON, PHOTON], [40.0, 60.0], [0.02, 0.08], [0.02, 0.15])
    offsets, objects = simulate_detector(np.random.default_rng(1), np.array([0, 2]), pdg, momenta)
    assert offsets.tolist() == [0, 1]
    assert objects[0, 0] == pytest.approx(100, rel=0.1)


def test_an_energetic_neutron_behind_a_track_is_seen_beside_it():
    pdg, momenta = particles([PION, NEUTRON], [10.0, 300.0], [0.02, 0.08], [0.05, 0.15])
    seen = [simulate_detector(np.random.default_rng(s), np.array([0, 2]), pdg, momenta)[1] for s in range(20)]
    assert {len(objects) for objects in seen} <= {1, 2}
    assert np.mean([objects[:, 0].sum() for objects in seen]) == pytest.approx(310, rel=0.1)


@pytest.mark.parametrize("pdg", [PHOTON, NEUTRON])
@pytest.mark.parametrize(("eta", "width"), [(0.05, 10), (1.55, 10), (1.65, 20), (3.05, 20), (-1.65, 20)])
def test_neutral_objects_lie_within_the_tower_that_was_hit(pdg, eta, width):
    phi = np.deg2rad(np.arange(-179.5, 180, 1.0))
    for angle, objects in zip(phi, detect_one_by_one(6, *particles(pdg, 200.0, eta, phi)), strict=True):
        _, found_eta, found_phi = pt_eta_phi(objects)
        low = np.floor(np.rad2deg(angle) / width) * width
        assert (np.abs(found_eta - eta) < 0.05 + 1e-9).all()
        assert ((np.rad2deg(found_phi) >= low - 1e-9) & (np.rad2deg(found_phi) < low + width + 1e-9)).all()


@pytest.mark.parametrize("charge", [1, -1])
@pytest.mark.parametrize("steps", [1, 6, 9, 17])
def test_turning_an_event_by_whole_towers_turns_its_objects(charge, steps):
    turn = np.deg2rad(20) * steps
    phi = np.deg2rad(np.arange(-178.5, 180, 3.0))
    here, there = (
        detect_one_by_one(7, *particles(charge * PION, 2.0, 3.05, wrap_phi(phi + angle))) for angle in (0.0, turn)
    )
    assert sum(map(len, here)) > 60
    for left, right in zip(here, there, strict=True):
        np.testing.assert_allclose(left[:, [0, 3]], right[:, [0, 3]], rtol=1e-9)
        difference = wrap_phi(pt_eta_phi(right)[2] - pt_eta_phi(left)[2] - turn)
        np.testing.assert_allclose(difference, 0, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 6))
def test_objects_are_physical_and_within_acceptance(seed, n):
    offsets, objects = simulate_detector(np.random.default_rng(seed), *events(seed, n))
    assert len(offsets) == n + 1
    assert offsets[0] == 0
    assert offsets[-1] == len(objects)
    assert (np.diff(offsets) >= 0).all()
    assert np.isfinite(objects).all()
    assert (objects[:, 0] > 0).all()
    assert (np.abs(pt_eta_phi(objects)[1]) <= 4.9 + 1e-9).all()
    momentum = np.linalg.norm(objects[:, 1:], axis=1)
    assert (objects[:, 0] >= momentum * (1 - 1e-12)).all()


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 10))
def test_objects_do_not_depend_on_how_events_are_batched(seed, cut):
    offsets, pdg, momenta = events(seed, 10)
    whole_offsets, whole = simulate_detector(np.random.default_rng(seed), offsets, pdg, momenta)
    rng = np.random.default_rng(seed)
    pieces = []
    for a, b in ((0, cut), (cut, 10)):
        rows = slice(offsets[a], offsets[b])
        pieces.append(simulate_detector(rng, offsets[a : b + 1] - offsets[a], pdg[rows], momenta[rows]))
    np.testing.assert_array_equal(np.concatenate([objects for _, objects in pieces]), whole)
    assert [*np.diff(pieces[0][0]), *np.diff(pieces[1][0])] == np.diff(whole_offsets).tolist()


def test_events_one_by_one_give_the_same_as_all_at_once():
    offsets, pdg, momenta = events(11, 20)
    _, whole = simulate_detector(np.random.default_rng(8), offsets, pdg, momenta)
    rng = np.random.default_rng(8)
    alone = [simulate_detector(rng, np.array([0, b - a]), pdg[a:b], momenta[a:b])[1] for a, b in pairwise(offsets)]
    np.testing.assert_array_equal(np.concatenate(alone), whole)


def test_the_particles_are_unchanged():
    offsets, pdg, momenta = events(12, 5)
    before = offsets.copy(), pdg.copy(), momenta.copy()
    simulate_detector(np.random.default_rng(1), offsets, pdg, momenta)
    for array, kept in zip((offsets, pdg, momenta), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_particles_along_the_beam_or_too_far_forward_are_not_seen():
    momenta = np.array([[50.0, 0, 0, 50.0], *particles(PHOTON, [2.0, 2.0], [4.95, -5.5], 1.0)[1]])
    _, objects = simulate_detector(np.random.default_rng(1), np.array([0, 3]), np.full(3, PHOTON, np.int32), momenta)
    assert len(objects) == 0
