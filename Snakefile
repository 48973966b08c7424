"""jetpulse: from simulation to report, `snakemake --cores N`; the targets are explained in README.md."""

import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.19")


# Before all else: what it starts begins again from here.
include: "workflow/rules/arrays.smk"


# The default analysis is the one beside this file, wherever it is run from.
DEFAULT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)) / "config/config.yaml"


# A file given with --configfile stands in place of the default analysis; merging two analyses would run both. What is
# given with --config changes one of them, or is a whole analysis.
if not workflow.overwrite_configfiles and not {"datasets", "experiments"} <= config.keys():
    if not Path("config/config.yaml").exists():
        raise WorkflowError(f"no config/config.yaml in {os.getcwd()}: name the analysis with --configfile")

    configfile: "config/config.yaml"


# Beside the default analysis, whatever name it was given by: what is made when it is asked for and is in no summary.
given_files = {Path(file).resolve() for file in workflow.configfiles if Path(file).exists()}
ON_REQUEST = [DEFAULT.with_name("problems.yaml")] if given_files == {DEFAULT.resolve()} else []


report: "workflow/report/workflow.rst"


# Where the environments of envs/ are made and used with `--sdm conda apptainer` only.
container: "docker://condaforge/miniforge3:24.11.3-0"


include: "workflow/rules/common.smk"
include: "workflow/rules/params.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/stages.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/jets.smk"
include: "workflow/rules/pulses.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/problems.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/localisation.smk"
include: "workflow/rules/unsupervised.smk"
include: "workflow/rules/control.smk"
include: "workflow/rules/interpretation.smk"
include: "workflow/rules/scans.smk"
include: "workflow/rules/problem_params.smk"
include: "workflow/rules/problem_figures.smk"
include: "workflow/rules/chapter.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/versions.smk"


rule all:
    """Make everything that the config's experiments ask for (the default target)."""
    default_target: True
    input:
        results_of(compared),
        TABLES,


rule versioned:
    """Make everything that DVC keeps: what `all` makes, and the datasets that no experiment uses."""
    input:
        list(stages().values()),


rule jets:
    """Make everything about jets: their datasets, experiments and figures."""
    input:
        results_of(experiments_of("jets")),


rule pulses:
    """Make everything about waveforms with pulses: their datasets, experiments and figures."""
    input:
        results_of(experiments_of("pulses")),


rule spectra:
    """Make everything about spectra: their datasets, experiments and figures."""
    input:
        results_of(experiments_of("spectra")),


rule problems:
    """Make everything about small problems with known answers.

    In the default analysis those of config/problems.yaml, unless it has problems of its own.
    """
    input:
        results_of(experiments_of("problems")),


rule fetch_all:
    """Fetch every file in the table of downloads; `snakemake fetch_all -n` lists sizes and licences."""
    input:
        [f"{FOLDER}/{download}" for download in sources],


# Behind all rules.
include: "workflow/rules/asked.smk"


onstart:
    keep_dvc_away()


onsuccess:
    print("Results are in results/; `snakemake --report results/report.html` collects figures and tables.")
