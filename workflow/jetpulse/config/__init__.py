"""Typed configuration: models of every section, loading with errors a person can act on, generated documents."""

from jetpulse.config.expansion import expand_scans
from jetpulse.config.jet_formats import Fields, Label
from jetpulse.config.jets import JetDataset, JetImage, JetSource, Simulation
from jetpulse.config.load import add_sections, load_config, parse_config
from jetpulse.config.models import Analysis, Experiment, Experiments
from jetpulse.config.observables import JetObservables
from jetpulse.config.paths import check_files, expand_path
from jetpulse.config.problems import Columns, ProblemDataset
from jetpulse.config.pulses import PulseDataset, Waveforms
from jetpulse.config.scans import Scan, ScanPlan
from jetpulse.config.spectra import Counts, SpectrumDataset
from jetpulse.config.splits import Split
from jetpulse.config.training import Training
from jetpulse.config.yaml_files import read_yaml

__all__ = [
    "Analysis",
    "Columns",
    "Counts",
    "Experiment",
    "Experiments",
    "Fields",
    "JetDataset",
    "JetImage",
    "JetObservables",
    "JetSource",
    "Label",
    "ProblemDataset",
    "PulseDataset",
    "Scan",
    "ScanPlan",
    "Simulation",
    "SpectrumDataset",
    "Split",
    "Training",
    "Waveforms",
    "add_sections",
    "check_files",
    "expand_path",
    "expand_scans",
    "load_config",
    "parse_config",
    "read_yaml",
]
