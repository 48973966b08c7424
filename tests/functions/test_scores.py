"""Scores from elsewhere become predictions of ours: by event or by order, with the dataset's own truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jetpulse.cli import main
from jetpulse.config import Experiment
from jetpulse.config.scores import ScoreColumns
from jetpulse.errors import UserError
from jetpulse.evaluation.classification import measure_classification
from jetpulse.evaluation.files import write_combined, write_metrics, write_summary
from jetpulse.evaluation.predictions import read_predicted
from jetpulse.evaluation.scores import match_events, write_scores
from jetpulse.figures.classification_files import plot_classification_figures
from jetpulse.figures.table import write_table
from jetpulse.samples import Writer, dump_json, load_json, row_ids
from toy_jets import assert_one_line, make_block
from toys import experiment, read_rows, write_predictions_file

# Test split: six events in an order of its own; train lies beside it and must not be looked at.
EVENT = np.array([30, 10, 50, 20, 60, 40])
LABEL = np.array([0, 1, 1, 0, 1, 0])
SCORE = np.array([0.25, 0.75, 0.5, 0.5, 1.0, 0.0])


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return write_samples(tmp_path / "samples.h5", EVENT, LABEL)


def write_samples(path: Path, event: np.ndarray, label: np.ndarray) -> Path:
    jets = [[(50.0, 0.1, 0.2), (20.0, 0.0, 0.1)]] * len(event)
    block = make_block(jets, label)
    block.entries["event"] = np.asarray(event, np.int64)
    with Writer.create(path, "jets", spec={}, units={}) as writer:
        writer.append("train", make_block(jets, label, first=1000))
        writer.append("test", block)
    return path


def imported(samples: Path, content: dict[str, Any], **columns: Any) -> dict[str, np.ndarray]:
    """Import a file of these arrays; return the dataset's predictions."""
    scores, path = samples.with_name("theirs.npz"), samples.with_name("predictions.h5")
    np.savez(scores, **content)
    write_scores(scores, samples, path, "jets", ScoreColumns(**columns))
    return read_predicted(path, "jets")


def refused(samples: Path, content: dict[str, Any], *words: object, **columns: Any) -> None:
    with pytest.raises(UserError) as error:
        imported(samples, content, **columns)
    assert_one_line(error, samples.with_name("theirs.npz"), *words)
    assert not samples.with_name("predictions.h5").exists()


def test_scores_without_events_are_taken_in_order(samples):
    predicted = imported(samples, {"label": LABEL, "score": SCORE})
    assert set(predicted) == {"event", "label", "probability"}
    np.testing.assert_array_equal(predicted["event"], EVENT, strict=True)
    np.testing.assert_array_equal(predicted["label"], LABEL.astype(np.int8), strict=True)
    np.testing.assert_array_equal(predicted["probability"], np.stack([1 - SCORE, SCORE], axis=1), strict=True)


def test_scores_with_events_may_come_in_any_order(samples):
    order = [3, 0, 5, 1, 4, 2]
    content = {"id": EVENT[order], "label": LABEL[order], "score": SCORE[order]}
    predicted = imported(samples, content, event="id")
    np.testing.assert_array_equal(predicted["event"], EVENT)
    np.testing.assert_array_equal(predicted["probability"][:, 1], SCORE)


def test_two_columns_give_the_signals_probability(samples):
    predicted = imported(samples, {"label": LABEL, "probability": np.stack([1 - SCORE, SCORE], axis=1)})
    np.testing.assert_array_equal(predicted["probability"][:, 1], SCORE)


def test_logits_become_probabilities_by_the_logistic_function(samples):
    logit = np.array([0.0, np.log(3), -np.log(3), 1000.0, -1000.0, np.log(4)])
    predicted = imported(samples, {"label": LABEL, "score": logit}, meaning="logit")
    np.testing.assert_allclose(predicted["probability"][:, 1], [0.5, 0.75, 0.25, 1, 0, 0.8], rtol=1e-15)


@pytest.mark.parametrize(
    ("score", "meaning", "words"),
    [
        (lambda label, chance: label * 0.5 + chance / 2, "probability", []),
        (lambda label, chance: label * 3 + chance - 2, "logit", []),
        (lambda label, chance: label * 0.5 + chance / 2, "logit", ["as probabilities do"]),
        (lambda label, chance: label * 50 + chance + 1, "logit", ["has one sign"]),
        (lambda label, chance: 1 - label * 0.5 - chance / 2, "probability", ["larger for background than for signal"]),
        (lambda label, chance: (label + chance > 0.8) * 1.0, "probability", ["2 different values only"]),
    ],
)
def test_scores_that_may_mean_something_else_are_named(tmp_path, score, meaning, words):
    label = np.arange(200) % 2
    samples = write_samples(tmp_path / "samples.h5", 2**40 + np.arange(200), label)
    chance = np.random.default_rng(1).random(200)
    np.savez(tmp_path / "theirs.npz", label=label, score=score(label, chance))
    lines = []
    columns = ScoreColumns(meaning=meaning)
    write_scores(tmp_path / "theirs.npz", samples, tmp_path / "p.h5", "jets", columns, lines.append)
    assert [word in line for word, line in zip(words, lines[1:], strict=True)] == [True] * len(words)


