"""RNTuples, ROOT's successors of trees, read as trees are: fields by the names of branches, in steps of entries."""

from collections.abc import Collection, Iterator
from typing import Any

import awkward as ak
import uproot

KINDS = ("ROOT::RNTuple",)
_KEPT = "128 MB"  # of a cluster that uproot reads ahead of its turn


def is_ntuple(tree: Any) -> bool:
    """Return whether an object of a ROOT file is an RNTuple."""
    return isinstance(tree, uproot.behaviors.RNTuple.RNTuple)


def fields_of(ntuple: Any) -> dict[str, str]:
    """Return the paths of an RNTuple's fields by the names that branches of a tree would have.

    A field within a collection, ``Jet.pt``, is also ``Jet_pt``; and ``pt`` where no other field has that name, since
    collections may have names that nobody gave (``_collection3.Jet_pt``).
    """
    paths = [str(path) for path in ntuple.keys(recursive=True)]
    names = {path: path for path in paths}
    for path in paths:
        names.setdefault(path.replace(".", "_"), path)
    last = [path.rpartition(".")[2] for path in paths]
    for path, name in zip(paths, last, strict=True):
        if last.count(name) == 1:
            names.setdefault(name, path)
    return names


def steps(ntuple: Any, paths: Collection[str], rows: int) -> Iterator[dict[str, ak.Array]]:
    """Yield the fields of ``rows`` entries at a time by their paths; of these fields one cluster is held, as in uproot.

    Whatever uproot raises for damaged data is passed on.
    """
    wanted = set(paths)
    cache = uproot.LRUArrayCache(_KEPT)
    parts: list[dict[str, ak.Array]] = []
    have = 0
    for cluster in ntuple.cluster_summaries:
        first, last = int(cluster.num_first_entry), int(cluster.num_first_entry + cluster.num_entries)
        if last == first:
            continue
        found = ntuple.arrays(
            filter_name=wanted.__contains__, entry_start=first, entry_stop=last, array_cache=cache, library="ak"
        )
        parts.append({path: found[tuple(path.split("."))] for path in wanted})
        have += last - first
        while have >= rows:
            whole = _joined(parts)
            yield {path: array[:rows] for path, array in whole.items()}
            have -= rows
            parts = [{path: array[rows:] for path, array in whole.items()}] if have else []
    if have:
        yield _joined(parts)


def _joined(parts: list[dict[str, ak.Array]]) -> dict[str, ak.Array]:
    if len(parts) == 1:
        return parts[0]
    # Packed, since what is left of a cluster still holds all of it.
    return {path: ak.concatenate([ak.to_packed(part[path]) for part in parts]) for path in parts[0]}
