"""Small estimators of scikit-learn for tests."""

import warnings
from typing import Any

import numpy as np
import torch

from jetpulse.config import Training
from jetpulse.models import build_network
from jetpulse.models.kept_estimators import to_bytes

COLUMNS = 3
TRAINING = Training(patience=None)
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "DecisionTreeClassifier": {"max_depth": 4},
    "RandomForestClassifier": {"n_estimators": 5, "max_leaf_nodes": 8},
    "ExtraTreesClassifier": {"n_estimators": 3},
    "BaggingClassifier": {"n_estimators": 3, "max_features": 2},
    "AdaBoostClassifier": {"n_estimators": 3},
    "GradientBoostingClassifier": {"n_estimators": 3},
    "HistGradientBoostingClassifier": {"max_iter": 3},
    "KNeighborsClassifier": {"n_neighbors": 3},
    "GaussianNB": {},
    "GaussianProcessClassifier": {},
    "LinearDiscriminantAnalysis": {},
    "LogisticRegression": {},
    "SVC": {"probability": True},
    "MLPClassifier": {"hidden_layer_sizes": [4], "solver": "lbfgs"},
    "DummyClassifier": {},
}
REGRESSORS: dict[str, dict[str, Any]] = {
    "DecisionTreeRegressor": {"max_depth": 4},
    "RandomForestRegressor": {"n_estimators": 5},
    "HistGradientBoostingRegressor": {"max_iter": 3},
    "KNeighborsRegressor": {"algorithm": "ball_tree"},
    "LinearRegression": {},
    "Lasso": {"alpha": "1e-2"},
    "SVR": {},
    "KernelRidge": {},
    "MLPRegressor": {"hidden_layer_sizes": [4], "solver": "lbfgs"},
}
MANY = {**CLASSIFIERS, **REGRESSORS}


def entries(seed: int = 1, n: int = 90) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, COLUMNS)).astype(np.float32)


def answers(name: str, features: np.ndarray) -> np.ndarray:
    """Return three classes or a number, which depend on a product of two features."""
    product = features[:, 0] * features[:, 1]
    return product if name in REGRESSORS else np.digitize(product, [-0.3, 0.3])


def network_of(name: str, parameters: dict[str, Any] | None = None) -> torch.nn.Module:
    given = MANY[name] if parameters is None else parameters
    return build_network(
        "estimator", (COLUMNS,), 1 if name in REGRESSORS else 3, {"estimator": name, "parameters": given}
    )


def fitted(name: str, parameters: dict[str, Any] | None = None, training: Training = TRAINING, seed: int = 1):
    """Return a fitted network and the row of its history."""
    network, features, val = network_of(name, parameters), entries(), entries(2, 40)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of few iterations
        history, best = network.fit(
            features, answers(name, features), val, answers(name, val), training, seed, lambda row: None
        )
    assert (len(history), best) == (1, 1)
    return network, history[0]


def content_of(estimator: Any) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(to_bytes(estimator), np.uint8).copy())
