from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from jetpulse.config import Simulation
from jetpulse.errors import UserError
from jetpulse.jets import simulation
from jetpulse.jets.checks import check_jets
from jetpulse.jets.kinematics import jet_momenta, leading_fraction, mass, pt_eta_phi
from jetpulse.jets.simulation import simulate_block
from jetpulse.samples import Block, counts_to_offsets
from toy_jets import assert_one_line

SPEC = Simulation(jets_per_class=100)
COUNT = 30
processes = pytest.mark.parametrize("process", ["qcd", "top"])


@pytest.fixture(scope="module")
def made() -> dict[str, Block]:
    return {process: simulate_block(SPEC, process, 0, COUNT) for process in ("qcd", "top")}


def as_bytes(block: Block) -> dict[str, bytes]:
    arrays = {**block.entries, **block.flat, "offsets": block.offsets}
    return {name: array.tobytes() for name, array in arrays.items()}


@processes
def test_a_block_has_exactly_the_jets_asked_for(made, process):
    assert len(made[process]) == COUNT
    assert len(made[process].offsets) == COUNT + 1
    assert made[process].offsets[-1] == len(made[process].flat["constituents"])


@processes
def test_every_jet_is_inside_the_selection_window(made, process):
    pt, eta, _ = pt_eta_phi(made[process].entries["jet"])
    assert ((pt > 550 - 1e-3) & (pt < 650 + 1e-3)).all()
    assert (np.abs(eta) < 2).all()


@processes
def test_constituents_are_sorted_by_pt_and_limited_in_number(made, process):
    block = made[process]
    pt, _, _ = pt_eta_phi(block.flat["constituents"])
    for start, stop in pairwise(block.offsets):
        assert 1 <= stop - start <= SPEC.max_constituents
        assert (np.diff(pt[start:stop]) <= 0).all()


@processes
def test_constituents_add_up_to_their_jet(made, process):
    block = made[process]
    assert np.diff(block.offsets).max() < SPEC.max_constituents
    np.testing.assert_allclose(
        jet_momenta(block.flat["constituents"], block.offsets), block.entries["jet"], rtol=1e-4, atol=1e-2
    )


@processes
def test_the_files_types_labels_and_event_ids(made, process):
    block = made[process]
    label = {"qcd": 0, "top": 1}[process]
    assert (block.entries["label"] == label).all()
    assert (block.entries["label"].dtype, block.entries["event"].dtype) == (np.int8, np.int64)
    assert block.flat["constituents"].dtype == np.float32
    assert (np.diff(block.entries["event"]) >= 0).all()
    assert (block.entries["event"] >> 56 == label).all()
    check_jets(block, "simulated")


def test_tops_are_heavier_and_have_more_constituents_than_qcd(made):
    masses = {name: np.median(mass(jet_momenta(b.flat["constituents"], b.offsets))) for name, b in made.items()}
    assert 150 < masses["top"] < 200
    assert masses["qcd"] < 130
    assert np.diff(made["top"].offsets).mean() > np.diff(made["qcd"].offsets).mean()


