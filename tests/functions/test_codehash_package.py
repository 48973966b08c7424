"""What edits of the package itself mean for the steps of the workflow."""

import ast
import re
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import jetpulse
from jetpulse import codehash, codelibraries
from jetpulse.cli import VERBS, code_roots
from jetpulse.codehash import code_hash, libraries_of
from toys import forget_code

NAMES = [name for names in VERBS.values() for name in names]
HDF5 = {"simulate-jets", "build-jet-samples", "build-jet-images", "train", "predict", "evaluate", "plot-jets"} | {
    "plot-classification",
    "plot-comparison",
}


def hashes(names: Iterable[str] = NAMES) -> dict[str, str]:
    """Return the hashes of verbs."""
    forget_code()
    return {name: code_hash(code_roots(name)) for name in names}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "jetpulse"
    return shutil.copytree(Path(jetpulse.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def original(pristine) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codehash, "_PACKAGE", pristine)
        return hashes()


@pytest.fixture
def package(pristine, tmp_path, monkeypatch) -> Iterator[Path]:
    folder = shutil.copytree(pristine, tmp_path / "jetpulse")
    monkeypatch.setattr(codehash, "_PACKAGE", folder)
    yield folder
    forget_code()


def edit(path: Path, name: str) -> None:
    """Add a statement at the end of a function, or of a method given as ``Class.method``."""
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text).body
    for part in name.split("."):
        node = next(n for n in body if getattr(n, "name", None) == part)
        body = node.body
    last = body[-1]
    lines = text.splitlines()
    lines.insert(last.lineno - 1, " " * last.col_offset + "edited = 1")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_every_verb_has_a_hash_of_its_own(original):
    assert len(set(original.values())) == len(NAMES)
    assert all(len(value) == 16 for value in original.values())


def test_a_copy_of_the_package_has_the_same_hashes(original, package):
    assert hashes() == original


def test_comments_and_empty_lines_change_nothing(original, package):
    for path in package.rglob("*.py"):
        path.write_text("# A comment.\n\n" + path.read_text(encoding="utf-8") + "\n\n# The end.\n", encoding="utf-8")
    assert hashes() == original


# Where texts for people begin, and what begins them with another word.
SAID = [
    (r'(\bdescription=f?")', r"\1Another. "),
    (r'(\bhelp=f?")', r"\1Another. "),
    (r'(\b(?:path|spec_argument)\((?:"[\w-]+", )?f?")(?!-)', r"\1another "),
    (r'(\braise (?:UserError|ValueError|StoppedError)\(\s*f?")', r"\1another "),
    (r'(\b(?:msg|hint) = f?")', r"\1another "),
    (r'(\b(?:log|tell)\(f?")', r"\1another "),
    (r'(^__version__ = ")', r"\g<1>9"),
    (r"(^STREAMS = \{)", r'\1"another/stream": 99, "another": 98,'),
]


def test_a_word_in_any_text_for_people_changes_nothing(original, package):
    changed = dict.fromkeys(SAID, 0)
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for said in SAID:
            text, number = re.subn(*said, text, flags=re.MULTILINE)
            changed[said] += number
        path.write_text(text, encoding="utf-8")
    assert min(changed.values()) > 0
    now = hashes()
    assert [name for name in NAMES if now[name] != original[name]] == ["check-config"]  # which gives texts to people


def test_a_key_that_nobody_reads_yet_changes_nothing(original, package):
    for path in (package / "config").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        key = r'\1    further_key: int = Field(3, description="Further.")\n\n'
        path.write_text(re.sub(r'(class \w+\(Section\):\n    """[^"]+"""\n\n)', key, text), encoding="utf-8")
    now = hashes()
    # These make sections themselves, with defaults; the last is about keys.
    making = {"build-jet-samples", "import-scores", "score", "check-config"}
    assert {name for name in NAMES if now[name] != original[name]} <= making


@pytest.mark.parametrize(
    ("library", "changed", "unchanged"),
    [
        ("pythia8mc", {"simulate-jets"}, set(NAMES) - {"simulate-jets"}),
        ("fastjet", {"simulate-jets"}, {"train", "build-jet-samples", "build-jet-images"}),
        ("torch", {"train", "predict", "calibrate", "search"}, {"simulate-jets", "evaluate", "build-pulse-samples"}),
        ("scikit-learn", set(), {"train", "predict", "simulate-jets", "build-jet-images"}),
        ("numpy", {"simulate-jets", "build-spectra", "train", "evaluate"}, {"fetch", "check-config"}),
        ("matplotlib", {"plot-training", "plot-jets"}, {"train", "evaluate", "build-jet-samples"}),
        ("h5py", set(), set(NAMES)),
    ],
)
def test_a_library_counts_where_it_decides(original, package, monkeypatch, library, changed, unchanged):
    monkeypatch.setattr(codelibraries, "version", lambda name: "0.0" if name == library else version(name))
    codelibraries.installed.cache_clear()
    now = hashes(changed | unchanged)
    codelibraries.installed.cache_clear()
    assert {name for name in now if now[name] != original[name]} == changed


