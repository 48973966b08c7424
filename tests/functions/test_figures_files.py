"""From results to figures and tables: what is read, what is refused, what the table says."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jetpulse.config import Experiment, JetImage
from jetpulse.errors import UserError
from jetpulse.fetch.references import published_on
from jetpulse.figures.classification_files import plot_classification_figures
from jetpulse.figures.comparison import plot_comparison_figures
from jetpulse.figures.jet_files import plot_jet_figures
from jetpulse.figures.table import write_table
from jetpulse.figures.training_files import plot_training_figure, read_history
from jetpulse.samples import Writer, dump_json
from toy_jets import assert_one_line, make_block, random_jets
from toys import experiment, reseal, write_predictions_file

REFERENCES = """sample,tagger,accuracy,auc,rejection_50,rejection_30,rejection_30_error,source,split,training_size
public,CNN <old>,0.931,0.9814,,914,14,A & B,all 9,"1,211,000"
public,PFN,0.932,0.9821,257,890,,arXiv
public,TopoDNN,0.916,,,,,arXiv
mine,Mine,0.5,0.5,2,3,,me
"""
SPEC = JetImage(kind="jet-image", pixels=9)
HISTORY = "epoch,train_loss,val_loss\n1,0.7,0.8\n2,0.5,0.6\n"


class Table(HTMLParser):
    """The cells of a table's rows, and the class of each row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.kinds: list[str | None] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
            self.kinds.append(dict(attrs).get("class"))
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


@pytest.fixture
def references(tmp_path) -> Path:
    path = tmp_path / "references.csv"
    path.write_text(REFERENCES)
    return path


def metric(median: float | None, spread: float | None = None, error: float | None = None) -> dict[str, Any]:
    return {"median": median, "spread": spread, "error": error, "values": [median]}


def write_result(path: Path, rejection: dict[str, Any], spread: float | None = 0.002) -> Path:
    measured = {"entries": 12345, "accuracy": metric(0.9, spread, 0.001), "auc": metric(0.97654321)}
    measured |= {"rejection_50": metric(250.4), "rejection_30": rejection, "ece": {"median": 0.01, "spread": None}}
    described = {"dataset": "a<b", "parameters": 216546, "seeds": [1, 2, 3], "training_size": 14000}
    dump_json(path, described | {"tested": {"toys": measured}})
    return path


def defined(**references: dict[str, Any] | None) -> dict[str, Experiment]:
    """Return experiments by name, each with its reference."""
    plain = experiment().model_dump()
    return {name: Experiment.model_validate(plain | {"reference": given}) for name, given in references.items()}


def test_references_are_those_of_the_sample(references):
    assert [row["tagger"] for row in published_on("public", references)] == ["CNN <old>", "PFN", "TopoDNN"]


def test_an_unknown_sample_is_refused_with_those_that_there_are(references):
    with pytest.raises(UserError) as error:
        published_on("publik", references)
    assert_one_line(error, references, "'publik'", "public, mine")


def test_missing_references_are_refused(tmp_path):
    with pytest.raises(UserError) as error:
        published_on("public", tmp_path / "none.csv")
    assert_one_line(error, tmp_path / "none.csv", "no such file")


def test_the_table_by_hand(references, tmp_path):
    results = {
        "cnn": write_result(tmp_path / "a.json", metric(1000.0, 50.0, 80.0)),
        "<i>x</i>": write_result(tmp_path / "b.json", metric(None), spread=None),
    }
    given = {"auc": 0.98, "log_loss": 0.25, "sample": "theirs", "split": "val", "training_size": 6000}
    experiments = defined(**{"cnn": given | {"source": "a <b>ook"}, "<i>x</i>": None})
    write_table(results, "toys", experiments, published_on("public", references), tmp_path / "t.html")
    text = (tmp_path / "t.html").read_text(encoding="utf-8").replace("&nbsp;", " ")
    table = Table(text)
    assert table.kinds == [None, "ours", "ours", "published", "published", "published", "reference"]
    assert table.rows[0][:4] == ["experiment or reference", "parameters", "accuracy", "AUC"]
    assert table.rows[0][-3:] == ["tested on", "learned from", "source"]
    trained = ["toys, test split, 12,345", "14,000 of a<b", "3 seeds"]
    accuracy, rejection = "0.9000 ± 0.0020 (0.0010)", "1000 ± 50 (80)"
    assert table.rows[1] == ["cnn", "216,546", accuracy, "0.9765", rejection, "250.4", "0.0100", *trained]
    assert table.rows[2][0] == "<i>x</i>"
    assert table.rows[2][2] == "0.9000 (0.0010)"
    assert table.rows[2][4] == "∞ no background passes"
    assert table.rows[3] == [
        "CNN <old>",
        "",
        "0.931",
        "0.9814",
        "914 (14)",
        "",
        "",
        "public, all 9",
        "1,211,000",
        "A & B",
    ]
    assert table.rows[5][2:6] == ["0.916", "", "", ""]
    assert table.rows[6] == [
        "reference of cnn",
        "",
        "",
        "0.98",
        *[""] * 3,
        "theirs, val",
        "6,000",
        "log_loss 0.25; a <b>ook",
    ]
    assert "<i>" not in text


