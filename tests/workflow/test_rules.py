"""Every rule without the others, run by Snakemake on the tiny analysis' files: it makes the same bytes again."""

import shutil
from pathlib import Path

import pytest

from tests.workflow.support import ROOT, clone_results, make_again, snakemake
from tests.workflow.test_problems import GROUPS as PROBLEMS

# Rules that run in one go, and an output of each: none reads what another one of its group writes.
GROUPS = {
    "sources and models": {
        "simulate_jets": "data/tiny/raw/qcd-1.h5",
        "build_pulse_samples": "data/tiny-pulses/samples.h5",
        "build_spectra": "data/tiny-spectra/samples.h5",
        "build_jet_images": "data/tiny-particles/small-images.h5",
        "train": "results/tiny-dense/seed3/model.safetensors",
        "calibrate": "results/tiny-cnn/seed1/calibration.json",
        "combine": "results/tiny-cnn/metrics.json",
    },
    "samples and predictions": {
        "build_jet_samples": "data/tiny/samples.h5",
        "predict": "results/tiny-cnn/seed1/predictions.h5",
    },
    "measures": {
        "evaluate": "results/tiny-cnn/seed1/metrics.json",
        "plot_sculpting": "results/tiny-cnn/sculpting.json",
        "validate_jets": "results/datasets/tiny/jets/validation.json",
    },
    "on request": {
        "export_jets": "data/tiny/export/test.root",
        "export_onnx": "results/tiny-cnn/seed1/model.onnx",
    },
    "figures and tables": {
        "compare": "results/summary.csv",
        "release": "results/tiny-cnn/release/model.json",
        "plot_jets": "results/datasets/tiny/small-images/average.svg",
        "plot_training": "results/tiny-cnn/figures/training.svg",
        "plot_classification": "results/tiny-cnn/figures/roc.svg",
        "plot_pulses": "results/datasets/tiny-pulses/pulses/traces.svg",
        "plot_spectra": "results/datasets/tiny-spectra/spectra/fluxes.svg",
        "plot_localisation": "results/tiny-pulse-cnn/figures/probabilities.svg",
        "plot_kernels": "results/tiny-pulse-reference/figures/kernels.svg",
        "plot_localisation_comparison": "results/comparison/tiny-pulses/residuals.svg",
        "plot_reconstruction": "results/tiny-autoencoder/figures/latent.svg",
        "plot_variational": "results/tiny-vae/figures/generated.svg",
        "plot_adversarial": "results/tiny-gan/figures/generated.svg",
        "plot_saliency": "results/tiny-cnn/figures/saliency.svg",
        "tabulate": "results/comparison/tiny/table.html",
        "plot_comparison": "results/comparison/tiny/rejection.svg",
        "plot_jet_agreement": "results/comparison/tiny/agreement-tiny-particles.svg",
        "plot_transfers": "results/comparison/transfers.html",
        "summarise_scan": "results/scans/tiny-data/scan.svg",
    },
}


@pytest.mark.parametrize("group", GROUPS)
def test_rules_make_their_outputs_again(group: str, chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")
    if group == "on request":
        snakemake(folder, *GROUPS[group].values(), "--cores", "1")
    assert make_again(folder, GROUPS[group]) == []
    shutil.rmtree(folder)


def test_every_rule_is_tested() -> None:
    written = {
        line.split()[1].rstrip(":")
        for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("rule ")
    }
    # Their tests are in test_fetch.py, test_scores.py, test_scans.py and test_observables.py.
    elsewhere = {"fetch", "import_scores", "search", "build_jet_observables", "plot_jet_observables"}
    here = [rule for group in (*GROUPS.values(), *PROBLEMS.values()) for rule in group]
    assert len(here) == len(set(here))
    assert written == {*here, *elsewhere}


def test_a_rule_that_fails_shows_one_line_and_leaves_no_output(chain: Path, tmp_path: Path) -> None:
    folder = clone_results(chain, tmp_path / "chain")
    (folder / "data/tiny/samples.h5").write_bytes(b"")
    target = "data/tiny/small-images.h5"
    text = snakemake(folder, target, "--allowed-rules", "build_jet_images", "--force", "--cores", "1", check=False)
    assert "data/tiny/samples.h5: the file is empty (0 bytes)" in text
    assert "Traceback" not in text
    assert not (folder / target).exists()