def test_a_discriminant_is_kept_as_it_is(samples):
    score = np.array([-3.0, 12.5, 0.0, 1e6, 2.0, -1e-9])
    predicted = imported(samples, {"label": LABEL, "score": score}, meaning="discriminant")
    assert set(predicted) == {"event", "label", "score"}
    np.testing.assert_array_equal(predicted["score"], score, strict=True)


@given(
    event=arrays.arrays(np.int64, st.integers(0, 30), elements=st.integers(-3, 12)),
    seed=st.integers(0, 1000),
)
def test_matching_undoes_any_order_and_keeps_entries_of_one_event_in_theirs(event, seed):
    order = np.random.default_rng(seed).permutation(len(event))
    found = event[order]
    places = match_events(found, event, Path("theirs.csv"), "jets")
    np.testing.assert_array_equal(found[places], event)
    assert sorted(places.tolist()) == list(range(len(event)))
    for value in np.unique(event):
        same = places[event == value]
        np.testing.assert_array_equal(same, np.sort(same))


WRONG = {
    "too few": ({"label": LABEL[:5], "score": SCORE[:5]}, "5 entries, the test split of 'jets' has 6; give event ids"),
    "another order": ({"label": LABEL[::-1], "score": SCORE}, "label of event 50 is 0", "it is 1 (2 of 6 differ)"),
    "one label": ({"label": [0, 1, 1, 0, 1, 1], "score": SCORE}, "label of event 40 is 1", "it is 0 (1 of 6 differ)"),
    "swapped labels": ({"label": 1 - LABEL, "score": SCORE}, "every label is the other one", "1 must be the signal"),
    "wrong label by event": (
        {"label": [1, 1, 1, 0, 1, 0], "score": SCORE, "event": EVENT},
        "label of event 30 is 1, in the test split of 'jets' it is 0",
    ),
    "extra event": (
        {"label": [*LABEL, 1], "score": [*SCORE, 0.5], "event": [*EVENT, 70]},
        "entry 6: event 70 (1 such entries) is not in the test split of 'jets'",
    ),
    "missing events": (
        {"label": LABEL[2:], "score": SCORE[2:], "event": EVENT[2:]},
        "lacks event 30 (2 such entries) of the test split of 'jets'",
    ),
    "event twice": (
        {"label": [*LABEL, 1], "score": [*SCORE, 0.5], "event": [*EVENT, 50]},
        "event 50 is there 2 times, 1 times in the test split of 'jets'",
    ),
    "training split": ({"label": LABEL, "score": SCORE, "event": range(1000, 1006)}, "entry 0: event 1000 (6 such"),
    "logits": ({"label": LABEL, "score": SCORE * 4}, "entry 1: score is 3, no probability", "`scores.meaning`"),
    "negative": ({"label": LABEL, "score": -SCORE}, "entry 0: score is -0.25, no probability"),
    "no sum": ({"label": LABEL, "score": np.full((6, 2), 0.25)}, "entry 0: probabilities add up to 0.5, expected 1"),
    "minus": ({"label": LABEL, "score": np.full((6, 2), [1.5, -0.5])}, "entry 0: score is -0.5, no probability"),
}


@pytest.mark.parametrize(("content", "words"), [(c, w) for c, *w in WRONG.values()], ids=WRONG)
def test_scores_that_are_not_of_this_test_split_are_refused(samples, content, words):
    refused(samples, content, *words)


def test_two_columns_are_no_logits(samples):
    content = {"label": LABEL, "score": np.stack([1 - SCORE, SCORE], axis=1)}
    refused(samples, content, "two columns of scores are probabilities, not a logit", meaning="logit")


