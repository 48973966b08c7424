"""Generated decays: kinematics by hand and in general, reconstruction by hand, likeness to the public file."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.columns import HIGGS
from jetpulse.config.problems import Decays
from jetpulse.problems.decays import generate_decays, generate_partons
from jetpulse.problems.kinematics import boost, from_transverse, mass, pt_eta_phi, resonance, two_body
from jetpulse.problems.reconstruction import SCALES, UNITS, W_MASS, Event, columns, neutrino, reconstruct

HIGH = [name for name in HIGGS if name.startswith("m_")]


def test_transverse_quantities_by_hand():
    momentum = from_transverse(np.array([3.0]), np.array([np.pi / 2]), np.zeros(1), np.array([4.0]))
    np.testing.assert_allclose(momentum, [[5.0, 0.0, 3.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(mass(momentum), [4.0])
    np.testing.assert_allclose(np.array(pt_eta_phi(momentum))[:, 0], [3.0, 0.0, np.pi / 2], atol=1e-12)


def test_what_rests_moves_with_its_frame():
    frame = np.array([[5.0, 3.0, 0.0, 0.0]])
    np.testing.assert_allclose(boost(np.array([[2.0, 0.0, 0.0, 0.0]]), frame), [[2.5, 1.5, 0.0, 0.0]])


@given(
    pt=st.floats(0, 500),
    rapidity=st.floats(-3, 3),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
    m=st.floats(10, 500),
)
def test_decays_conserve_momentum_and_have_their_masses(pt, rapidity, share, seed, m):
    rng = np.random.default_rng(seed)
    parent = from_transverse(*(np.full(20, value) for value in (pt, 1.0, rapidity, m)))
    one, two = np.full(20, share * m * 0.9), np.full(20, (1 - share) * m * 0.9)
    products = two_body(parent, one, two, rng)
    np.testing.assert_allclose(sum(products), parent, rtol=1e-9, atol=1e-9 * parent[0, 0])
    for product, expected in zip(products, (one, two), strict=True):
        energy = product[:, 0].max()
        np.testing.assert_allclose(mass(product), expected, atol=1e-5 * energy)


def test_a_decay_at_rest_is_isotropic_with_the_momentum_of_two_bodies():
    parent = np.tile([500.0, 0.0, 0.0, 0.0], (20_000, 1))
    first, second = two_body(parent, np.full(20_000, 300.0), np.full(20_000, 0.0), np.random.default_rng(1))
    momentum = (500**2 - 300**2) / (2 * 500)
    np.testing.assert_allclose(second[:, 0], momentum)
    np.testing.assert_allclose(first[:, 1:], -second[:, 1:])
    np.testing.assert_allclose((second[:, 1:] / momentum).mean(axis=0), 0, atol=0.015)
    np.testing.assert_allclose(((second[:, 1:] / momentum) ** 2).mean(axis=0), 1 / 3, atol=0.01)


def test_a_resonance_has_its_mean_and_its_width():
    masses = resonance(100.0, 2.0, 100_000, np.random.default_rng(1))
    assert (masses.min() > 90) and (masses.max() < 110)
    assert np.mean(np.abs(masses - 100) < 1) == pytest.approx(0.25 * np.pi / np.arctan(10), abs=0.01)  # half maximum


@pytest.mark.parametrize(("signal", "total"), [(True, 425.0), (False, None)])
def test_partons_have_the_masses_of_their_ancestors(signal, total):
    event = generate_partons(signal, 2000, np.random.default_rng(1))
    b, quarks, radiation = event.partons[:, :2], event.partons[:, 2:4], event.partons[:, 4:]
    leptonic, hadronic = event.lepton + event.neutrino, quarks.sum(axis=1)
    everything = leptonic + hadronic + b.sum(axis=1)
    for w in (leptonic, hadronic):
        assert np.median(mass(w)) == pytest.approx(80.4, abs=0.2)
    # Nothing but the radiation balances it.
    np.testing.assert_allclose((everything + radiation.sum(axis=1))[:, 1:3], 0, atol=1e-6)
    if signal:
        np.testing.assert_allclose(mass(b.sum(axis=1)), 125.0, atol=0.1)
        assert np.median(mass(everything)) == pytest.approx(total, abs=1)
        charged = [mass(w + b.sum(axis=1)) for w in (leptonic, hadronic)]
        assert np.median(np.min(np.abs(np.array(charged) - 325), axis=0)) < 3
    else:
        np.testing.assert_allclose(np.median(mass(leptonic + b[:, 0])), 172.5, atol=0.2)
        np.testing.assert_allclose(np.median(mass(hadronic + b[:, 1])), 172.5, atol=0.2)
        assert mass(everything).min() > 2 * 155
    assert all(np.isfinite(values).all() for values in (event.lepton, event.neutrino, event.partons))


@given(seed=st.integers(0, 999))
def test_a_neutrino_makes_a_w_boson_or_has_the_leptons_pseudorapidity(seed):
    rng = np.random.default_rng(seed)
    n = 50
    lepton = from_transverse(rng.uniform(15, 200, n), rng.uniform(-3, 3, n), rng.uniform(-2.5, 2.5, n), np.zeros(n))
    missing = rng.normal(0, 60, (n, 2))
    found = neutrino(lepton, missing)
    np.testing.assert_array_equal(found[:, 1:3], missing)
    np.testing.assert_allclose(mass(found), 0, atol=1e-4 * found[:, 0].max())
    pt, eta, phi = pt_eta_phi(lepton)
    met, eta_missing, phi_missing = pt_eta_phi(found)
    transverse = np.sqrt(2 * pt * met * (1 - np.cos(phi - phi_missing)))
    solved = transverse < W_MASS
    np.testing.assert_allclose(mass(lepton + found)[solved], W_MASS, rtol=1e-4)
    np.testing.assert_allclose(eta_missing[~solved], eta[~solved], atol=1e-9)
    np.testing.assert_allclose(mass(lepton + found)[~solved], transverse[~solved], rtol=1e-6)


def test_the_columns_by_hand():
    lepton = np.array([[50.0, 50.0, 0.0, 0.0]])
    missing = np.array([[-40.0, 0.0]])
    # Two b jets back to back, two light ones with the mass of a W boson, a fifth jet that counts for nothing.
    jets = np.array([[[60.0, 0, 60, 0], [40.2, 0, 0, 40.2], [60, 0, -60, 0], [40.2, 0, 0, -40.2], [1e3, 1e3, 0, 0]]])
    jets[0, [1, 3], 1] = 1e-9  # a direction along the beam has no pseudorapidity
    tags = np.array([[2, 0, 1, 0]])
    row = dict(zip(HIGGS, columns(lepton, missing, jets, tags, np.array([4]))[0] * list(SCALES.values()), strict=True))
    expected = {"lepton_pT": 50, "lepton_eta": 0, "lepton_phi": 0, "missing_energy_magnitude": 40}
    expected |= {"jet_1_pt": 60, "jet_1_phi": np.pi / 2, "jet_1_btag": 2, "jet_2_btag": 0, "jet_3_phi": -np.pi / 2}
    expected |= {"jet_3_btag": 1, "m_jj": 80.4, "m_bb": 120.0, "m_lv": np.sqrt(4 * 50 * 40)}
    expected["m_jjj"] = np.sqrt(140.4**2 - 60**2)
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=1e-6), name


def test_a_jet_more_is_used_where_it_makes_the_better_w_boson():
    lepton, missing = np.array([[50.0, 50.0, 0.0, 0.0]]), np.array([[-40.0, 0.0]])
    jets = np.array([[[60.0, 0, 60, 0], [60, 0, -60, 0], [40.2, 40.2, 0, 0], [100, -100, 0, 0], [40.2, -40.2, 0, 0]]])
    tags, where = np.array([[2, 2, 0, 0]]), HIGGS.index("m_jj")
    with_it, without = (columns(lepton, missing, jets, tags, np.array([n]))[0, where] for n in (5, 4))
    assert with_it * SCALES["m_jj"] == pytest.approx(80.4)
    assert without * SCALES["m_jj"] == pytest.approx(2 * np.sqrt(40.2 * 100))


def test_events_that_nobody_sees_are_left_out():
    rng = np.random.default_rng(1)
    event = generate_partons(True, 500, rng)
    blind = Event(event.lepton * 0.01, event.neutrino, event.partons, event.bottom)
    assert reconstruct(blind, rng).shape == (0, 28)
    assert 200 < len(reconstruct(event, rng)) < 500


def test_the_input_of_the_detector_is_left_alone():
    rng = np.random.default_rng(1)
    event = generate_partons(False, 50, rng)
    before = [values.copy() for values in (event.lepton, event.neutrino, event.partons)]
    reconstruct(event, rng)
    for old, new in zip(before, (event.lepton, event.neutrino, event.partons), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
    return generate_decays(Decays(n=10_000), 0)


def test_columns_are_within_what_the_detector_sees(made):
    features, label = made
    column = dict(zip(HIGGS, (features * list(SCALES.values())).T, strict=True))
    assert np.isfinite(features).all()
    assert label.mean() == 0.5
    for name, values in column.items():
        if name.endswith(("_pt", "_pT")):
            assert values.min() >= 15
        if name.endswith("_phi"):
            assert np.abs(values).max() <= np.pi
        if name.endswith("_eta"):
            assert np.abs(values).max() <= 3
        if name.endswith("_btag"):
            assert set(np.rint(values)) == {0, 1, 2}
    assert list(UNITS) == list(HIGGS)


@pytest.mark.parametrize("n", [1, 2, 4999])
def test_more_events_change_none_of_the_others(made, n):
    for one, other in zip(generate_decays(Decays(n=n), 0), made, strict=True):
        np.testing.assert_array_equal(one, other[:n])


def test_every_block_and_seed_has_its_own_events(made):
    second = generate_decays(Decays(n=10_001), 1)[0]
    other = generate_decays(Decays(n=1, seed=2), 0)[0]
    assert second.shape == other.shape == (1, 28)
    assert not np.isin(second, made[0]).all() and not np.isin(other, made[0]).all()


def test_masses_tell_signal_from_background(made):
    features, label = made
    m_bb = features[:, HIGGS.index("m_bb")] * SCALES["m_bb"]
    near = np.abs(m_bb - 110) < 20
    assert near[label == 1].mean() > 1.8 * near[label == 0].mean()


def test_they_look_like_the_public_file(made, real_data):
    with (real_data / "higgs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    real = np.array([[float(row[name]) for name in HIGGS] for row in rows])
    truth = np.array([float(row["label"]) for row in rows])
    features, label = made
    for value in (0, 1):
        for i, name in enumerate(HIGGS):
            ours, theirs = features[label == value, i], real[truth == value, i]
            if name.endswith("btag"):
                np.testing.assert_allclose(np.unique(np.round(ours, 2)), np.unique(np.round(theirs, 2)), atol=0.02)
                continue
            # Medians and quartiles are apart by less than 0.3 of what lies between the first and the last tenth.
            spread = np.subtract(*np.percentile(theirs, [90, 10]))
            shift = np.percentile(ours, [25, 50, 75]) - np.percentile(theirs, [25, 50, 75])
            assert np.abs(shift).max() < 0.3 * spread, (name, value)
    # The masses that physicists make move the same way from background to signal.
    for name in ("m_bb", "m_wbb", "m_wwbb"):
        i = HIGGS.index(name)
        shifts = [np.median(x[y == 1, i]) - np.median(x[y == 0, i]) for x, y in ((features, label), (real, truth))]
        assert shifts[0] == pytest.approx(shifts[1], abs=0.06), name
