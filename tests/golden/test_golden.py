"""Results stay what they were; a change that is meant to move them runs `make golden` and says why."""

import json

import pytest

from tests.golden.numbers import FILE, compute

# Another processor or mathematical library may round the last bits of a simulation differently, which can decide a
# random choice of the shower; none has been seen to. A training amplifies rounding: three digits of a loss are kept.
TOLERANCES = {"qcd": 1e-6, "top": 1e-6, "training": 1e-3}


def test_simulation_and_training_give_the_golden_numbers() -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    found = compute()
    assert set(found) == set(golden)
    wrong = {
        name: (found[name], expected)
        for name, expected in golden.items()
        if found[name] != pytest.approx(expected, rel=TOLERANCES[name.partition("/")[0]])
    }
    assert wrong == {}, "if the change is meant, run `make golden`"
