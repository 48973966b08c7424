"""Text of the config in the report and in its pages: shown letter by letter, never run by a browser."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow.support import clone_results, copy_project, snakemake

# Ends the script that it is written into, and is run as HTML then, or as HTML wherever it is not escaped.
HOSTILE = "</script><img src=x onerror=\"document.documentElement.setAttribute('data-run', 'yes')\"> \u2028 <!--"


def make_hostile(folder: Path) -> str:
    """Write a config of the tiny problems with hostile texts, and return its name."""
    value = yaml.safe_load((folder / "config/tiny-problems.yaml").read_text(encoding="utf-8"))
    value["datasets"]["tiny-rings"]["question"] = HOSTILE
    value["experiments"]["tiny-rings-mlp"] |= {"method": HOSTILE, "licence": HOSTILE}
    value["experiments"]["tiny-line-squares"]["reference"]["source"] = HOSTILE
    value["scans"] = {"rings": {"experiment": "tiny-rings-mlp", "vary": "seeds", "values": [[1]], "labels": [HOSTILE]}}
    (folder / "hostile.yaml").write_text(yaml.safe_dump(value, allow_unicode=True), encoding="utf-8")
    return "hostile.yaml"


def open_in_browser(page: Path) -> str:
    """Return what a browser has made of a page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no browser (chromium or google-chrome) to open the page with")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom")
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={page.parent / 'browser'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout


def test_no_parameter_of_a_rule_can_end_a_script(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    text = snakemake(folder, "problems", "--dry-run", "--printshellcmds", config=make_hostile(folder))
    assert "</script" not in text.replace("--licence '</script", "")  # no result of the rule `release` is in the report
    assert text.count("\\u003c/script") >= 4


def test_a_browser_shows_hostile_texts_and_runs_none(problems: Path, tmp_path: Path) -> None:
    folder = clone_results(problems, tmp_path / "problems")
    config = make_hostile(folder)
    snakemake(folder, "problems", "--cores", "2", config=config)
    snakemake(folder, "problems", "--report", "results/report.html", config=config)
    # The browser runs what can be run: this is what the other pages are spared.
    (folder / "bad.html").write_text(f"<html><script>let a = '{HOSTILE}'</script></html>", encoding="utf-8")
    assert 'data-run="yes"' in open_in_browser(folder / "bad.html")
    pages = ["report.html", "comparison/problems.html", "comparison/tiny-line/table.html", "scans/rings/table.html"]
    for page in pages:
        shown = open_in_browser(folder / "results" / page)
        assert "data-run=" not in shown.partition(">")[0] + shown.partition("<body")[0], page
        assert "&lt;/script&gt;" in shown or page == "report.html", page
    assert "Experiments of the configuration" in open_in_browser(folder / "results/report.html")
