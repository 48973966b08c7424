"""The chapter of small problems: one page with everything in it."""

import json

import pytest

from jetpulse.cli import main
from jetpulse.samples import dump_json

SVG = "<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'></svg>\n"
SPEC = {
    "net": {"dataset": "xor", "model": {"name": "dense"}, "method": "One <hidden> layer."},
    "line": {"dataset": "xor", "model": {"name": "logistic"}, "method": "One <hidden> layer."},
    "other": {"dataset": "rings", "model": {"name": "dense"}, "reference": {"accuracy": 1.0, "source": "a book"}},
}


@pytest.fixture
def words(tmp_path) -> list[str]:
    measured = {"entries": 10, "accuracy": {"median": 0.75, "spread": 0.125, "error": 0.25, "values": [0.75]}}
    results = []
    for name, value in SPEC.items():
        result = {"dataset": value["dataset"], "parameters": 17, "seeds": [1], "tested": {value["dataset"]: measured}}
        dump_json(tmp_path / name / "metrics.json", result)
        results.append(f"{name}={tmp_path / name / 'metrics.json'}")
    (tmp_path / "answers.svg").write_text(SVG)
    figures = [f"net={tmp_path / 'answers.svg'}", f"xor={tmp_path / 'answers.svg'}"]
    questions = json.dumps([["rings", ""], ["xor", "Which class? a=b & c"]])
    words = ["tell-problems", str(tmp_path / "page.html"), "--spec", json.dumps(SPEC), "--questions", questions]
    return [*words, "--results", *results, "--figures", *figures]


def test_every_problem_has_a_section_in_the_order_of_the_questions(words, tmp_path):
    assert main(words) == 0
    text = (tmp_path / "page.html").read_text()
    assert text.index("id='rings'") < text.index("a book") < text.index("id='xor'") < text.index("Which class?")
    assert "Which class? a=b &amp; c" in text
    assert text.count("<dt>net, line</dt><dd>One &lt;hidden&gt; layer.</dd>") == 1
    assert text.count("data:image/svg+xml;base64,") == 2
    assert text.index("xor: answers") < text.index("net: answers")  # the dataset's own comes first
    assert "0.75 ±&nbsp;0.12" in text


def test_the_page_is_the_same_twice(words, tmp_path):
    assert main(words) == 0
    first = (tmp_path / "page.html").read_bytes()
    assert main(words) == 0
    assert (tmp_path / "page.html").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda words, folder: [*words, f"net={folder / 'none.svg'}"], "none.svg: no such file"),
        (lambda words, folder: [*words, f"net={folder / 'net/metrics.json'}"], "metrics.json: is no SVG"),
        (lambda words, folder: [*words, f"who={folder / 'answers.svg'}"], "--figures who: is no dataset"),
        (lambda words, folder: [w.replace("other=", "who=") for w in words], "--results who: the spec has no such"),
        (lambda words, folder: [w.replace('["rings", ""]', '["rings"]') for w in words], "--questions: expected pairs"),
        (lambda words, folder: [w.replace('["rings", ""]', '"rings') for w in words], "--questions: not valid JSON"),
        (lambda words, folder: [w.replace('["rings", ""]', "NaN") for w in words], "--questions: NaN is no number"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_page(words, tmp_path, capsys, change, said):
    assert main(change(words, tmp_path)) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jetpulse tell-problems:")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "page.html").exists()