@processes
def test_the_same_block_has_the_same_bytes_and_a_smaller_one_is_its_beginning(made, process):
    block = made[process]
    again = simulate_block(SPEC, process, 0, COUNT // 3)
    assert as_bytes(again) == as_bytes(block.take(np.arange(COUNT // 3)))


def test_the_batch_size_does_not_change_any_event(made, monkeypatch):
    monkeypatch.setattr(simulation, "_BATCH", 37)
    assert as_bytes(simulate_block(SPEC, "qcd", 0, COUNT)) == as_bytes(made["qcd"])


@pytest.mark.parametrize(("spec", "block"), [(SPEC, 1), (Simulation(jets_per_class=100, seed=2), 0)])
def test_another_block_or_seed_has_other_jets(made, spec, block):
    other = simulate_block(spec, "qcd", block, 5)
    assert not np.isin(other.entries["jet"][:, 0], made["qcd"].entries["jet"][:, 0]).any()
    assert ((other.entries["event"] >> 32) & 0xFFFFFF == block).all()


@processes
def test_without_a_detector_there_are_more_constituents(made, process):
    spec = Simulation(jets_per_class=100, detector="none")
    particles = simulate_block(spec, process, 0, 15)
    pt, _, _ = pt_eta_phi(particles.entries["jet"])
    assert ((pt > 550) & (pt < 650)).all()
    assert np.diff(particles.offsets).mean() > 1.15 * np.diff(made[process].offsets).mean()


def test_particles_are_made_where_pythia_makes_them():
    batch = simulation.configure_pythia(SPEC, "qcd", 0).nextBatch(5).prt
    alone, final, expected = simulation.configure_pythia(SPEC, "qcd", 0), [], []
    for _ in range(5):
        alone.next()
        final += [particle.isFinal() for particle in alone.event]
        expected += [[particle.xProd(), particle.yProd(), particle.zProd()] for particle in alone.event]
    rows = np.flatnonzero(final)
    found = simulation._vertices(batch, simulation._momenta(batch), rows)
    assert (np.abs(found).max(axis=1) > 10).sum() > 20  # mm: decays of strange particles
    np.testing.assert_allclose(found, np.array(expected)[rows], rtol=1e-9, atol=1e-6)


def test_only_the_hardest_constituents_are_kept(made):
    spec = Simulation(jets_per_class=100, max_constituents=10)
    block, full = simulate_block(spec, "top", 0, 5), made["top"]
    assert np.diff(block.offsets).tolist() == [10] * 5
    expected = [full.flat["constituents"][start : start + 10] for start in full.offsets[:5]]
    np.testing.assert_array_equal(block.flat["constituents"], np.concatenate(expected))


def test_another_window_is_respected():
    spec = Simulation(jets_per_class=100, pt=[300.0, 320.0], pt_hat=[250.0, 400.0], eta_max=1.0)
    pt, eta, _ = pt_eta_phi(simulate_block(spec, "qcd", 0, 10).entries["jet"])
    assert ((pt > 300 - 1e-3) & (pt < 320 + 1e-3) & (np.abs(eta) < 1)).all()


def test_progress_adds_up_to_the_count():
    steps: list[int] = []
    simulate_block(SPEC, "qcd", 2, 7, steps.append)
    assert sum(steps) == 7


def test_a_window_without_jets_is_a_one_line_error(monkeypatch):
    monkeypatch.setattr(simulation, "_BATCH", 5)
    spec = Simulation(jets_per_class=1, pt=[550.0, 550.0001], eta_max=0.001)
    with pytest.raises(UserError) as error:
        simulate_block(spec, "qcd", 0, 1)
    assert_one_line(error, "'qcd'", "no jet in 100 events", "550", "choose pt_hat")


def test_settings_that_pythia_refuses_are_a_one_line_error():
    spec = Simulation(jets_per_class=1, energy=1000.0, pt=[600.0, 700.0], pt_hat=[590.0, 800.0])
    with pytest.raises(UserError) as error:
        simulate_block(spec, "qcd", 0, 1)
    assert_one_line(error, "Pythia refuses", "'qcd'")


@pytest.mark.parametrize(
    "settings",
    [
        *({"shower": shower} for shower in get_args(Simulation.model_fields["shower"].annotation)),
        {"multiple_interactions": True},
        {"energy": 13_000, "radius": 1.0, "pt": [300, 400], "pt_hat": [250, 500]},
    ],
    ids=str,
)
def test_every_kind_of_simulation_gives_jets_inside_its_window(settings):
    spec = Simulation.model_validate({"jets_per_class": 5, **settings})
    for process in ("qcd", "top"):
        block = simulate_block(spec, process, 0, 5)
        pt, _, _ = pt_eta_phi(block.entries["jet"])
        assert len(block) == 5
        assert ((pt > spec.pt[0] - 1e-3) & (pt < spec.pt[1] + 1e-3)).all()


def describe(constituents: np.ndarray, offsets: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return the value and the statistical error of what the simulation is measured by."""
    counts, fraction = np.diff(offsets), leading_fraction(constituents, offsets)
    masses = mass(jet_momenta(constituents, offsets))
    root = np.sqrt(len(counts))
    # The median's error is that of the central order statistics: half a standard deviation of ranks on either side.
    low, median, high = np.quantile(masses, [0.5 - 0.5 / root, 0.5, 0.5 + 0.5 / root])
    return {
        "mean constituent count": (counts.mean(), counts.std() / root),
        "median mass": (median, (high - low) / 2),
        "mean leading fraction": (fraction.mean(), fraction.std() / root),
    }


@pytest.fixture(scope="module")
def real_jets(real_data) -> dict[str, dict[str, tuple[float, float]]]:
    with np.load(Path(real_data) / "top_landscape_test_first1000.npz") as data:
        constituents, counts, label = data["constituents"], data["counts"].astype(np.int64), data["label"]
    return {
        process: describe(constituents[np.repeat(label == value, counts)], counts_to_offsets(counts[label == value]))
        for process, value in simulation.LABELS.items()
    }


@pytest.fixture(scope="module")
def like_real_jets(real_data) -> dict[str, dict[str, tuple[float, float]]]:
    spec, count = Simulation(jets_per_class=400, multiple_interactions=True), 400
    blocks = {process: simulate_block(spec, process, 0, count) for process in simulation.LABELS}
    return {process: describe(block.flat["constituents"], block.offsets) for process, block in blocks.items()}


@processes
@pytest.mark.parametrize(
    ("quantity", "limit"),
    [("mean constituent count", 0.05), ("median mass", 0.05), ("mean leading fraction", 0.07)],
)
def test_simulated_jets_are_like_the_real_ones(like_real_jets, real_jets, process, quantity, limit):
    (found, error), (expected, real_error) = like_real_jets[process][quantity], real_jets[process][quantity]
    assert abs(found - expected) < limit * expected + np.hypot(error, real_error)