def test_rows_of_the_one_file_will_do_for_events(tmp_path):
    rows = np.array([9, 0, 4, 3, 2, 7])
    samples = write_samples(tmp_path / "samples.h5", row_ids(12345, rows), LABEL)
    order = np.array([3, 1, 0, 5, 4, 2])
    predicted = imported(samples, {"label": LABEL[order], "score": SCORE[order], "event": rows[order]})
    np.testing.assert_array_equal(predicted["event"], row_ids(12345, rows))
    np.testing.assert_array_equal(predicted["probability"][:, 1], SCORE)
    samples.with_name("predictions.h5").unlink()
    other = {"label": LABEL, "score": SCORE, "event": [*rows[:5], 8]}
    refused(samples, other, "entry 5: event 8 (1 such entries) is not in")
    samples = write_samples(tmp_path / "samples.h5", np.r_[row_ids(1, rows[:3]), row_ids(2, rows[3:])], LABEL)
    refused(samples, {"label": LABEL, "score": SCORE, "event": rows}, "entry 0: event 9 (6 such entries) is not in")


def test_foreign_event_ids_can_be_left_alone(samples):
    content = {"label": LABEL, "score": SCORE, "event": np.arange(6)}
    refused(samples, content, "entry 0: event 0 (6 such entries) is not in", "`event: null`")
    np.testing.assert_array_equal(imported(samples, content, event=None)["event"], EVENT)


def test_a_test_split_of_one_class_or_none_is_refused(tmp_path):
    one = write_samples(tmp_path / "one.h5", EVENT, np.ones(6, int))
    refused(one, {"label": np.ones(6), "score": SCORE}, "all labels are 1")
    none = write_samples(tmp_path / "none.h5", EVENT[:0], LABEL[:0])
    refused(none, {"label": LABEL, "score": SCORE}, "6 entries, the test split of 'jets' has 0")


def measured(samples: Path, score: np.ndarray, **columns: Any) -> dict[str, Any]:
    imported(samples, {"label": LABEL, "score": score}, **columns)
    write_metrics(samples.with_name("predictions.h5"), samples.with_name("m.json"), "classification")
    return load_json(samples.with_name("m.json"))["jets"]


def test_a_perfect_score_has_area_one_and_the_opposite_none(samples):
    perfect = measured(samples, LABEL)
    assert (perfect["auc"], perfect["accuracy"], perfect["ece"], perfect["log_loss"]) == (1, 1, 0, 0)
    assert (perfect["entries"], perfect["signal"], perfect["rejection_50"]) == (6, 3, None)
    opposite = measured(samples, 1 - LABEL)
    assert (opposite["auc"], opposite["accuracy"], opposite["rejection_50"]) == (0, 0, 1)


def test_a_discriminant_has_area_and_rejection_but_nothing_that_needs_a_probability(samples):
    # Signal 12.5, 0, 2 against background -3, 1, -5: of nine pairs one is in the wrong order.
    found = measured(samples, np.array([-3.0, 12.5, 0.0, 1.0, 2.0, -5.0]), meaning="discriminant")
    assert found["auc"] == pytest.approx(8 / 9)
    assert [found[name] for name in ("accuracy", "accuracy_error", "ece", "log_loss")] == [None] * 4
    assert (found["rejection_30"], found["rejection_50"]) == (None, None)  # both cuts lie above all background


@given(score=arrays.arrays(np.float64, 6, elements=st.integers(0, 10).map(lambda tenth: tenth / 10)))
def test_any_rising_function_of_a_score_has_the_same_curve(score):
    plain = measure_classification(LABEL, score, "ours")
    other = measure_classification(LABEL, 100 * score**3 - 7, "theirs", probability=False)
    curve = ("auc", "auc_error", "rejection_30", "rejection_30_error", "rejection_50", "rejection_50_error")
    assert [other[name] for name in curve] == [plain[name] for name in curve]


def test_the_scores_of_an_experiment_of_ours_have_its_metrics(tmp_path):
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 200)
    score = np.clip(rng.normal(0.3 + 0.4 * label, 0.3), 0, 1)
    samples = write_samples(tmp_path / "samples.h5", np.arange(200), label)
    ours = write_predictions_file(tmp_path / "ours.h5", {"jets": (label, score)})
    order = rng.permutation(200)
    np.savez(tmp_path / "b.npz", label=label[order], score=score[order], event=order)
    rows = [f"{label[i]},{score[i]!r}" for i in range(200)]
    (tmp_path / "c.csv").write_text("\n".join(["label,score", *rows]).replace("np.float64(", "").replace(")", ""))
    write_metrics(ours, tmp_path / "ours.json", "classification")
    for theirs in ("ours.h5", "b.npz", "c.csv"):
        write_scores(tmp_path / theirs, samples, tmp_path / "p.h5", "jets", ScoreColumns())
        write_metrics(tmp_path / "p.h5", tmp_path / "theirs.json", "classification")
        assert load_json(tmp_path / "theirs.json") == load_json(tmp_path / "ours.json"), theirs


