"""scikit-learn's classifiers and regressors in the config: names and parameters, checked before any job starts.

scikit-learn is imported only when the config names one of them.
"""

import difflib
import inspect
import math
import re
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo

# Where to look; what is asked for most and quick to load comes first.
_MODULES = (
    "tree",
    "neural_network",
    "linear_model",
    "neighbors",
    "svm",
    "ensemble",
    "naive_bayes",
    "gaussian_process",
    "discriminant_analysis",
    "kernel_ridge",
    "dummy",
)
# What changes in the name of an estimator when it learns numbers.
_PAIRS = (("Classifier", "Regressor"), ("SVC", "SVR"))
# What makes those give probabilities that give none otherwise.
_PROBABLE = {"SVC": "probability: true", "NuSVC": "probability: true", "SGDClassifier": "loss: log_loss"}
# Numbers that YAML 1.1 reads as text: 1e-3 and 1.5e3 (no dot, no sign of the exponent), -.5.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]\.[0-9]+")

# Largest whole numbers of parameters that take memory, and of all others.
_LARGEST = {"n_estimators": 100_000, "hidden_layer_sizes": 65_536}
_LARGEST_OF_ALL = 10**9


def find_estimator(name: str) -> type:
    """Return the class of a classifier or regressor.

    Raises:
        ValueError: there is none of this name, or it learns several answers at once or is made of others.
    """
    for module in _MODULES:
        if name in _estimators(module):
            return _estimators(module)[name]
    known = [other for module in _MODULES for other in _estimators(module)]
    near = [other for other in known if other.startswith(name)] or difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else "there are DecisionTreeClassifier, RandomForestRegressor, ..."
    msg = f"{name!r} is no classifier or regressor of scikit-learn that can be used here; {hint}"
    raise ValueError(msg)


@cache
def _estimators(module: str) -> dict[str, type]:
    """Return the classes of a module of scikit-learn that learn one answer and need no other estimator, by name."""
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.utils import get_tags

    found = import_module(f"sklearn.{module}")
    own = (name for name, value in vars(found).items() if getattr(value, "__module__", None) == found.__name__)
    classes = [getattr(found, name) for name in getattr(found, "__all__", own)]
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of classes that are on their way out
        return {
            value.__name__: value
            for value in classes
            if isinstance(value, type)
            and issubclass(value, ClassifierMixin | RegressorMixin)
            and all(parameter.default is not parameter.empty for parameter in _parameters(value).values())
            and get_tags(value()).target_tags.single_output
        }


def _parameters(estimator: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(estimator).parameters


def classifies(estimator: type) -> bool:
    """Return whether a class of scikit-learn tells classes apart; the others learn numbers."""
    from sklearn.base import ClassifierMixin

    return issubclass(estimator, ClassifierMixin)


def make_estimator(name: str, parameters: Mapping[str, Any]) -> Any:
    """Return an estimator of scikit-learn that has learned nothing.

    Raises:
        ValueError: no such estimator or parameter, a value that is not allowed, or a classifier without probabilities.
    """
    estimator = find_estimator(name)
    known = list(_parameters(estimator))
    for key in parameters:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            msg = f"{name} has no parameter {key!r}; {hint}it takes {', '.join(known)}"
            raise ValueError(msg)
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        made = estimator(**parameters)
    made._validate_params()  # private, but nothing else tells before the fit
    if classifies(estimator) and not hasattr(made, "predict_proba"):
        hint = f"set {_PROBABLE[name]}" if name in _PROBABLE else "choose another"
        msg = f"{name} gives no probabilities, which classification needs; {hint}"
        raise ValueError(msg)
    return made


def _plain(value: Any) -> Any:
    """Return a value with the numbers that YAML takes for text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _check_sizes(key: str, value: Any) -> None:
    """Refuse numbers for which no memory or time is enough.

    Raises:
        ValueError: such a number.
    """
    largest = _LARGEST.get(key, _LARGEST_OF_ALL)
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, int) and abs(item) > largest and key != "random_state":
            msg = f"parameter {key!r}: {item} is too large, {largest} at most"
            raise ValueError(msg)
        if isinstance(item, float) and not math.isfinite(item):
            msg = f"parameter {key!r}: {item} is not a finite number"
            raise ValueError(msg)


def _check_name(name: str, info: ValidationInfo) -> str:
    estimator = find_estimator(name)
    able = "classification" if classifies(estimator) else "regression"
    task = (info.context or {}).get("task")
    if task not in (None, able):
        others = [name.replace(*pair) for pair in (*_PAIRS, *(pair[::-1] for pair in _PAIRS))]
        other = next((other for other in others if other != name), None)
        hint = f"did you mean {other!r}?" if other else "choose another"
        msg = f"{name!r} is for task {able!r}, not for {task!r}; {hint}"
        raise ValueError(msg)
    return name


def _check_parameters(given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    parameters = {key: _plain(value) for key, value in given.items()}
    for key, value in parameters.items():
        _check_sizes(key, value)
    if "estimator" in info.data:  # otherwise its name is wrong, which is the first thing to mend
        make_estimator(info.data["estimator"], parameters)
    return parameters


# Arguments of a network: the name, and behind it the parameters that belong to it.
EstimatorName = Annotated[str, AfterValidator(_check_name)]
EstimatorParameters = Annotated[dict[str, Any], AfterValidator(_check_parameters)]
