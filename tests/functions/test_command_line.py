"""Values of the config on the command line, as Snakemake hands them on."""

import pytest
import yaml
from snakemake.cli import parse_config

from jetpulse.config.command_line import with_types
from jetpulse.errors import UserError


@pytest.mark.parametrize(
    "text",
    [
        "{top: {seeds: [1, 2], training: {epochs: 3, learning_rate: 0.01, compile: true, clip: null, fresh: {}}}}",
        '{"top": {"views": 4, "licence": "1.0", "test_on": []}}',
        "{top: {reference: {auc: 0.9, source: 'a: b'}}}",
        "3",
        "0.5",
        "true",
        "[]",
    ],
)
def test_they_are_what_they_would_be_in_a_file(text: str) -> None:
    argument = f"experiments={text}"
    assert with_types(parse_config([argument]), [argument]) == {"experiments": yaml.safe_load(text)}


def test_what_a_file_says_stays() -> None:
    file = {"experiments": {"top": {"seeds": ["1"], "views": 2}, "other": {"licence": "3"}}, "scans": {}}
    merged = {**file, "experiments": {"top": {"seeds": ["1"], "views": "4"}, "other": {"licence": "3"}}}
    typed = with_types(merged, ["experiments={top: {views: 4}}"])
    assert typed == {**file, "experiments": {"top": {"seeds": ["1"], "views": 4}, "other": {"licence": "3"}}}


def test_what_is_no_yaml_is_one_line() -> None:
    with pytest.raises(UserError, match="--config experiments: not valid YAML") as caught:
        with_types({"experiments": "{a"}, ["experiments={a"])
    assert "\n" not in str(caught.value)