def test_the_table_has_no_published_rows_without_references(tmp_path):
    results = {"cnn": write_result(tmp_path / "a.json", metric(9.0))}
    write_table(results, "toys", defined(cnn=None), [], tmp_path / "t.html")
    assert Table((tmp_path / "t.html").read_text(encoding="utf-8")).kinds == [None, "ours"]


def test_every_task_has_a_table_of_its_own(references, tmp_path):
    finder = {"task": "localisation", "dataset": "toys", "model": {"name": "dense"}}
    finder["reference"] = {"rmse": 0.405, "source": "notebook"}
    experiments = {"finder": Experiment.model_validate(finder)} | defined(cnn=None)
    measured = {"entries": 10, "accuracy": metric(0.9, None, 0.1), "rmse": metric(None), "log_loss": metric(0.15, 0.01)}
    described = {"dataset": "toys", "parameters": 51, "seeds": [1], "tested": {"toys": measured}}
    dump_json(tmp_path / "f.json", described)
    results = {"finder": tmp_path / "f.json", "cnn": write_result(tmp_path / "a.json", metric(9.0))}
    write_table(results, "toys", experiments, published_on("mine", references), tmp_path / "t.html")
    text = (tmp_path / "t.html").read_text(encoding="utf-8").replace("&nbsp;", " ")
    assert text.count("<table>") == 2
    table = Table(text)
    assert table.kinds == [None, "ours", "published", None, "ours", "reference"]
    assert table.rows[3][:5] == [
        "experiment or reference",
        "parameters",
        "accuracy",
        "RMSE of the mean bin",
        "log loss",
    ]
    ours = ["finder", "51", "0.90 (0.10)", "not defined", "0.150 ± 0.010"]
    assert table.rows[4] == [*ours, "toys, test split, 10", "toys", "1 seed"]  # no columns that no row has
    assert table.rows[5][:4] == ["reference of finder", "", "", "0.405"]


def test_results_that_do_not_belong_in_a_table_are_refused(tmp_path):
    results = {"cnn": write_result(tmp_path / "a.json", metric(9.0))}
    with pytest.raises(UserError) as error:
        write_table(results, "toys", defined(net=None), [], tmp_path / "t.html")
    assert_one_line(error, "--results cnn", "net")
    with pytest.raises(UserError) as error:
        write_table(results, "others", defined(cnn=None), [], tmp_path / "t.html")
    assert_one_line(error, tmp_path / "a.json", "'cnn'", "'others'")
    assert not (tmp_path / "t.html").exists()


def predictions(path: Path, *names: str) -> Path:
    rng = np.random.default_rng(1)
    label = np.arange(60) % 2
    return write_predictions_file(path, dict.fromkeys(names, (label, rng.uniform(0.1, 0.6, 60) + 0.3 * label)))


def test_a_comparison_is_drawn_with_published_points(references, tmp_path):
    files = {"a-net": [predictions(tmp_path / "1.h5", "toys")] * 2, "b-net": [predictions(tmp_path / "2.h5", "toys")]}
    rows = published_on("public", references)
    plot_comparison_figures(files, "toys", rows, tmp_path / "roc.svg", tmp_path / "rejection.svg")
    roc, rejection = ((tmp_path / name).read_text() for name in ("roc.svg", "rejection.svg"))
    assert "PFN" in rejection
    assert "PFN" not in roc
    assert "TopoDNN" not in rejection  # no published rejection
    assert "a-net, AUC" in roc


def test_an_experiment_that_was_not_tested_on_the_dataset_is_refused(tmp_path):
    files = {"a-net": [predictions(tmp_path / "1.h5", "toys")], "b-net": [predictions(tmp_path / "2.h5", "others")]}
    with pytest.raises(UserError) as error:
        plot_comparison_figures(files, "toys", [], tmp_path / "roc.svg", tmp_path / "rejection.svg")
    assert_one_line(error, "toys", "'b-net'")
    assert not list(tmp_path.glob("*.svg"))


def classification_figures(folder: Path, *files: Path) -> list[Path]:
    figures = [folder / f"{name}.svg" for name in ("roc", "rejection", "scores", "reliability")]
    plot_classification_figures(files, *figures)
    return figures


