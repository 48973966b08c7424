"""Simulated top and QCD jets: Pythia8, a parametrised detector, FastJet, the public sample's selection.

The selection is that of the Top Quark Tagging Reference Dataset (Kasieczka et al., doi:10.21468/SciPostPhys.7.1.014):
anti-kT jets in a pT and |eta| window; a top jet has a top quark and its three decay quarks within the radius.
"""

from collections.abc import Callable

import awkward as ak
import numpy as np
import pythia8mc

from jetpulse import seeds
from jetpulse.config import Simulation
from jetpulse.errors import UserError
from jetpulse.jets.clustering import Record, cluster, match_tops
from jetpulse.jets.detector import ETA_MAX, simulate_detector
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.samples import Block, counts_to_offsets

LABELS = {"qcd": 0, "top": 1}
_PROCESSES = {
    "qcd": ["HardQCD:all = on"],
    # Both W bosons decay to quarks.
    "top": ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"],
}
_SHOWERS = {"simple": 1, "vincia": 2}
_NEUTRINOS = (12, 14, 16)
_DECAY_PRODUCTS = (91, 94)  # first and last of their status codes
_BATCH = 500


def configure_pythia(spec: Simulation, process: str, block: int) -> pythia8mc.Pythia:
    """Return Pythia, initialised for one block of one process (``qcd`` or ``top``).

    Raises:
        UserError: Pythia refuses the settings.
    """
    pythia = pythia8mc.Pythia("", False)
    # Pythia takes seeds up to 900,000,000.
    seed = 1 + seeds.integer_seed(spec.seed, f"pythia/{process}", block) % 900_000_000
    for line in [
        "Print:quiet = on",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        f"Beams:eCM = {spec.energy}",
        f"PhaseSpace:pTHatMin = {spec.pt_hat[0]}",
        f"PhaseSpace:pTHatMax = {spec.pt_hat[1]}",
        f"PartonLevel:MPI = {'on' if spec.multiple_interactions else 'off'}",
        f"PartonShowers:model = {_SHOWERS[spec.shower]}",
        *_PROCESSES[process],
    ]:
        pythia.readString(line)
    if not pythia.init():
        raise UserError(f"Pythia refuses the settings of process {process!r}: {spec.model_dump_json()}")
    return pythia


def simulate_block(
    spec: Simulation, process: str, block: int, count: int, progress: Callable[[int], None] = lambda n: None
) -> Block:
    """Return exactly ``count`` jets of one process.

    Entries: ``event`` int64 (unique within a dataset; jets of one event share it), ``label`` int8, ``jet`` float32
    (n, 4) the clustered jet, offsets, and ``constituents`` float32 (total, 4): E, px, py, pz in GeV, hardest first.
    The result depends on ``spec``, ``process`` and ``block`` only; a smaller ``count`` is the beginning of a larger.

    Args:
        spec: settings.
        process: ``qcd`` or ``top``.
        block: index of the block, part of the seeds.
        count: how many jets.
        progress: called with the number of jets made since the last call.

    Raises:
        UserError: the settings give no jets.
    """
    pythia = configure_pythia(spec, process, block)
    rng = seeds.generator(spec.seed, f"detector/{process}", block)
    parts: list[Block] = []
    made, events = 0, 0
    while made < count:
        # Ask for about as many events as are needed, a guess at first; the batch size does not change any event.
        wanted = 10 * count if made == 0 else int(1.1 * (count - made) * events / made)
        batch = min(_BATCH, wanted + 10)
        record = pythia.nextBatch(batch).prt
        clustered = cluster(*_observe(spec, rng, record), spec.radius, spec.pt[0])
        jets = _select(spec, process, *clustered, record)
        first = (LABELS[process] << 56) | (block << 32) | events
        jets.entries["event"] += first
        events += batch
        keep = min(len(jets), count - made)
        parts.append(jets.take(np.arange(keep)))
        made += keep
        progress(keep)
        if made == 0 and events >= 20 * _BATCH:
            raise UserError(
                f"simulation of process {process!r}: no jet in {events} events passes pt {spec.pt}, "
                f"|eta| < {spec.eta_max}; "
                f"choose pt_hat {spec.pt_hat} around the jet window"
            )
    return _concatenate(parts)


