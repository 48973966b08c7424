"""The numbers that the project promises, from the full analysis; minutes long, so `make test-all` only."""

import csv
from pathlib import Path

import pytest
import yaml

from tests.workflow.support import copy_project, edit, snakemake

FIRST = "top_landscape_test_first1000.h5"


@pytest.mark.slow
def test_networks_trained_on_simulation_reach_their_targets_on_simulated_and_on_real_jets(
    real_data: Path, tmp_path: Path
) -> None:
    folder = copy_project(tmp_path / "full")
    # The first jets of the file that the config fetches.
    edit(folder / "config/real-jets.yaml", "data/downloads/top-landscape/test.h5", f"{real_data}/{FIRST}")
    snakemake(folder, "--cores", "all", config="config/real-jets.yaml")
    with (folder / "results/summary.csv").open(encoding="utf-8") as handle:
        own = {row["experiment"]: row for row in csv.DictReader(handle)}
    with (folder / "results/transfers.csv").open(encoding="utf-8") as handle:
        real = {row["experiment"]: row for row in csv.DictReader(handle)}
    assert float(own["top-cnn"]["accuracy"]) >= 0.895
    assert float(own["top-cnn"]["auc"]) >= 0.960
    assert float(own["top-cnn"]["auc"]) > float(own["top-dense"]["auc"])
    assert float(real["top-cnn"]["auc"]) >= 0.950


@pytest.mark.slow
def test_the_deep_network_places_pulses_within_a_twentieth_of_a_bin(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "full")
    snakemake(folder, "--cores", "all", config="config/pulses.yaml")
    with (folder / "results/summary.csv").open(encoding="utf-8") as handle:
        rows = {row["experiment"]: row for row in csv.DictReader(handle)}
    assert float(rows["pulse-cnn"]["accuracy"]) >= 0.997
    assert float(rows["pulse-cnn"]["rmse"]) <= 0.05
    # The range of the original network over seeds, median of five.
    assert float(rows["pulse-reference"]["accuracy"]) >= 0.928
    assert float(rows["pulse-reference"]["rmse"]) <= 0.67


@pytest.mark.slow
def test_spectra_are_understood_and_made_up(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "full")
    snakemake(folder, "--cores", "all", "spectra", "results/summary.csv", config=only_spectra(folder))
    with (folder / "results/summary.csv").open(encoding="utf-8") as handle:
        rows = {row["experiment"]: row for row in csv.DictReader(handle)}
    assert float(rows["spectra-vae"]["flux_correlation"]) >= 0.98
    assert float(rows["spectra-gan"]["two_sample_auc_neighbours"]) <= 0.55
    assert float(rows["spectra-gan"]["density"]) >= 0.9


def only_spectra(folder: Path) -> str:
    """Write the default configuration's part on spectra; return its path."""
    config = yaml.safe_load((folder / "config/config.yaml").read_text(encoding="utf-8"))
    config["experiments"] = {k: v for k, v in config["experiments"].items() if k.startswith("spectra")}
    (folder / "config/spectra.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return "config/spectra.yaml"