def test_an_estimator_depends_on_scikit_learn_and_other_networks_do_not():
    forget_code()
    assert "sklearn" in libraries_of(code_roots("train"), "models.estimator")
    assert "sklearn" in libraries_of(code_roots("predict"), "models.estimator")
    assert "xgboost" in libraries_of(code_roots("train"), "models.boosted_trees")
    assert libraries_of(code_roots("train"), "models.jet_cnn") == ["numpy", "torch"]


@pytest.mark.parametrize(
    ("file", "function", "changed", "unchanged"),
    [
        ("jets/detector.py", "simulate_detector", {"simulate-jets"}, set(NAMES) - {"simulate-jets"}),
        ("jets/kernels.py", "pixelate", {"build-jet-images", "plot-jets"}, {"train", "predict", "build-jet-samples"}),
        ("jets/files.py", "_check_classes", {"build-jet-samples"}, set(NAMES) - {"build-jet-samples"}),
        ("training/loop.py", "train_network", {"train"}, {"predict", "build-jet-images", "evaluate", "plot-training"}),
        ("training/loop.py", "predict_network", {"predict"}, {"train", "build-jet-images"}),
        ("training/objectives/base.py", "sums", set(), {"train", "predict", "evaluate"}),
        ("training/objectives/base.py", "Batch.__len__", {"train", "predict"}, {"evaluate", "build-jet-images"}),
        ("training/steps.py", "Stepper.step", {"train"}, {"predict", "evaluate"}),
        ("training/fresh.py", "fresh_inputs", set(), {"train", "predict"}),
        ("training/augmentation.py", "augment_jets", set(), {"train", "predict"}),
        ("training/streaming.py", "choose_place", {"train"}, {"predict", "build-jet-images"}),
        ("training/fitting.py", "fit_network", set(), {"train", "predict"}),
        ("jets/substructure_kernels.py", "_tau", {"build-jet-observables"}, {"build-jet-images", "validate-jets"}),
        ("jets/distributions.py", "exceeds", {"plot-jet-observables"}, {"validate-jets", "build-jet-observables"}),
        ("training/features.py", "SparseImages.batch", {"train", "predict"}, {"build-jet-images", "evaluate"}),
        ("training/checkpoints.py", "_below", {"train"}, {"predict"}),
        ("samples/files.py", "publish", set(NAMES) - {"list-models", "list-sources", "check-config"}, {"list-models"}),
        ("samples/store.py", "read_attributes", HDF5 - {"simulate-jets"}, {"combine", "compare", "plot-training"}),
        ("samples/hdf5.py", "open_hdf5", HDF5 - {"simulate-jets"}, {"compare", "list-models"}),
        ("figures/training.py", "training_curves", {"plot-training"}, set(NAMES) - {"plot-training"}),
        ("figures/classification.py", "roc_curves", {"plot-classification", "plot-comparison"}, {"evaluate", "train"}),
        ("evaluation/classification.py", "auc_with_error", {"plot-classification"}, {"evaluate", "combine", "train"}),
        ("evaluation/files.py", "_combine", {"combine"}, set(NAMES) - {"combine"}),
        ("config/jets.py", "JetImage._ordered", set(), set(NAMES)),
        ("config/jets.py", "JetSource.paths", {"build-jet-samples"}, {"build-jet-images", "train", "simulate-jets"}),
        ("config/networks.py", "check_model", {"train", "predict", "check-config"}, {"evaluate", "plot-training"}),
        ("seeds.py", "seed_sequence", {"train", "predict", "simulate-jets"}, {"build-jet-images"}),
        ("cli/common.py", "read_spec", {"train", "compare"}, {"predict", "evaluate"}),
        ("cli/training.py", "train", {"train"}, set(NAMES) - {"train"}),
        ("cli/__init__.py", "main", set(), set(NAMES)),
        ("codehash.py", "code_hash", {"score"}, set(NAMES) - {"score"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edit_changes_the_steps_that_use_it_and_no_others(original, package, file, function, changed, unchanged):
    edit(package / file, function)
    now = hashes(changed | unchanged)
    assert {name for name, value in now.items() if value != original[name]} == changed


def test_whatever_writes_hdf5_depends_on_how_it_is_written(original, package):
    edit(package / "samples/store.py", "Writer.append")
    writers = {"simulate-jets", "build-jet-samples", "build-jet-images", "predict"}
    now = hashes(writers)
    assert all(now[name] != original[name] for name in writers)


def test_a_constant_counts(original, package):
    path = package / "jets" / "kernels.py"
    path.write_text(path.read_text(encoding="utf-8").replace("TIE = 1e-4", "TIE = 1e-3"), encoding="utf-8")
    now = hashes(["build-jet-images", "train"])
    assert now["build-jet-images"] != original["build-jet-images"]
    assert now["train"] == original["train"]


@pytest.mark.parametrize("verb", ["train", "predict"])
def test_a_network_counts_where_it_is_named_as_a_root(package, verb):
    forget_code()
    before = {name: code_hash(code_roots(verb), f"models.{name}") for name in ("dense", "jet_cnn")}
    without = code_hash(code_roots(verb))
    edit(package / "models" / "dense.py", "Network.forward")
    forget_code()
    assert code_hash(code_roots(verb), "models.dense") != before["dense"]
    assert code_hash(code_roots(verb), "models.jet_cnn") == before["jet_cnn"]
    assert code_hash(code_roots(verb)) == without


TASK_ROOTS = {
    # task: the roots that the workflow adds, as `training_modules` in workflow/rules/params.smk has them
    "classification": ("models.jet_cnn", "training.objectives.classification"),
    "localisation": ("models.pulse_cnn", "training.objectives.localisation", "training.fresh", "pulses.fresh"),
    "reconstruction": ("models.autoencoder", "training.objectives.reconstruction", "training.fresh", "spectra.fresh"),
    "variational": ("models.vae", "training.objectives.variational"),
    "adversarial": ("models.gan", "training.objectives.adversarial"),
}


def task_hashes(verb: str) -> dict[str, str]:
    forget_code()
    return {task: code_hash(code_roots(verb), *roots) for task, roots in TASK_ROOTS.items()}


@pytest.mark.parametrize(
    ("file", "function", "changed"),
    [
        *((f"training/objectives/{task}.py", f"{task.capitalize()}.predict", {task}) for task in TASK_ROOTS),
        ("training/objectives/adversarial.py", "mean_logarithm", {"adversarial"}),
        ("training/objectives/base.py", "sums", set(TASK_ROOTS)),
        ("models/gan.py", "Network.judge", {"adversarial"}),
        ("models/pulse_rnn.py", "Network.forward", set()),
        ("training/fresh.py", "fresh_inputs", {"localisation", "reconstruction"}),
        ("pulses/generator.py", "generate_block", {"localisation"}),
        ("pulses/kernels.py", "fill_waveforms", {"localisation"}),
        ("spectra/generator.py", "generate_fresh", {"reconstruction"}),
        ("jets/kernels.py", "pixelate", set()),
    ],
)
def test_a_training_depends_on_its_own_task_and_not_on_the_others(package, file, function, changed):
    before = task_hashes("train")
    edit(package / file, function)
    now = task_hashes("train")
    assert {task for task in now if now[task] != before[task]} == changed


@pytest.mark.parametrize("task", TASK_ROOTS)
def test_a_jets_experiment_does_not_contain_the_other_objectives(package, task):
    roots = TASK_ROOTS["classification"]
    forget_code()
    before = {verb: code_hash(code_roots(verb), *roots) for verb in ("train", "predict")}
    path = package / "training" / "objectives" / f"{task}.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nedited = 1\n", encoding="utf-8")
    edit(path, f"{task.capitalize()}.predict")
    forget_code()
    same = {verb for verb in before if code_hash(code_roots(verb), *roots) == before[verb]}
    assert same == (set() if task == "classification" else {"train", "predict"})


def test_the_style_of_figures_counts(original, package):
    path = package / "figures" / "style.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"lines.linewidth": 1.6', '"lines.linewidth": 3'), encoding="utf-8")
    now = hashes(["plot-training", "train"])
    assert now["plot-training"] != original["plot-training"]
    assert now["train"] == original["train"]


@pytest.mark.parametrize("root", ["cli.training:retrain", "models.gone", "cli.figures:gone"])
def test_an_unknown_root_is_an_error(root):
    with pytest.raises(ValueError, match=root):
        code_hash(root)
