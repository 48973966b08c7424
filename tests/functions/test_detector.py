from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.jets import detector
from jetpulse.jets.detector import simulate_detector
from jetpulse.jets.kinematics import mass, pt_eta_phi, wrap_phi
from jetpulse.samples import counts_to_offsets

PHOTON, ELECTRON, MUON, PION, KAON, NEUTRON, KAON_LONG = 22, 11, 13, 211, 321, 2112, 130
MASSES = {ELECTRON: 0.000511, MUON: 0.1057, PION: 0.1396, KAON: 0.4937, NEUTRON: 0.9396, KAON_LONG: 0.4976}


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
    pdg = rng.choice([PHOTON, ELECTRON, -ELECTRON, MUON, PION, -PION, KAON, NEUTRON, KAON_LONG], total)
    pt, eta, phi = rng.exponential(5, total), rng.uniform(-5.5, 5.5, total), rng.uniform(-np.pi, np.pi, total)
    return offsets, *particles(pdg, pt, eta, phi)


def detect(rng, offsets, pdg, momenta, vertices=None) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and objects of particles made at ``vertices``, or where the beams collide."""
    made = np.zeros((len(pdg), 3)) if vertices is None else vertices
    return simulate_detector(rng, np.asarray(offsets), pdg, momenta, made)


def detect_one_by_one(seed: int, pdg, momenta) -> list[np.ndarray]:
    """Return the objects of events of one particle each."""
    rng = np.random.default_rng(seed)
    offsets, objects = detect(rng, np.arange(len(pdg) + 1), pdg, momenta)
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
    found, objects = detect(np.random.default_rng(1), offsets, np.zeros(0, np.int32), np.zeros((0, 4)))
    assert found.tolist() == offsets.tolist()
    assert objects.shape == (0, 4)


def test_a_muon_is_a_track_or_nothing():
    seen = detect_one_by_one(1, *particles(np.full(3000, MUON), 40.0, 1.0, 0.5))
    counts = np.array([len(objects) for objects in seen])
    assert set(counts.tolist()) == {0, 1}
    assert counts.mean() == pytest.approx(0.99, abs=0.01)
    objects = np.concatenate(seen)
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


@pytest.mark.parametrize("pdg", [PHOTON, NEUTRON, KAON_LONG])
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
    ("pdg", "sigma"), [(PHOTON, np.hypot(0.0017, 0.101 / 10)), (NEUTRON, np.linalg.norm([0.0302, 0.5205 / 10, 0.0159]))]
)
def test_the_resolution_at_100_gev_is_that_of_the_card(pdg, sigma):
    assert response(4, pdg, 100.0, 0.0).std() == pytest.approx(sigma, rel=0.1)


def test_soft_deposits_are_below_threshold():
    assert sum(map(len, detect_one_by_one(5, *particles(np.full(500, PHOTON), 0.2, 0.05, 1.0)))) == 0
    assert sum(map(len, detect_one_by_one(5, *particles(np.full(500, PHOTON), 1.0, 0.05, 1.0)))) > 400


def test_two_photons_in_one_tower_are_one_object():
    pdg, momenta = particles([PHOTON, PHOTON], [40.0, 60.0], [0.02, 0.08], [0.02, 0.15])
    offsets, objects = detect(np.random.default_rng(1), np.array([0, 2]), pdg, momenta)
    assert offsets.tolist() == [0, 1]
    assert objects[0, 0] == pytest.approx(100, rel=0.1)


def test_an_energetic_neutron_behind_a_track_is_seen_beside_it():
    pdg, momenta = particles([PION, NEUTRON], [10.0, 300.0], [0.02, 0.08], [0.05, 0.15])
    seen = [detect(np.random.default_rng(s), np.array([0, 2]), pdg, momenta)[1] for s in range(20)]
    assert {len(objects) for objects in seen} <= {1, 2}
    assert np.mean([objects[:, 0].sum() for objects in seen]) == pytest.approx(310, rel=0.1)


@pytest.mark.parametrize("pdg", [PHOTON, NEUTRON])
@pytest.mark.parametrize(
    ("eta", "low", "high", "width"),
    [
        *[(0.05, 0.0, 0.1, 10), (1.55, 1.5, 1.6, 10), (-1.65, -1.7, -1.6, 10), (2.58, 2.5, 2.6, 10)],
        *[(-2.61, -2.8, -2.6, 20), (3.05, 3.0, 3.2, 20), (3.25, 3.2, 3.3, 10), (-4.75, -4.9, -4.7, 20)],
    ],
)
def test_neutral_objects_lie_within_the_tower_that_was_hit(pdg, eta, low, high, width):
    phi = np.deg2rad(np.arange(-179.5, 180, 1.0))
    for angle, objects in zip(phi, detect_one_by_one(6, *particles(pdg, 200.0, eta, phi)), strict=True):
        _, found_eta, found_phi = pt_eta_phi(objects)
        first = np.floor(np.rad2deg(angle) / width) * width
        assert len(objects) == 1
        assert ((found_eta > low - 1e-9) & (found_eta < high + 1e-9)).all()
        assert ((np.rad2deg(found_phi) >= first - 1e-9) & (np.rad2deg(found_phi) < first + width + 1e-9)).all()


def test_the_two_layers_of_a_tower_report_one_direction():
    pdg, momenta = particles([PHOTON, NEUTRON], 100.0, [0.01, 0.09], [0.02, 0.15])
    _, objects = detect(np.random.default_rng(1), [0, 2], pdg, momenta)
    _, eta, phi = pt_eta_phi(objects)
    assert len(objects) == 2
    np.testing.assert_allclose(eta, eta[0], rtol=1e-9)
    np.testing.assert_allclose(phi, phi[0], rtol=1e-9)


def test_a_hard_track_has_the_energy_that_the_calorimeter_measures():
    # At 400 GeV the tracker's resolution is 52 % (it loses 2.8 % of the tracks below 0), the calorimeter's 4 %.
    objects = np.concatenate(detect_one_by_one(9, *particles(np.full(2000, PION), 400.0, 0.05, 1.0)))
    tracks = objects[np.isclose(pt_eta_phi(objects)[1], 0.05, rtol=1e-9)]
    sigma = np.linalg.norm([0.0302, 0.5205 / 20, 1.59 / 400])
    assert len(tracks) / 2000 == pytest.approx(0.95 * 0.972, abs=0.015)
    low, median, high = np.percentile(tracks[:, 0] / 400, [15.9, 50, 84.1])
    assert median == pytest.approx(1, abs=0.005)
    assert (high - low) / 2 == pytest.approx(sigma, rel=0.06)


def test_a_soft_track_keeps_the_momentum_that_the_tracker_measures():
    # At 10 GeV the tracker's resolution is 6 %, the calorimeter's 23 %.
    objects = np.concatenate(detect_one_by_one(9, *particles(np.full(4000, PION), 10.0, 0.05, 1.0)))
    tracks = objects[np.isclose(pt_eta_phi(objects)[1], 0.05, rtol=1e-9)]
    assert (tracks[:, 0] / 10).mean() == pytest.approx(1, abs=0.005)
    assert (tracks[:, 0] / 10).std() == pytest.approx(np.hypot(0.06, 0.013), rel=0.06)


def test_a_neutron_behind_a_hard_track_adds_to_the_track():
    pdg, momenta = particles([PION, NEUTRON], [400.0, 300.0], [0.02, 0.08], [0.05, 0.15])
    seen = [detect(np.random.default_rng(s), [0, 2], pdg, momenta)[1] for s in range(40)]
    assert {len(objects) for objects in seen} == {1}
    assert np.mean([objects[0, 0] for objects in seen]) == pytest.approx(700, rel=0.03)
    on_axis = sum(bool(np.isclose(pt_eta_phi(objects)[1], 0.02, rtol=1e-9).all()) for objects in seen)
    assert 33 <= on_axis < 40  # the others have no track


def test_a_photon_made_beside_the_beams_hits_the_tower_straight_ahead():
    # Along x at y = 500 mm: the barrel, 1150 mm from the beams, is met at phi = arcsin(500 / 1150) = 25.8 degrees.
    pdg, momenta = particles(PHOTON, np.full(50, 100.0), 0.0, 0.0)
    made = np.tile([0.0, 500.0, 20.0], (50, 1))
    _, objects = detect(np.random.default_rng(1), np.arange(51), pdg, momenta, made)
    _, eta, phi = pt_eta_phi(objects)
    assert len(objects) == 50
    assert ((np.rad2deg(phi) >= 20) & (np.rad2deg(phi) < 30)).all()
    assert ((eta >= 0) & (eta < 0.1)).all()


@pytest.mark.parametrize("made", [[1151.0, 0, 0], [-900.0, 900.0, 10], [0, 0, 3511.0], [1.0, 0, -3600.0]])
@pytest.mark.parametrize("pdg", [PHOTON, PION])
def test_what_is_made_beyond_the_calorimeters_face_is_not_seen(pdg, made):
    ids, momenta = particles(pdg, np.full(20, 100.0), 0.0, 0.0)
    _, objects = detect(np.random.default_rng(1), np.arange(21), ids, momenta, np.tile(made, (20, 1)))
    assert len(objects) == 0


def momentum_of(pt, eta, phi) -> np.ndarray:
    return particles(PION, pt, eta, phi)[1].reshape(4)


@pytest.mark.parametrize("charge", [1, -1])
def test_one_gev_bends_by_twenty_degrees_on_its_way_to_the_barrel(charge):
    # A helix of 1667.8 mm: sin(bend) = 1150 / (2 * 1667.8).
    eta, phi, arrives = detector._arrival(charge, momentum_of(1.0, 0.5, 1.0), np.zeros(3))
    bend = np.arcsin(1150 / 3335.641)
    assert arrives
    assert np.rad2deg(bend) == pytest.approx(20.17, abs=0.01)
    assert phi == pytest.approx(1.0 - charge * bend, rel=1e-6)
    assert np.sinh(eta) == pytest.approx(np.sinh(0.5) * 3335.641 * bend / 1150, rel=1e-6)


@pytest.mark.parametrize("charge", [1, -1])
def test_a_soft_particle_curls_up_and_reaches_the_end(charge):
    # Half a GeV of pz on a helix of 166.8 mm: after 3510 mm along the beams it has turned by 3510 * 0.1 / 0.5 / 166.8.
    momentum = np.array([1.0, 0.1, 0.0, 0.5])
    eta, phi, arrives = detector._arrival(charge, momentum, np.zeros(3))
    turn = 3510 * 0.1 / 0.5 / 166.782
    assert arrives
    assert phi == pytest.approx(wrap_phi(-charge * turn / 2 + np.pi * (np.sin(turn / 2) < 0)), rel=1e-4)
    assert np.sinh(eta) == pytest.approx(3510 / (2 * 166.782 * abs(np.sin(turn / 2))), rel=1e-4)


def test_a_soft_particle_at_right_angles_never_arrives():
    assert not detector._arrival(1, np.array([1.0, 0.1, 0.0, 0.0]), np.zeros(3))[2]


@given(
    seed=st.integers(0, 2**32 - 1),
    charge=st.sampled_from([-1, 0, 1]),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    spread=st.sampled_from([0.0, 1.0, 300.0]),
)
def test_arrivals_turn_with_the_particle_and_mirror_its_charge(seed, charge, scale, spread):
    rng = np.random.default_rng(seed)
    (px, py, pz), (x, y, z) = rng.normal(0, scale, 3), rng.normal(0, spread, 3)
    energy = 1.0 + np.linalg.norm([px, py, pz])
    eta, phi, arrives = detector._arrival(charge, np.array([energy, px, py, pz]), np.array([x, y, z]))
    turned = detector._arrival(charge, np.array([energy, -py, px, pz]), np.array([-y, x, z]))
    mirrored = detector._arrival(-charge, np.array([energy, px, -py, -pz]), np.array([x, -y, -z]))
    assert turned[2] == mirrored[2] == arrives
    assert (turned[0], -mirrored[0]) == pytest.approx((eta, eta), rel=1e-6, abs=1e-6)
    assert wrap_phi(turned[1] - phi - np.pi / 2 * arrives) == pytest.approx(0, abs=1e-6)
    assert wrap_phi(mirrored[1] + phi) == pytest.approx(0, abs=1e-6)


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
    offsets, objects = detect(np.random.default_rng(seed), *events(seed, n))
    assert len(offsets) == n + 1
    assert offsets[0] == 0
    assert offsets[-1] == len(objects)
    assert (np.diff(offsets) >= 0).all()
    assert np.isfinite(objects).all()
    assert (objects[:, 0] > 0).all()
    assert (np.abs(pt_eta_phi(objects)[1]) <= 4.9 + 1e-9).all()
    momentum = np.linalg.norm(objects[:, 1:], axis=1)
    np.testing.assert_allclose(momentum, objects[:, 0], rtol=1e-9)  # no object has a mass


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 10))
def test_objects_do_not_depend_on_how_events_are_batched(seed, cut):
    offsets, pdg, momenta = events(seed, 10)
    whole_offsets, whole = detect(np.random.default_rng(seed), offsets, pdg, momenta)
    rng = np.random.default_rng(seed)
    pieces = []
    for a, b in ((0, cut), (cut, 10)):
        rows = slice(offsets[a], offsets[b])
        pieces.append(detect(rng, offsets[a : b + 1] - offsets[a], pdg[rows], momenta[rows]))
    np.testing.assert_array_equal(np.concatenate([objects for _, objects in pieces]), whole)
    assert [*np.diff(pieces[0][0]), *np.diff(pieces[1][0])] == np.diff(whole_offsets).tolist()


def test_events_one_by_one_give_the_same_as_all_at_once():
    offsets, pdg, momenta = events(11, 20)
    _, whole = detect(np.random.default_rng(8), offsets, pdg, momenta)
    rng = np.random.default_rng(8)
    alone = [detect(rng, np.array([0, b - a]), pdg[a:b], momenta[a:b])[1] for a, b in pairwise(offsets)]
    np.testing.assert_array_equal(np.concatenate(alone), whole)


def test_the_particles_are_unchanged():
    offsets, pdg, momenta = events(12, 5)
    before = offsets.copy(), pdg.copy(), momenta.copy()
    detect(np.random.default_rng(1), offsets, pdg, momenta)
    for array, kept in zip((offsets, pdg, momenta), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_particles_along_the_beam_or_too_far_forward_are_not_seen():
    momenta = np.array([[50.0, 0, 0, 50.0], *particles(PHOTON, [2.0, 2.0], [4.95, -5.5], 1.0)[1]])
    _, objects = detect(np.random.default_rng(1), np.array([0, 3]), np.full(3, PHOTON, np.int32), momenta)
    assert len(objects) == 0
