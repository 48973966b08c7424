"""Reader of CMS NanoAOD with PF candidates per large-radius jet: FatJet, FatJetPFCand (links), PFCand.

Jets are anti-kT of radius 0.8 from candidates whose momenta are weighted by PUPPI, and so they are stored (since
version 15); their sum is the jet before corrections, ``pt * (1 - rawFactor)`` in the file. Candidates are stored for
jets with |eta| <= 2.5 only (PhysicsTools/NanoAOD/python/jetConstituents_cff.py in cms-sw/cmssw).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import awkward as ak
import numpy as np

from jetpulse.config import JetSource
from jetpulse.errors import UserError
from jetpulse.jets.clustering import Record, match_tops
from jetpulse.jets.readers.base import Chunk, check_counts, missing_name
from jetpulse.jets.readers.momenta import momenta_of
from jetpulse.jets.readers.root import branches_of, iterate, jagged_columns, open_tree, require

_JETS = {"eta": "FatJet_eta", "phi": "FatJet_phi"}
_LINKS = {"jet": "FatJetPFCand_jetIdx", "candidate": "FatJetPFCand_pfCandIdx"}
_CANDIDATES = {name: f"PFCand_{name}" for name in ("pt", "eta", "phi", "mass")}
_GENERATED = {
    "pdg": "GenPart_pdgId",
    "mother": "GenPart_genPartIdxMother",
    "eta": "GenPart_eta",
    "phi": "GenPart_phi",
}
_ROWS = 1_000  # events at once: each has a few hundred candidates and generated particles


def read(path: Path, source: JetSource, labelled: bool, rows: int) -> Iterator[Chunk]:
    """Yield the large-radius jets of a file, in the order of its events.

    Labels come from the generator record: 1 for a jet that contains a top and its three quarks within the radius, 0 for
    one without any of them; jets in between are left out. Jets without stored candidates are left out as well.

    Raises:
        UserError: no such branches, links that point nowhere, or damaged data.
    """
    groups = [_JETS, _LINKS, _CANDIDATES, *([] if labelled else [_GENERATED])]
    names = [name for group in groups for name in group.values()]
    with open_tree(path, "Events") as tree:
        branches = branches_of(tree, path)
        if not labelled and _GENERATED["pdg"] not in branches:
            error = missing_name(path, "branch", _GENERATED["pdg"], branches)
            raise UserError(f"{error}; without a generator record give the file a label: {{path: ..., label: 0}}")
        require(branches, names, path)
        for start, arrays in iterate(tree, branches, names, path, min(rows, _ROWS)):
            yield _jets(arrays, source.radius, labelled, path, start)


def _jets(arrays: Mapping[str, ak.Array], radius: float, labelled: bool, path: Path, start: int) -> Chunk:
    jet_offsets, axes = jagged_columns(arrays, _JETS, path, start)
    link_offsets, links = jagged_columns(arrays, _LINKS, path, start)
    candidate_offsets, candidates = jagged_columns(arrays, _CANDIDATES, path, start)
    jet = _places(links["jet"], link_offsets, jet_offsets, _LINKS["jet"], path, start)
    candidate = _places(links["candidate"], link_offsets, candidate_offsets, _LINKS["candidate"], path, start)
    weighted = candidates["pt"][candidate] != 0  # PUPPI may give a candidate no weight at all
    jet, candidate = jet[weighted], candidate[weighted]
    momenta = momenta_of({name: values[candidate] for name, values in candidates.items()})
    momenta = momenta[np.argsort(jet, kind="stable")]
    counts = np.bincount(jet, minlength=jet_offsets[-1])
    check_counts(counts, path, start)
    event = np.repeat(np.arange(len(jet_offsets) - 1), np.diff(jet_offsets))
    kept = counts > 0
    left_out = {"jets: without stored candidates": int((~kept).sum())}
    label = None
    if not labelled:
        record = _record(arrays, path, start)
        contained, touched = match_tops(radius, event, *_double(axes["eta"], axes["phi"]), record)
        partly = kept & touched & ~contained
        left_out["jets: neither contain a top nor are free of one"] = int(partly.sum())
        kept &= ~partly
        label = contained[kept].astype(np.int8)
    return Chunk(event[kept] + start, label, counts[kept], momenta[np.repeat(kept, counts)], left_out)


def _record(arrays: Mapping[str, ak.Array], path: Path, start: int) -> Record:
    offsets, columns = jagged_columns(arrays, _GENERATED, path, start)
    mother = columns["mother"].astype(np.int64)
    size = np.repeat(np.diff(offsets), np.diff(offsets))
    wrong = np.flatnonzero(mother >= size)
    if len(wrong):
        event = start + np.searchsorted(offsets, wrong[0], side="right") - 1
        raise UserError(
            f"{path}: event {event}: {_GENERATED['mother']} is {mother[wrong[0]]}, but there are {size[wrong[0]]} "
            "particles; the file seems damaged, fetch it again"
        )
    mother = np.where(mother >= 0, mother + np.repeat(offsets[:-1], np.diff(offsets)), -1)
    eta, phi = _double(columns["eta"], columns["phi"])
    return Record(offsets, columns["pdg"].astype(np.int64), mother, eta, phi)


def _double(*values: np.ndarray) -> list[np.ndarray]:
    return [value.astype(np.float64) for value in values]


def _places(
    index: np.ndarray, link_offsets: np.ndarray, offsets: np.ndarray, name: str, path: Path, start: int
) -> np.ndarray:
    """Return the places among all events of what links point to within their events, (links)."""
    event = np.repeat(np.arange(len(link_offsets) - 1), np.diff(link_offsets))
    index = index.astype(np.int64)
    size = np.diff(offsets)[event]
    wrong = np.flatnonzero((index < 0) | (index >= size))
    if len(wrong):
        raise UserError(
            f"{path}: event {start + event[wrong[0]]}: {name} is {index[wrong[0]]}, expected 0 to "
            f"{size[wrong[0]] - 1}; the file seems damaged, fetch it again"
        )
    return index + offsets[:-1][event]
