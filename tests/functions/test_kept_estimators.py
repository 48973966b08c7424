"""What is read of an estimator's bytes: scikit-learn's own types, and nothing that leads elsewhere."""

import io
from zipfile import ZipFile, ZipInfo

import numpy as np
import pytest
import skops.io
import torch
from sklearn import ensemble, neighbors, tree

from estimators import COLUMNS, answers, content_of, entries, fitted, network_of
from jetpulse.models.kept_estimators import from_bytes, to_bytes


class Foreign:
    """A class that is not scikit-learn's."""


def test_types_of_others_are_not_loaded():
    estimator = tree.DecisionTreeClassifier().fit(entries(), answers("SVC", entries()))
    estimator.note = Foreign()
    with pytest.raises(ValueError, match=r"holds .*Foreign, which is not scikit-learn's own; it is not loaded"):
        network_of("DecisionTreeClassifier").load_state_dict({"content": content_of(estimator)})


@pytest.mark.parametrize("module", ["os", "subprocess", "sklearn.utils.fixes", "sklearn.no_such_module", "builtins"])
def test_names_in_a_file_are_not_followed(module):
    kept = to_bytes(tree.DecisionTreeClassifier().fit(entries(), answers("SVC", entries())))
    changed = rewritten(kept, lambda text: text.replace('"sklearn.tree._classes"', f'"{module}"'))
    assert changed != kept
    with pytest.raises(ValueError, match=r"not loaded|cannot be read|no estimator that can be read"):
        from_bytes(changed, COLUMNS)


def rewritten(kept: bytes, change=lambda text: text, arrays=lambda array: array) -> bytes:
    """Return a file of skops with another schema or other arrays."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(kept)) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                content = change(content.decode()).encode()
            else:
                buffer = io.BytesIO()
                np.save(buffer, arrays(np.load(io.BytesIO(content))), allow_pickle=False)
                content = buffer.getvalue()
            new.writestr(ZipInfo(name), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("estimator", "field", "value"),
    [
        (tree.DecisionTreeRegressor(max_depth=2), "left_child", 10**6),
        (tree.DecisionTreeRegressor(max_depth=2), "right_child", 0),
        (tree.DecisionTreeRegressor(max_depth=2), "feature", 3),
        (ensemble.RandomForestRegressor(2, max_depth=2), "left_child", -7),
        (ensemble.HistGradientBoostingRegressor(max_iter=2), "left", 10**6),
        (ensemble.HistGradientBoostingRegressor(max_iter=2), "feature_idx", -5),
        (neighbors.KNeighborsRegressor(algorithm="kd_tree", leaf_size=5), "idx_end", 10**6),
        (neighbors.KNeighborsRegressor(algorithm="ball_tree", leaf_size=5), "is_leaf", 0),
    ],
    ids=str,
)
def test_trees_that_lead_nowhere_are_refused(estimator, field, value):
    def spoilt(array: np.ndarray) -> np.ndarray:
        if array.dtype.names and field in array.dtype.names:
            array = array.copy()
            array[field] = value
        return array

    kept = to_bytes(estimator.fit(entries(), entries()[:, 0]))
    assert from_bytes(kept, COLUMNS)
    with pytest.raises(ValueError, match="nodes, features or entries that do not exist"):
        from_bytes(rewritten(kept, arrays=spoilt), COLUMNS)


@pytest.mark.parametrize("change", [lambda a: np.repeat(a, 2, axis=-1), lambda a: a[:0], lambda a: a[: len(a) // 2]])
@pytest.mark.parametrize("name", ["SVC", "SVR"])
def test_support_vectors_that_do_not_fit_together_are_refused_and_not_followed(name, change):
    """libsvm reads beyond the ends of such arrays."""
    network, _ = fitted(name)
    content, features, refused = network.content.numpy().tobytes(), torch.from_numpy(entries()), 0
    for place in range(len(ZipFile(io.BytesIO(content)).namelist()) - 1):
        left = place

        def spoilt(array: np.ndarray) -> np.ndarray:
            nonlocal left
            left -= 1
            return change(array) if left == -1 and array.ndim and len(array) > 1 else array

        changed = rewritten(content, arrays=spoilt)
        if changed == rewritten(content):
            continue
        other = network_of(name)
        try:
            other._take(torch.from_numpy(np.frombuffer(changed, np.uint8).copy()))
        except ValueError:
            refused += 1
            assert other.estimator is None
        else:  # an array that predictions do not read
            assert torch.equal(other(features), network(features))
    assert refused >= 3


@pytest.mark.parametrize(
    "content",
    [
        torch.arange(50, dtype=torch.uint8),
        content_of(tree.DecisionTreeClassifier().fit(entries()[:, :2], answers("SVC", entries()))),
        content_of(tree.DecisionTreeClassifier().fit(entries(), answers("SVC", entries()) + 1)),
        content_of(tree.DecisionTreeClassifier().fit(entries(), answers("SVC", entries()).astype(str))),
        content_of(tree.DecisionTreeRegressor().fit(entries(), answers("SVR", entries()))),
        content_of([1, 2]),
    ],
    ids=["no archive", "other features", "other classes", "classes by name", "another estimator", "no estimator"],
)
def test_content_that_does_not_belong_to_the_network_is_refused(content):
    with pytest.raises(ValueError, match=r"holds|no estimator") as error:
        network_of("DecisionTreeClassifier").load_state_dict({"content": content})
    assert "\n" not in str(error.value)


def test_the_kept_bytes_are_a_file_of_skops():
    network, _ = fitted("LogisticRegression")
    found = skops.io.loads(network.content.numpy().tobytes())
    assert np.array_equal(found.coef_, network.estimator.coef_)
