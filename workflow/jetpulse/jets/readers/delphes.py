"""Reader of Delphes trees: energy-flow objects, clustered here with anti-kT as the simulation's are.

Tracks count with the mass that the file gives them (none in old files), photons and neutral hadrons without mass.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import awkward as ak
import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.clustering import Record, cluster, match_tops
from jetpulse.jets.kinematics import pt_eta_phi
from jetpulse.jets.readers.base import IN_GEV, Chunk, missing_name
from jetpulse.jets.readers.momenta import momenta_of
from jetpulse.jets.readers.root import branches_of, iterate, jagged_columns, open_tree, require
from jetpulse.samples import counts_to_offsets

_OBJECTS = {
    "EFlowTrack": {"pt": "PT", "eta": "Eta", "phi": "Phi", "mass": "Mass"},
    "EFlowPhoton": {"pt": "ET", "eta": "Eta", "phi": "Phi"},
    "EFlowNeutralHadron": {"pt": "ET", "eta": "Eta", "phi": "Phi"},
}
_GENERATED = {"pdg": "Particle.PID", "mother": "Particle.M1", "eta": "Particle.Eta", "phi": "Particle.Phi"}
_OPTIONAL = "EFlowTrack.Mass"
_ROWS = 500  # events at once: each has a few thousand objects and generated particles


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the jets above ``source.select.pt[0]``, in the order of the file's events.

    Labels come from the generated particles: 1 for a jet that contains a top and its three quarks within the radius, 0
    for one without any of them; jets in between are left out.

    Raises:
        UserError: no such branches, or damaged data.
    """
    with open_tree(path, "Delphes") as tree:
        branches = branches_of(tree, path)
        groups = {
            prefix: {key: f"{prefix}.{name}" for key, name in parts.items() if f"{prefix}.{name}" != _OPTIONAL}
            for prefix, parts in _OBJECTS.items()
        }
        if _OPTIONAL in branches:
            groups["EFlowTrack"]["mass"] = _OPTIONAL
        names = [name for group in groups.values() for name in group.values()]
        if not labelled and _GENERATED["pdg"] not in branches:
            error = missing_name(path, "branch", _GENERATED["pdg"], branches)
            raise UserError(f"{error}; without generated particles give the file a label: {{path: ..., label: 0}}")
        names += [] if labelled else _GENERATED.values()
        require(branches, names, path)
        for start, arrays in iterate(tree, branches, names, path, min(rows, _ROWS)):
            yield _jets(arrays, groups, source, labelled, path, start)


def _jets(
    arrays: Mapping[str, ak.Array],
    groups: Mapping[str, Mapping[str, str]],
    source: JetSource,
    labelled: bool,
    path: Path,
    start: int,
) -> Chunk:
    groups_of = [jagged_columns(arrays, group, path, start) for group in groups.values()]
    offsets, momenta, lost = _merge(groups_of, path, start)
    left_out = {"constituents: energy-flow objects without momentum": lost}
    event, jet, jet_offsets, constituents = cluster(
        offsets, momenta, source.radius, source.select.pt[0] / IN_GEV[source.unit]
    )
    counts = np.diff(jet_offsets)
    if labelled:
        return Chunk(event + start, None, counts, constituents, left_out)
    _, eta, phi = pt_eta_phi(jet)
    contained, touched = match_tops(source.radius, event, eta, phi, _record(arrays, path, start))
    kept = contained | ~touched
    left_out["jets: neither contain a top nor are free of one"] = int((~kept).sum())
    momenta = constituents[np.repeat(kept, counts)]
    return Chunk(event[kept] + start, contained[kept].astype(np.int8), counts[kept], momenta, left_out)


def _merge(
    groups: list[tuple[np.ndarray, dict[str, np.ndarray]]], path: Path, start: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return offsets (events + 1) and momenta (total, 4) of several kinds of objects, event by event.

    Objects without transverse momentum are left out, and their number is returned as well: Delphes gives tracks that
    it could not propagate PT = 0 and Eta = 999.9.
    """
    counts = np.array([np.diff(offsets) for offsets, _ in groups])
    owner = np.concatenate([np.repeat(np.arange(counts.shape[1]), count) for count in counts])
    moving = np.concatenate([columns["pt"] != 0 for _, columns in groups])
    parts = [{name: values[columns["pt"] != 0] for name, values in columns.items()} for _, columns in groups]
    owner, momenta = owner[moving], np.concatenate([momenta_of(columns) for columns in parts])
    bad = np.flatnonzero(~np.isfinite(momenta).all(axis=1))  # clustering would not notice
    if len(bad):
        raise UserError(
            f"{path}: event {start + owner[bad[0]]}: an energy-flow object has a momentum that is not "
            "finite; repair the file"
        )
    order = np.argsort(owner, kind="stable")
    offsets = counts_to_offsets(np.bincount(owner, minlength=counts.shape[1]))
    return offsets, momenta[order], int((~moving).sum())


def _record(arrays: Mapping[str, ak.Array], path: Path, start: int) -> Record:
    offsets, columns = jagged_columns(arrays, _GENERATED, path, start)
    size = np.repeat(np.diff(offsets), np.diff(offsets))
    mother = columns["mother"].astype(np.int64)
    mother = np.where((mother >= 0) & (mother < size), mother + np.repeat(offsets[:-1], np.diff(offsets)), -1)
    eta, phi = (columns[name].astype(np.float64) for name in ("eta", "phi"))
    return Record(offsets, columns["pdg"].astype(np.int64), mother, eta, phi)
