"""The three unsupervised networks on the file of 200 measured spectra, as config/real-spectra.yaml trains them."""

import json
from pathlib import Path

import pytest

from jetpulse.config import load_config, parse_config, read_yaml
from jetpulse.evaluation.files import write_metrics
from jetpulse.spectra.files import write_samples
from jetpulse.training.files import write_model
from jetpulse.training.trained import write_predictions

CONFIG = Path(__file__).parents[2] / "config/real-spectra.yaml"


@pytest.fixture(scope="module")
def samples(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "samples.h5"
    value = read_yaml(CONFIG)
    files = {"files": str(real_data / "spectra_data.hf5"), "targets": str(real_data / "spectra_targets.hf5")}
    value["datasets"]["real-spectra"]["source"] = files  # in place of the download, which they are
    counts = write_samples(path, parse_config(value, str(CONFIG)).datasets["real-spectra"])
    assert counts == {"train": 120, "val": 0, "test": 80}
    return path


@pytest.mark.parametrize("name", ["real-autoencoder", "real-vae", "real-gan"])
def test_a_short_training_goes_through_to_finite_measures(name: str, samples: Path, tmp_path: Path) -> None:
    experiment = load_config(CONFIG).experiments[name]
    short = experiment.training.model_copy(update={"steps": 300})
    experiment = experiment.model_copy(update={"training": short})
    write_model(samples, tmp_path / "model.safetensors", experiment, 1)
    write_predictions(tmp_path / "model.safetensors", tmp_path / "p.h5", {"real-spectra": samples})
    write_metrics(tmp_path / "p.h5", tmp_path / "m.json", experiment.task, {"real-spectra": samples})
    measured = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["real-spectra"]
    assert measured["entries"] == 80
    if experiment.task != "adversarial":
        assert measured["flux_correlation"] > 0.9
    else:
        # The expectation is not known for measured spectra, counts can be compared.
        assert measured["two_sample_auc"] is None
        assert 0 <= measured["two_sample_auc_counts"] <= 1
