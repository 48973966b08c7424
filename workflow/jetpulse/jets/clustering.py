"""Jets from momenta: anti-kT clustering with FastJet, and the tops of a generator record that jets contain."""

from collections.abc import Iterator
from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np

from jetpulse.jets.kinematics import COLUMNS, wrap_phi
from jetpulse.samples import counts_to_offsets

_LONGEST_CHAIN = 100  # copies of one W in a record; damaged records may have circles


@dataclass(frozen=True)
class Record:
    """Generated particles of several events: offsets (events + 1); pdg, mother, eta, phi (total).

    ``mother`` is the place of a mother among all particles, below 0 where there is none.
    """

    offsets: np.ndarray
    pdg: np.ndarray
    mother: np.ndarray
    eta: np.ndarray
    phi: np.ndarray


def cluster(
    offsets: np.ndarray, momenta: np.ndarray, radius: float, pt_min: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return event index (n), jet momenta (n, 4), offsets (n + 1) and constituents (total, 4) of all jets above pt_min.

    Args:
        offsets: of the events in ``momenta``, (events + 1).
        momenta: E, px, py, pz in GeV, (total, 4).
        radius: of anti-kT (Cacciari, Salam, Soyez, doi:10.1088/1126-6708/2008/04/063).
        pt_min: in GeV.
    """
    columns = dict(zip(COLUMNS, momenta.T, strict=True))
    events = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    sequence = fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    jets = sequence.inclusive_jets(pt_min)
    members = sequence.constituent_index(pt_min)
    event = np.repeat(np.arange(len(events)), ak.to_numpy(ak.num(jets, axis=1)))
    jet = np.stack([ak.to_numpy(ak.flatten(jets[name])) for name in COLUMNS], axis=1)
    counts = ak.to_numpy(ak.flatten(ak.num(members, axis=2)))
    rows = ak.to_numpy(ak.flatten(members, axis=None)) + np.repeat(offsets[event], counts)
    return event, jet.reshape(-1, 4), counts_to_offsets(counts), momenta[rows]


def match_tops(
    radius: float, event: np.ndarray, eta: np.ndarray, phi: np.ndarray, record: Record
) -> tuple[np.ndarray, np.ndarray]:
    """Return for every jet whether it contains a top, and whether it touches one.

    A jet contains a top that decays to quarks when the top, the last before its decay, and its three quarks lie within
    the radius of the jet's axis; it touches one when any of them does, or a top or bottom quark of a leptonic decay.

    Args:
        radius: in the plane of eta and phi.
        event: of the jets (n), an index into the record's events.
        eta: of the jets' axes, (n).
        phi: the same.
        record: generated particles.
    """
    owner = np.repeat(np.arange(len(record.offsets) - 1), np.diff(record.offsets))
    contained, touched = np.zeros(len(event), bool), np.zeros(len(event), bool)
    for sign in (1, -1):
        # Decay quarks are those whose mother is the last copy of the top (b) or of its W (two more).
        quarks, parent = _decay_quarks(record, sign)
        tops = record.mother[quarks[parent == 6 * sign]]
        wanted = np.concatenate([quarks, tops])
        inside = np.zeros(len(event), np.int64)
        for jet_index, particle in _pairs(event, owner[wanted], wanted):
            d_eta = record.eta[particle] - eta[jet_index]
            d_phi = wrap_phi(record.phi[particle] - phi[jet_index])
            np.add.at(inside, jet_index, np.hypot(d_eta, d_phi) < radius)
        contained |= inside == 4
        touched |= inside > 0
    return contained, touched


def _decay_quarks(record: Record, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the quarks that a top (or antitop, sign -1) or its W decays to, and the pdg numbers of their mothers."""
    quarks = np.flatnonzero((np.abs(record.pdg) <= 5) & (record.pdg != 0) & (record.mother >= 0))
    parent = record.pdg[record.mother[quarks]]
    ancestor = record.mother[quarks]
    for _ in range(_LONGEST_CHAIN):
        onward = (record.pdg[ancestor] == 24 * sign) & (record.mother[ancestor] >= 0)
        if not onward.any():
            break
        ancestor = np.where(onward, record.mother[ancestor], ancestor)
    from_top = (record.pdg[ancestor] == 6 * sign) & np.isin(parent, (6 * sign, 24 * sign))
    return quarks[from_top], parent[from_top]


def _pairs(
    jet_event: np.ndarray, particle_event: np.ndarray, particle: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (jet indices, particles) of the same event: one turn for each particle of an event."""
    order = np.argsort(particle_event, kind="stable")
    particle_event, particle = particle_event[order], particle[order]
    first = np.searchsorted(particle_event, jet_event, "left")
    last = np.searchsorted(particle_event, jet_event, "right")
    for turn in range(int((last - first).max(initial=0))):
        jets = np.flatnonzero(first + turn < last)
        yield jets, particle[first[jets] + turn]
