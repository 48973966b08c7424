"""Every whole number in a config has an upper limit, so that a slip of the pen is a line and not memory without end."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from configurations import EXPERIMENT, SIMULATION, changed
from jetpulse.config import Analysis, ScanPlan, parse_config
from jetpulse.config.models import SearchPlan
from jetpulse.config.networks import check_model, model_arguments, model_names
from jetpulse.errors import UserError

NETWORKS = {name: model_arguments(name) for name in model_names()}
SECTIONS = {"Analysis": Analysis, "ScanPlan": ScanPlan, "SearchPlan": SearchPlan, **NETWORKS}
PULSES = {"datasets.p.kind": "pulses"}
SPECTRA = {"datasets.s.kind": "spectra"}
VALUES = list(range(100))


def unlimited(schema: Any, path: str) -> Iterator[str]:
    """Yield the place of every whole number without an upper limit in a JSON schema."""
    if isinstance(schema, list):
        for i, item in enumerate(schema):
            yield from unlimited(item, f"{path}.{i}")
    elif isinstance(schema, dict):
        limits = {"maximum", "exclusiveMaximum", "enum", "const"}
        if schema.get("type") == "integer" and not limits & set(schema):
            yield path
        for key, item in schema.items():
            if key not in ("default", "description"):
                yield from unlimited(item, f"{path}.{key}")


@pytest.mark.parametrize("name", SECTIONS)
def test_every_whole_number_has_an_upper_limit(name):
    assert list(unlimited(TypeAdapter(SECTIONS[name]).json_schema(), name)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({f"{SIMULATION}.jets_per_class": 10**12}, "jets_per_class"),
        ({f"{SIMULATION}.jets_per_class": 10**9, f"{SIMULATION}.block": 1}, "pieces"),
        ({f"{SIMULATION}.block": 10**9}, "at once"),
        (PULSES | {"datasets.p.source.waveforms.samples": 10**12}, "samples"),
        (PULSES | {"datasets.p.source.waveforms": {"samples": 10**6, "traces": 10**4}}, "at once"),
        (PULSES | {"datasets.p.source.waveforms": {"n": 10**8, "exact": True}}, "at once"),
        (PULSES | {"datasets.p.source.waveforms.background": "1e12"}, "background"),
        (SPECTRA | {"datasets.s.source.counts.bins": 10**12}, "bins"),
        (SPECTRA | {"datasets.s.source.counts": {"bins": 10**5, "block": 10**5}}, "at once"),
        (
            {"datasets.e.kind": "problems", "datasets.e.source.stream": {"n": 10**6, "steps": 10**5}},
            "episodes of 100000 steps",
        ),
        ({f"{EXPERIMENT}.seeds": [2**32]}, "seeds"),
        ({f"{EXPERIMENT}.seeds": list(range(2000))}, "seeds"),
        ({f"{EXPERIMENT}.training.epochs": 10**12}, "epochs"),
        ({f"{EXPERIMENT}.model": {"name": "jet-cnn", "filters": 10**12}}, "filters"),
        (
            {"scans.s": {"experiment": "top-cnn", "vary": dict.fromkeys(["seeds", "model.a", "model.b"], VALUES)}},
            "1000000 combinations",
        ),
    ],
)
def test_numbers_that_no_computer_handles_are_one_line(changes, key):
    with pytest.raises(UserError) as error:
        parse_config(changed(*changes.items()), "my.yaml")
    line = str(error.value)
    assert key in line
    assert "\n" not in line
    assert len(line) < 500


def test_entries_generated_while_training_fit_into_memory():
    training = {"fresh": {"entries": 10**8}}
    changes = {
        "datasets.s": {"kind": "spectra", "source": {"counts": {}}},
        "experiments.a": {"dataset": "s", "task": "reconstruction", "model": {"name": "autoencoder"}},
        "experiments.a.training": training,
    }
    with pytest.raises(UserError, match=r"training\.fresh\.entries: 100000000 entries"):
        parse_config(changed(*changes.items()), "my.yaml")
    training["fresh"]["entries"] = 10**5
    parse_config(changed(*changes.items()), "my.yaml")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dense", {"hidden": [4] * 101}),
        ("pulse-rnn", {"layers": 10**9}),
        ("lorentz-net", {"step": float("inf")}),
        ("estimator", {"parameters": {"n_estimators": 10**9}, "estimator": "RandomForestClassifier"}),
        ("estimator", {"parameters": {"hidden_layer_sizes": [10**6]}, "estimator": "MLPClassifier"}),
        ("estimator", {"parameters": {"max_iter": 10**12}, "estimator": "MLPClassifier"}),
        ("estimator", {"parameters": {"alpha": float("inf")}, "estimator": "MLPClassifier"}),
    ],
)
def test_networks_without_end_are_refused(name, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        check_model(name, arguments)
