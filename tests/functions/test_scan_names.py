"""Values as parts of names and as texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.config.scan_names import slugs_of, text_of


@pytest.mark.parametrize(
    ("value", "slug", "text"),
    [
        (0.001, "0p001", "0.001"),
        (1e-05, "1e-05", "1e-05"),
        (-1.5, "m1p5", "-1.5"),
        (500.0, "500", "500"),
        (16000, "16000", "16000"),
        (True, "true", "true"),
        (None, "null", "null"),
        ([], "none", "none"),
        (["centre", "rotate"], "centre-rotate", "centre, rotate"),
        ({"name": "dense", "hidden": [8, 8]}, "dense-hidden-8-8", "dense, hidden 8, 8"),
        ({"model": {"name": "dense"}, "training": {"batch": 5}}, "dense-training-batch-5", "dense, training batch 5"),
    ],
)
def test_values_as_parts_of_names_and_for_people(value, slug, text):
    assert slugs_of([value]) == [slug]
    assert text_of(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9999, 9999) | st.floats(-1e3, 1e3) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@given(st.lists(JSON, min_size=1, max_size=6, unique_by=repr))
def test_parts_of_names_are_valid_and_short(values):
    for slug in slugs_of(values):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug)
        assert len(slug) <= 57


def test_values_that_read_alike_get_different_names():
    assert len(set(slugs_of([[1], 1, "1", ["a", "b"], "a b"]))) == 5