def test_results_from_elsewhere_stand_beside_ours(tmp_path, samples):
    """Two files of scores: combined, in the summary and in the table, without a model."""
    files = []
    for number, score in enumerate((LABEL, SCORE), 1):
        measured(samples, score)
        files.append((samples.with_name("m.json")).rename(tmp_path / f"m{number}.json"))
    write_combined(files, [], tmp_path / "theirs.json", "jets")
    combined = load_json(tmp_path / "theirs.json")
    assert (combined["model"], combined["parameters"], combined["seeds"]) == (None, None, [1, 2])
    # SCORE has one tie in nine pairs: 0.5 of a signal and of a background entry.
    assert combined["tested"]["jets"]["auc"]["values"] == [1, pytest.approx(8.5 / 9)]
    reference = {"auc": 0.9, "source": "their paper"}
    theirs = Experiment.model_validate({"dataset": "jets", "scores": ["a.npz", "b.npz"], "reference": reference})
    ours = Experiment.model_validate(experiment().model_dump() | {"dataset": "jets"})
    dump_json(tmp_path / "ours.json", combined | {"model": "dense", "parameters": 1170})
    results = {"theirs": tmp_path / "theirs.json", "ours": tmp_path / "ours.json"}
    experiments = {"theirs": theirs, "ours": ours}
    write_summary(results, experiments, tmp_path / "s.csv", tmp_path / "t.csv")
    first, second = read_rows(tmp_path / "s.csv")
    described = ("experiment", "task", "dataset", "representation", "model", "parameters", "seeds", "entries")
    assert [first[key] for key in described] == ["theirs", "classification", "jets", "", "scores", "", "2", "6"]
    assert [second[key] for key in described[3:6]] == ["images", "dense", "1170"]
    assert first["auc"] == second["auc"] == "0.972222"
    write_table(results, "jets", experiments, [], tmp_path / "table.html")
    text = (tmp_path / "table.html").read_text(encoding="utf-8")
    # Right answers: six of six and, as 0.5 counts as background, five of six.
    assert "<td>theirs</td><td></td><td>0.92 ± 0.12" in text.replace("&nbsp;", " ")
    assert "<td>jets, test split, 6</td><td></td><td>scores from elsewhere, 2 files</td>" in text
    assert "<td>jets, test split, 6</td><td>jets</td><td>2 seeds</td>" in text


@pytest.mark.parametrize("meaning", ["probability", "discriminant"])
def test_figures_of_scores_say_what_they_are(samples, meaning):
    imported(samples, {"label": LABEL, "score": SCORE}, meaning=meaning)
    figures = [samples.with_name(f"{name}.svg") for name in ("roc", "rejection", "scores", "reliability")]
    plot_classification_figures([samples.with_name("predictions.h5")], *figures)
    titles = ["<!-- " + words + " -->" for words in ("score: probability of signal", "mean predicted probability")]
    others = ["<!-- score: larger for signal, no probability -->", "The scores are no probabilities:"]
    shown, absent = (titles, others) if meaning == "probability" else (others, titles)
    texts = [path.read_text(encoding="utf-8") for path in figures[2:]]
    for text, word, other in zip(texts, shown, absent, strict=True):
        assert word in text
        assert other not in text


def test_equal_scores_can_be_drawn(samples):
    imported(samples, {"label": LABEL, "score": np.full(6, 7.0)}, meaning="discriminant")
    figures = [samples.with_name(f"{name}.svg") for name in ("roc", "rejection", "scores", "reliability")]
    plot_classification_figures([samples.with_name("predictions.h5")], *figures)
    assert all(path.is_file() for path in figures)


def test_the_verb_says_what_it_did_and_a_mistake_is_one_line(samples, capsys):
    path, out = samples.with_name("theirs.csv"), samples.with_name("p.h5")
    path.write_text("id,label,p\n" + "".join(f"{e},{x},0.5\n" for e, x in zip(EVENT, LABEL, strict=True)))
    call = ["import-scores", str(path), str(samples), str(out), "--dataset", "jets", "--spec"]
    assert main([*call, '{"score": "p", "event": "id"}']) == 0
    log = capsys.readouterr().err
    assert "6 entries found by their events" in log
    assert f"wrote {out}" in log
    out.unlink()
    assert main([*call, '{"score": "q"}']) == 1
    assert f"jetpulse import-scores: {path}: no score 'q', found id, label, p" in capsys.readouterr().err
    assert main([*call, '{"scores": "p"}']) == 1
    assert "--spec: scores: unknown key; did you mean 'score'?" in capsys.readouterr().err
    assert not out.exists()