def _concatenate(parts: list[Block]) -> Block:
    entries = {name: np.concatenate([part.entries[name] for part in parts]) for name in parts[0].entries}
    flat = {name: np.concatenate([part.flat[name] for part in parts]) for name in parts[0].flat}
    return Block(entries, counts_to_offsets(np.concatenate([np.diff(part.offsets) for part in parts])), flat)


def _flat(array: ak.Array) -> np.ndarray:
    return ak.to_numpy(ak.flatten(array))


def _momenta(particles: ak.Array) -> np.ndarray:
    return np.stack([_flat(particles.p[name]) for name in ("e", "px", "py", "pz")], axis=1)


def _vertices(record: ak.Array, momenta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return where the particles in ``rows`` were made, x, y, z in mm: the sum of their ancestors' flights.

    The record's own vertices are not asked: nextBatch gives them to the neighbours (seen with pythia8mc 8.317).
    """
    tau, m, mother, status = _flat(record.tau), _flat(record.m), _mothers(record), np.abs(_flat(record.status))
    is_product = (status >= _DECAY_PRODUCTS[0]) & (status <= _DECAY_PRODUCTS[1])
    vertices = np.zeros((len(rows), 3))
    places = np.flatnonzero(is_product[rows])
    ancestors = mother[rows[places]]
    while len(places):
        proper = tau[ancestors] / np.maximum(m[ancestors], 1e-9)  # mm per GeV; massless ones do not fly
        vertices[places] += proper[:, None] * momenta[ancestors, 1:]
        further = is_product[ancestors]
        places, ancestors = places[further], mother[ancestors[further]]
    return vertices


def _observe(spec: Simulation, rng: np.random.Generator, record: ak.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and momenta (total, 4) of what is clustered: detector objects or visible particles."""
    offsets = counts_to_offsets(ak.to_numpy(ak.num(record.id)))
    pdg, momenta = _flat(record.id), _momenta(record)
    visible = (_flat(record.status) > 0) & ~np.isin(np.abs(pdg), _NEUTRINOS)
    _, eta, _ = pt_eta_phi(momenta)
    visible &= np.abs(eta) < ETA_MAX
    inside = np.concatenate([[0], np.cumsum(visible)])[offsets].astype(np.int64)
    if spec.detector == "none":
        return inside, momenta[visible]
    vertices = _vertices(record, momenta, np.flatnonzero(visible))
    return simulate_detector(rng, inside, pdg[visible], momenta[visible], vertices)


def _select(
    spec: Simulation,
    process: str,
    event: np.ndarray,
    jet: np.ndarray,
    offsets: np.ndarray,
    constituents: np.ndarray,
    record: ak.Array,
) -> Block:
    """Apply the jet window and, for tops, the matching; sort constituents by pT and keep the hardest."""
    pt, eta, phi = pt_eta_phi(jet)
    chosen = (pt > spec.pt[0]) & (pt < spec.pt[1]) & (np.abs(eta) < spec.eta_max)
    if process == "top":
        chosen &= match_tops(spec.radius, event, eta, phi, _record(record))[0]
    hardness, _, _ = pt_eta_phi(constituents)
    owner = np.repeat(np.arange(len(jet)), np.diff(offsets))
    order = np.lexsort((-hardness, owner))
    rank = np.arange(len(owner)) - offsets[owner]
    kept = rank < spec.max_constituents
    counts = np.minimum(np.diff(offsets), spec.max_constituents)
    entries = {
        "event": event.astype(np.int64),
        "label": np.full(len(jet), LABELS[process], np.int8),
        "jet": jet.astype(np.float32),
    }
    block = Block(entries, counts_to_offsets(counts), {"constituents": constituents[order][kept].astype(np.float32)})
    return block.take(np.flatnonzero(chosen))


def _mothers(record: ak.Array) -> np.ndarray:
    offsets = counts_to_offsets(ak.to_numpy(ak.num(record.id)))
    return _flat(record.mother1) + np.repeat(offsets[:-1], np.diff(offsets))


def _record(record: ak.Array) -> Record:
    _, eta, phi = pt_eta_phi(_momenta(record))
    return Record(counts_to_offsets(ak.to_numpy(ak.num(record.id))), _flat(record.id), _mothers(record), eta, phi)
