"""One temperature that makes a classifier as certain as it may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetpulse.cli import main
from jetpulse.config import Experiment
from jetpulse.errors import UserError
from jetpulse.evaluation.calibration import (
    LIMITS,
    adaptive_calibration_error,
    calibrated,
    fit_temperature,
    log_loss,
    logits_of,
    read_temperature,
    write_calibration,
)
from jetpulse.evaluation.classification import auc_with_error
from jetpulse.evaluation.files import write_metrics
from jetpulse.figures.classification import reliability_diagram
from jetpulse.figures.classification_files import plot_classification_figures
from jetpulse.samples import Block, Writer, dump_json, load_json, read_attributes, read_block
from jetpulse.training.files import write_model
from jetpulse.training.trained import write_predictions
from toy_jets import assert_one_line
from toys import specification, task_experiment, write_images, write_predictions_file, write_spectra


def drawn(temperature: float, n: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Return labels that follow true probabilities, and probabilities whose logits are the true ones times T."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(int)
    return label, 1 / (1 + np.exp(-logits * temperature))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    label, score = drawn(temperature)
    found = fit_temperature(label, score)
    assert found == pytest.approx(temperature, rel=0.03)
    assert found == fit_temperature(label, score)
    after = calibrated(score, found)
    assert adaptive_calibration_error(label, after) < 0.01
    if temperature != 1.0:
        assert adaptive_calibration_error(label, score) > 5 * adaptive_calibration_error(label, after)


def test_by_hand():
    # Three of four right at probability 0.9: the best probability is 3/4, and log 9 / T = log 3.
    label, score = np.array([1, 1, 1, 0]), np.full(4, 0.9)
    assert fit_temperature(label, score) == pytest.approx(2.0, rel=1e-6)
    assert calibrated(score, 2.0) == pytest.approx([0.75] * 4)
    assert log_loss(label, score, 2.0) == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert log_loss(label, score) == pytest.approx(-0.75 * np.log(0.9) - 0.25 * np.log(0.1))


def test_the_fit_is_no_worse_than_any_other_temperature():
    label, score = drawn(2.0, 500)
    best = log_loss(label, score, fit_temperature(label, score))
    assert all(best <= log_loss(label, score, t) + 1e-12 for t in np.geomspace(*LIMITS, 200))


@pytest.mark.parametrize(("label", "limit"), [([0, 1], LIMITS[0]), ([1, 0], LIMITS[1])])
def test_classes_that_do_not_overlap_or_are_swapped_end_at_a_limit(label, limit):
    assert fit_temperature(np.array(label), np.array([0.1, 0.9])) == pytest.approx(limit, rel=1e-3)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.floats(0.05, 20),
)
def test_calibration_keeps_order_and_range(scores, temperature):
    score = np.sort(np.array(scores))
    after = calibrated(score, temperature)
    assert np.all((after >= 0) & (after <= 1))
    assert np.all(np.diff(after) >= 0)
    np.testing.assert_array_equal(calibrated(score, temperature) > 0.5, after > 0.5)
    np.testing.assert_allclose(calibrated(score, 1.0), score, rtol=1e-9, atol=1e-300)


def test_probabilities_of_0_and_1_have_finite_logits():
    assert np.all(np.isfinite(logits_of(np.array([0.0, 1.0]))))
    assert np.isfinite(log_loss(np.array([1, 0]), np.array([0.0, 1.0])))


def test_bins_of_the_error_hold_equally_many_entries():
    score = np.array([0.1, 0.1, 0.1, 0.1, 0.8, 0.8])
    label = np.array([0, 0, 0, 1, 1, 1])
    assert adaptive_calibration_error(label, score, bins=2) == pytest.approx((3 * 0.1 + 3 * abs(1.7 / 3 - 1)) / 6)
    assert adaptive_calibration_error(label[:1], score[:1]) == pytest.approx(0.1)


@pytest.fixture
def trained(tmp_path):
    images, model = write_images(tmp_path / "images.h5"), tmp_path / "seed1" / "model.safetensors"
    write_model(images, model, Experiment.model_validate(specification({"epochs": 3})), 1)
    return images, model


def test_a_network_is_calibrated_on_its_validation_split(tmp_path, trained):
    images, model = trained
    fitted = write_calibration(model, images, tmp_path / "c.json")
    assert load_json(tmp_path / "c.json") == fitted
    assert fitted["entries"] == 30
    assert fitted["val_calibrated_log_loss"] <= fitted["val_log_loss"]
    # The same from predictions of a file whose test split is that validation split.
    attributes = {name: read_attributes(images)[name] for name in ("spec", "units", "shape", "dataset", "outputs")}
    with Writer.create(tmp_path / "swapped.h5", "jet-image", **attributes) as writer:
        writer.append("test", read_block(images, "val"))
    write_predictions(model, tmp_path / "p.h5", {"toys": tmp_path / "swapped.h5"})
    predicted = read_block(tmp_path / "p.h5", "toys").entries
    assert fit_temperature(predicted["label"], predicted["probability"][:, 1]) == fitted["temperature"]


def test_the_metrics_tell_what_calibration_changes(tmp_path):
    label, score = drawn(3.0, 2000)
    predictions = write_predictions_file(tmp_path / "p.h5", {"toys": (label, score)})
    dump_json(tmp_path / "c.json", {"temperature": 3.0})
    write_metrics(predictions, tmp_path / "m.json", "classification", calibration=tmp_path / "c.json")
    write_metrics(predictions, tmp_path / "raw.json", "classification")
    metrics, raw = load_json(tmp_path / "m.json")["toys"], load_json(tmp_path / "raw.json")["toys"]
    assert {name: metrics[name] for name in raw} == raw
    assert set(metrics) - set(raw) == {"temperature", "calibrated_log_loss", "calibrated_ece"}
    assert metrics["temperature"] == 3.0
    assert metrics["calibrated_log_loss"] < metrics["log_loss"] - 0.1
    assert metrics["calibrated_ece"] < metrics["ece"] / 3
    # Calibration changes no order.
    assert auc_with_error(label, calibrated(score, 3.0))[0] == pytest.approx(metrics["auc"])


@pytest.mark.parametrize("content", [{}, {"temperature": 0.0}, {"temperature": "1"}, [], {"temperature": -1.0}])
def test_what_is_no_calibration_is_refused(tmp_path, content):
    dump_json(tmp_path / "c.json", content)
    with pytest.raises(UserError) as error:
        read_temperature(tmp_path / "c.json")
    assert_one_line(error, "c.json", "positive number")


def test_other_tasks_and_scores_without_probabilities_cannot_be_calibrated(tmp_path):
    dump_json(tmp_path / "c.json", {"temperature": 2.0})
    with pytest.raises(UserError) as error:
        write_metrics(tmp_path / "p.h5", tmp_path / "m.json", "localisation", calibration=tmp_path / "c.json")
    assert_one_line(error, "--calibration", "localisation")
    with Writer.create(tmp_path / "p.h5", "predictions", spec={}, units={}) as writer:
        writer.append("toys", Block({"event": np.arange(2), "label": np.array([0, 1]), "score": np.array([-1.0, 2.0])}))
    with pytest.raises(UserError) as error:
        write_metrics(tmp_path / "p.h5", tmp_path / "m.json", "classification", calibration=tmp_path / "c.json")
    assert_one_line(error, "p.h5: toys", "no probabilities")


def test_networks_and_inputs_that_do_not_fit_are_refused(tmp_path, trained):
    _, model = trained
    others = write_images(tmp_path / "other.h5", steps=("centre",))
    short = write_images(tmp_path / "short.h5", sizes={"train": 10, "val": 0, "test": 10})
    spectra, vae = write_spectra(tmp_path / "spectra.h5"), tmp_path / "vae" / "model.safetensors"
    write_model(spectra, vae, task_experiment("variational", {"epochs": 1, "normalise": "residual"}), 1)
    for network, inputs, fragments in (
        (model, others, ["made with", "trained on"]),
        (model, short, ["'val'"]),
        (vae, spectra, ["variational", "classification"]),
    ):
        with pytest.raises(UserError) as error:
            write_calibration(network, inputs, tmp_path / "c.json")
        assert_one_line(error, *fragments)
    assert not (tmp_path / "c.json").exists()


def test_the_command_writes_what_was_fitted(tmp_path, trained, capsys):
    images, model = trained
    assert main(["calibrate", str(model), str(images), str(tmp_path / "c.json")]) == 0
    assert f"temperature {load_json(tmp_path / 'c.json')['temperature']:.6g}" in capsys.readouterr().err


def test_the_figure_shows_reliability_before_and_after():
    label, score = drawn(3.0, 3000)
    plain = reliability_diagram({"toys": [(label, score)]})
    both = reliability_diagram({"toys": [(label, score)]}, temperatures=[3.0])
    assert len(both.axes[0].containers) == len(plain.axes[0].containers) + 1 == 2
    before, after = (container.lines[0].get_xydata() for container in both.axes[0].containers)
    assert np.abs(after[:, 0] - after[:, 1]).max() < np.abs(before[:, 0] - before[:, 1]).max() / 2
    told = [text.get_text() for text in both.axes[0].get_legend().get_texts()]
    assert told[2].startswith("at temperature 3.00: 0.0")


def test_every_training_needs_its_calibration(tmp_path):
    predictions = [write_predictions_file(tmp_path / f"{i}.h5", {"toys": ([0, 1], [0.2, 0.8])}) for i in range(2)]
    dump_json(tmp_path / "c.json", {"temperature": 2.0})
    figures = [tmp_path / f"{name}.svg" for name in ("roc", "rejection", "scores", "reliability")]
    with pytest.raises(UserError) as error:
        plot_classification_figures(predictions, *figures, [tmp_path / "c.json"])
    assert_one_line(error, "1 files", "2 predictions")
    plot_classification_figures(predictions, *figures, [tmp_path / "c.json"] * 2)
    assert all(figure.exists() for figure in figures)