def test_the_figures_of_a_classifier_name_every_dataset(tmp_path):
    files = [predictions(tmp_path / f"{seed}.h5", "toys", "others") for seed in (1, 2)]
    for figure in classification_figures(tmp_path, *files):
        assert {"toys", "others"} <= set(re.findall("toys|others", figure.read_text()))


def test_a_dataset_of_one_class_cannot_be_drawn(tmp_path):
    path = write_predictions_file(tmp_path / "p.h5", {"toys": ([1, 1], [0.4, 0.6])})
    with pytest.raises(UserError) as error:
        classification_figures(tmp_path, path)
    assert_one_line(error, path, "toys", "needs both")


def history(folder: Path, text: str, **description: object) -> None:
    """Write a history.csv and a model.json that describes it."""
    (folder / "history.csv").write_text(text)
    reseal(folder / "model.safetensors", **description)


def test_a_history_is_read_by_column(tmp_path):
    history(tmp_path, HISTORY, best_epoch=2)
    columns = read_history(tmp_path / "history.csv")
    assert {name: values.tolist() for name, values in columns.items()} == {
        "epoch": [1, 2],
        "train_loss": [0.7, 0.5],
        "val_loss": [0.8, 0.6],
    }
    plot_training_figure({1: tmp_path / "history.csv"}, tmp_path / "t.svg")
    assert "seed 1" in (tmp_path / "t.svg").read_text()


@pytest.mark.parametrize("description", [{}, {"best_epoch": 3}, {"best_epoch": 0}, {"best_epoch": "last"}])
def test_a_description_of_another_training_is_refused(description, tmp_path):
    history(tmp_path, HISTORY, **description)
    with pytest.raises(UserError) as error:
        plot_training_figure({1: tmp_path / "history.csv"}, tmp_path / "t.svg")
    assert_one_line(error, tmp_path / "model.json", "expected 1 to 2")


@pytest.mark.parametrize(
    "text",
    ["", "epoch,train_loss,val_loss\n", "epoch,val_loss\n1,low\n", "epoch,val_loss\n1\n", "a,b\n1,2\n"],
    ids=["empty", "no epochs", "no number", "a row too short", "other columns"],
)
def test_what_is_no_history_is_refused(text, tmp_path):
    history(tmp_path, text)
    with pytest.raises(UserError) as error:
        plot_training_figure({1: tmp_path / "history.csv"}, tmp_path / "t.svg")
    assert_one_line(error, tmp_path / "history.csv", "history")


def test_a_history_that_has_changed_is_refused(tmp_path):
    history(tmp_path, HISTORY, best_epoch=2)
    (tmp_path / "history.csv").write_text(HISTORY.replace("0.8", "0.4"))
    with pytest.raises(UserError) as error:
        read_history(tmp_path / "history.csv")
    assert_one_line(error, tmp_path / "history.csv", "checksum")


def test_a_history_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        read_history(tmp_path / "h.csv")
    assert_one_line(error, tmp_path / "h.csv", "no such file")


def draw_jets(folder: Path, jets: list, spec: JetImage = SPEC, **labels: Any) -> int:
    with Writer.create(folder / "samples.h5", "jets", spec={}, units={}) as writer:
        writer.append("train", make_block(jets, **labels))
    figures = [folder / f"{name}.svg" for name in ("average", "single")]
    return plot_jet_figures(folder / "samples.h5", spec, *figures)


def test_the_figures_of_jets_show_every_stage_and_both_classes(tmp_path):
    assert draw_jets(tmp_path, random_jets(1, 10)) == 10
    average = (tmp_path / "average.svg").read_text()
    for text in ("around the jet axis", "+ centre", "+ rotate", "+ normalise", "top", "QCD"):
        assert f"<!-- {text}" in average
    assert {"top", "QCD"} <= set(re.findall("top|QCD", (tmp_path / "single.svg").read_text()))


@pytest.mark.parametrize("number", [1, 2], ids=["one jet", "one of each class"])
def test_very_few_jets_are_drawn(tmp_path, number):
    assert draw_jets(tmp_path, random_jets(2, number)) == number


def test_jets_outside_of_the_image_are_drawn(tmp_path):
    jets = [[(300.0, 0.0, 0.0), (300.0, 0.0, 2.0)], [(200.0, 1.0, 0.0), (200.0, 1.0, 2.0)]]
    narrow = JetImage(kind="jet-image", pixels=9, half_width=0.1, steps=[])
    assert draw_jets(tmp_path, jets, narrow) == 2


def test_a_dataset_without_jets_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        draw_jets(tmp_path, [])
    assert_one_line(error, tmp_path / "samples.h5", "no jets")
