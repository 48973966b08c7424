"""The numbers that the project promises, from the full analysis; minutes long, so `make test-all` only."""

import csv
from pathlib import Path

import pytest

from tests.workflow.support import copy_project, snakemake


@pytest.mark.slow
def test_networks_trained_on_simulation_reach_their_targets_on_simulated_and_on_real_jets(
    real_data: Path, tmp_path: Path
) -> None:
    folder = copy_project(tmp_path / "full")
    snakemake(folder, "--cores", "all", config="config/real-jets.yaml")
    with (folder / "results/summary.csv").open(encoding="utf-8") as handle:
        own = {row["experiment"]: row for row in csv.DictReader(handle)}
    with (folder / "results/transfers.csv").open(encoding="utf-8") as handle:
        real = {row["experiment"]: row for row in csv.DictReader(handle)}
    assert float(own["top-cnn"]["accuracy"]) >= 0.895
    assert float(own["top-cnn"]["auc"]) >= 0.960
    assert float(own["top-cnn"]["auc"]) > float(own["top-dense"]["auc"])
    assert float(real["top-cnn"]["auc"]) >= 0.950
