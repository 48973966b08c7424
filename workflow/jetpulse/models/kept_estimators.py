"""Estimators of scikit-learn as bytes, by skops: no pickle, the same bytes of the same estimator. No network itself.

skops alone trusts scikit-learn's public classes. Of the others here, trees are looked at before anything follows them.
"""

import io
import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

# Where estimators keep the numbers that they have learned, in the order of preference.
_LEARNED = (
    ("coefs_", "intercepts_"),
    ("support_vectors_", "dual_coef_", "intercept_"),
    ("coef_", "intercept_"),
    ("theta_", "var_", "class_prior_"),
    ("dual_coef_",),
)


def to_bytes(estimator: Any) -> bytes:
    """Return a fitted estimator as a file of skops, without addresses in memory and times of day."""
    import skops.io

    names: dict[str, str] = {}  # of files in the archive, which are addresses of objects
    places: dict[int, int] = {}
    out = io.BytesIO()
    with ZipFile(io.BytesIO(skops.io.dumps(estimator))) as kept, ZipFile(out, "w") as archive:
        schema = json.loads(kept.read("schema.json"))
        for node in _nodes(schema):
            if "__id__" in node:
                node["__id__"] = places.setdefault(node["__id__"], len(places) + 1)
            if isinstance(node.get("file"), str):
                ending = node["file"].rpartition(".")[2]
                node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{ending}")
        archive.writestr(ZipInfo("schema.json"), json.dumps(schema))
        for old, new in names.items():
            archive.writestr(ZipInfo(new), kept.read(old))
    return out.getvalue()


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a value of JSON, outer ones first."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _nodes(item)


def from_bytes(content: bytes, features: int) -> Any:
    """Return the estimator that ``to_bytes`` has written.

    Args:
        content: of the file.
        features: of an entry; what looks elsewhere is refused.

    Raises:
        ValueError: damaged, types that are not scikit-learn's own, or trees that lead nowhere.
    """
    import skops.io

    foreign: list[str] = []
    try:
        unknown = skops.io.get_untrusted_types(data=content)
        foreign = [name for name in unknown if not _is_own(name)]
        estimator = None if foreign else skops.io.loads(content, trusted=unknown)
        parts = list(_parts(estimator))
    except Exception as error:  # a damaged archive raises whatever its content leads to
        reason = (str(error).splitlines() or [""])[0]
        msg = f"no estimator that can be read: {type(error).__name__}: {reason}"
        raise ValueError(msg) from error
    if foreign:
        msg = f"holds {', '.join(foreign)}, which is not scikit-learn's own; it is not loaded"
        raise ValueError(msg)
    if not all(_leads_somewhere(part, features) for part in parts):
        msg = "holds a tree or support vectors with numbers of nodes, features or entries that do not exist"
        raise ValueError(msg)
    return estimator


def count_numbers(estimator: Any) -> int:
    """Return the number of nodes of an estimator's trees, else of its weights or in its support vectors, else 0."""
    parts = list(_parts(estimator))
    trees = [part.node_count for part in parts if type(part).__name__ == "Tree"]
    trees += [len(part.nodes) for part in parts if type(part).__name__ == "TreePredictor"]
    if trees:
        return int(sum(trees))
    for names in _LEARNED:
        found = [getattr(estimator, name, None) for name in names]
        if found[0] is not None:
            arrays = [array for item in found for array in (item if isinstance(item, list) else [item])]
            return sum(np.size(array) for array in arrays if array is not None)
    return 0


def _is_own(name: str) -> bool:
    """Return whether a name is that of one of scikit-learn's classes."""
    module, _, last = name.rpartition(".")
    if module.split(".")[0] != "sklearn":
        return False
    found = getattr(import_module(module), last, None)
    return isinstance(found, type) and found.__module__.split(".")[0] == "sklearn"


def _parts(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield an estimator and all objects of scikit-learn inside it."""
    seen = set() if seen is None else seen
    inner: Iterable[Any] = ()
    if type(value).__module__.split(".")[0] == "sklearn":
        if id(value) in seen:
            return
        seen.add(id(value))
        yield value
        inner = getattr(value, "__dict__", {}).values()
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    elif isinstance(value, np.ndarray) and value.dtype == object:
        inner = value.ravel()
    for item in inner:
        yield from _parts(item, seen)


def _leads_somewhere(part: Any, features: int) -> bool:
    """Return whether all nodes of a tree lead on to others, or to a leaf; scikit-learn itself follows them blindly."""
    name = type(part).__name__
    if name == "Tree":
        nodes = part.__getstate__()["nodes"]
        inner = nodes["left_child"] != -1
        children = [nodes["left_child"], nodes["right_child"]]
        return part.n_features <= features and _go_down(inner, children, nodes["feature"], part.n_features)
    if name == "TreePredictor":
        nodes, inner = part.nodes, part.nodes["is_leaf"] == 0
        bitsets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
        known = bool(np.all(bitsets < len(part.raw_left_cat_bitsets)))
        return known and _go_down(inner, [nodes["left"], nodes["right"]], nodes["feature_idx"], features)
    if name in ("KDTree", "BallTree"):
        data, index, nodes, _ = (np.asarray(array) for array in part.get_arrays())
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        start, end = nodes["idx_start"], nodes["idx_end"]
        ordered = np.all((start >= 0) & (start <= end) & (end <= len(data)))
        there = np.array_equal(np.sort(index), np.arange(len(data))) and data.shape[1] == features
        return bool(ordered and there and np.all(2 * inner + 2 < len(nodes)))
    if hasattr(part, "support_vectors_") and hasattr(part, "_n_support"):
        return _fits_together(part)
    estimated = getattr(part, "tree_", None)
    return not hasattr(estimated, "n_features") or estimated.n_features == part.n_features_in_


def _fits_together(part: Any) -> bool:
    """Return whether the arrays of a support vector machine have the sizes that libsvm takes for granted."""
    known = len(getattr(part, "classes_", ()))
    pairs, rows = (known * (known - 1) // 2, known - 1) if known else (1, 1)
    vectors, n_support = np.asarray(part.support_vectors_), np.asarray(part._n_support)
    n = len(vectors)
    total = n_support.sum() if known else n_support.max(initial=0)  # a regressor says the number of all, twice
    shapes = [
        (part.support_, (n,)),
        (vectors, (n, part.n_features_in_)),  # as scikit-learn makes sure of the entries
        (n_support, (known or 2,)),
        *((getattr(part, name), (rows, n)) for name in ("dual_coef_", "_dual_coef_")),
        *((getattr(part, name), (pairs,)) for name in ("intercept_", "_intercept_")),
    ]
    chances = {np.shape(part._probA), np.shape(part._probB)}
    fits = all(np.shape(array) == shape for array, shape in shapes) and chances in ({(0,)}, {(pairs,)})
    return fits and bool((n_support >= 0).all()) and int(total) == n


def _go_down(inner: np.ndarray, children: list[np.ndarray], feature: np.ndarray, features: int) -> bool:
    """Return whether nodes that are no leaves have children behind them and look at features that exist."""
    n = len(inner)
    place, looked_at = np.flatnonzero(inner), feature[inner].astype(np.int64)
    ahead = all(np.all((below[inner] > place) & (below[inner] < n)) for below in children)
    return n > 0 and ahead and bool(np.all((looked_at >= 0) & (looked_at < features)))
