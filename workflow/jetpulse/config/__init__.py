"""Typed configuration: models of every section, loading with errors a person can act on, generated documents."""

from jetpulse.config.datasets import JetDataset, Simulation, Waveforms
from jetpulse.config.load import check_files, expand_path, load_config, parse_config, read_yaml
from jetpulse.config.models import Analysis, Experiment, Experiments, JetImage, Training

__all__ = [
    "Analysis",
    "Experiment",
    "Experiments",
    "JetDataset",
    "JetImage",
    "Simulation",
    "Training",
    "Waveforms",
    "check_files",
    "expand_path",
    "load_config",
    "parse_config",
    "read_yaml",
]
