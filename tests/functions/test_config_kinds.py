"""Datasets of waveforms and spectra in the configuration: what fits together, and one line for what does not."""

from typing import Any

import pytest

from jetpulse.config import parse_config
from jetpulse.errors import UserError

PULSES = {"kind": "pulses", "source": {"waveforms": {"n": 100}}}
SPECTRA = {"kind": "spectra", "source": {"counts": {"n": 100}}}
JETS = {"kind": "jets", "source": {"simulation": {"jets_per_class": 100}}}
FILES = {"kind": "pulses", "source": {"files": "mine.npz"}}


def config(experiment: dict[str, Any], **datasets: Any) -> dict[str, Any]:
    """Return a configuration of one experiment."""
    known = {"pulses": PULSES, "spectra": SPECTRA, "jets": JETS, "mine": FILES} | datasets
    return {"datasets": known, "representations": {"images": {"kind": "jet-image"}}, "experiments": {"e": experiment}}


def localisation(**changes: Any) -> dict[str, Any]:
    """Return an experiment on waveforms."""
    return {"task": "localisation", "dataset": "pulses", "model": {"name": "pulse-cnn"}} | changes


def mistakes(value: dict[str, Any]) -> list[str]:
    """Return the lines of the error."""
    with pytest.raises(UserError) as error:
        parse_config(value, "my.yaml")
    return str(error.value).removeprefix("my.yaml: ").split("\nmy.yaml: ")


@pytest.mark.parametrize(
    "experiment",
    [
        localisation(),
        localisation(model={"name": "dense"}, dataset="mine", test_on=["pulses"]),
        localisation(
            training={"fresh": {"entries": 10, "settings": {"background": 3, "noise": 0.5}}, "patience": None}
        ),
        {"task": "reconstruction", "dataset": "spectra", "model": {"name": "autoencoder", "latent": 3}},
        {"task": "variational", "dataset": "spectra", "model": {"name": "vae"}, "training": {"normalise": "principal"}},
        {"task": "adversarial", "dataset": "spectra", "model": {"name": "gan"}},
    ],
)
def test_experiments_on_waveforms_and_spectra_need_no_representation(experiment):
    assert parse_config(config(experiment), "my.yaml").experiments["e"].representation == "samples"


@pytest.mark.parametrize(
    ("experiment", "line"),
    [
        (
            localisation(dataset="spectra"),
            "dataset: 'spectra' is of kind 'spectra', task 'localisation' needs 'pulses'",
        ),
        (
            localisation(test_on=["jets"]),
            "test_on: 'jets' is of kind 'jets', task 'localisation' needs 'pulses'",
        ),
        (
            localisation(representation="images"),
            "representation: 'images' does not suit pulses; choose 'samples'",
        ),
        (
            {"dataset": "jets", "model": {"name": "jet-cnn"}},
            "representation: 'samples' does not suit jet-cnn, which reads images; choose one of `representations` of "
            "kind jet-image, which are images",
        ),
        (
            localisation(dataset="mine", training={"fresh": {"entries": 10}}),
            "training.fresh: 'mine' is not of generated waveforms or spectra; remove it",
        ),
        (
            localisation(training={"fresh": {"settings": {"samples": 50}}}),
            "training.fresh.settings: samples must be as in the dataset; remove it",
        ),
        (
            localisation(training={"fresh": {"settings": {"backgruond": 2}}}),
            "training.fresh.settings.backgruond: unknown key; did you mean 'background'? allowed here: n, seed, "
            "traces, samples, duration, components, background, amplitude, amplitude_spread, noise, exact, block",
        ),
        (
            localisation(training={"normalise": "principal"}),
            "training.normalise: 'principal' leaves no axis of time, which pulses need; choose another",
        ),
        (
            {
                "dataset": "jets",
                "representation": "images",
                "model": {"name": "jet-cnn"},
                "training": {"normalise": "residual"},
            },
            "training.normalise: jets are normalised by steps of an image or by their network; set it to 'none'",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(experiment, line):
    assert mistakes(config(experiment)) == [f"experiments.e.{line}"]


def test_a_network_of_another_task_is_one_line_with_those_that_would_do():
    assert mistakes(config(localisation(model={"name": "jet-cnn"}))) == [
        "experiments.e: model: 'jet-cnn' does not learn localisation; networks that do: dense, pulse-cnn, "
        "pulse-reference, pulse-rnn"
    ]


@pytest.mark.parametrize("argument", ["width", "window"])
def test_an_even_kernel_width_is_one_line(argument):
    (line,) = mistakes(config(localisation(model={"name": "pulse-reference", argument: 4})))
    assert line.startswith(f"experiments.e.model: pulse-reference: argument {argument!r}: ")
    assert "4 is even; a window that has a middle needs an odd width" in line


def test_validation_is_needed_only_to_know_when_to_stop():
    without = PULSES | {"split": {"train": 0.6, "val": 0.0, "test": 0.4}}
    (line,) = mistakes(config(localisation(), pulses=without))
    assert line == (
        "experiments.e.dataset: 'pulses' has no val split, which training needs to know when to stop "
        "(`training.patience: null` does without)"
    )
    parse_config(config(localisation(training={"patience": None}), pulses=without), "my.yaml")


@pytest.mark.parametrize(
    ("dataset", "line"),
    [
        (
            {"kind": "pulse"},
            "datasets.d.kind: 'pulse' is not allowed, expected 'jets', 'pulses', 'spectra', 'problems'; did you",
        ),
        ({"source": {}}, "datasets.d.kind: is required and missing"),
        (PULSES | {"source": {}}, "datasets.d.source: needs exactly one of waveforms, files"),
        (PULSES | {"source": {"waveform": {}}}, "datasets.d.source.waveform: unknown key; did you mean 'waveforms'?"),
        (SPECTRA | {"source": {"counts": {}, "files": "a"}}, "datasets.d.source: needs exactly one of counts, files"),
        (
            SPECTRA | {"source": {"files": ["a", "b"], "targets": "c"}},
            "datasets.d.source: targets: 1 files for 2 in `files`; give one for each",
        ),
        (
            SPECTRA | {"source": {"counts": {"background": [1.0, -2.0]}}},
            "datasets.d.source.counts: background [1.0, -2.0] falls to -1 counts, must be above 0 in every bin",
        ),
        (
            SPECTRA | {"source": {"counts": {"lines": [{"centre": 0.5, "widht": 1}]}}},
            "datasets.d.source.counts.lines.0.",
        ),
        (
            JETS | {"split": {"method": "shuffle"}},
            "datasets.d: split: method 'shuffle' would tear apart jets of one event; leave it at 'hash'",
        ),
    ],
)
def test_a_mistake_in_a_dataset_is_named_with_its_key(dataset, line):
    assert any(found.startswith(line) for found in mistakes(config(localisation(), d=dataset)))
