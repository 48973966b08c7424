"""From a mapping to a checked ``Analysis``; every mistake becomes one line that says how to mend it."""

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, RootModel, ValidationError

from jetpulse.config.models import NOT_WITH_SCORES, TASKS, Analysis, Experiment
from jetpulse.config.pairing import check_jets, check_problems
from jetpulse.config.scan_names import LONGEST
from jetpulse.config.yaml_files import read_yaml
from jetpulse.errors import UserError

# Names that would collide with folders of results/.
RESERVED = ("benchmarks", "comparison", "datasets", "scans", "searches")
# Characters of a wrong value that a message repeats.
_LONGEST = 200


def load_config(path: str | Path) -> Analysis:
    """Read and check a YAML file.

    Raises:
        UserError: one line for every mistake.
    """
    return parse_config(read_yaml(path), str(path))


def add_sections(value: dict[str, Any], further: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the sections of two configurations together.

    Raises:
        UserError: a name is defined by both.
    """
    both = {section: dict(entries or {}) for section, entries in value.items()}
    for section, entries in further.items():
        for name, entry in (entries or {}).items():
            if name in both.setdefault(section, {}):
                raise UserError(f"{where}: {section}.{name}: is defined in both; rename one")
            both[section][name] = entry
    return both


def parse_config(value: Any, where: str) -> Analysis:
    """Check a configuration read from ``where`` and fill in its defaults.

    Raises:
        UserError: one line for every mistake: where, key, what was given, what is allowed.
    """
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected keys datasets, representations, experiments, found {value!r}")
    try:
        analysis = Analysis.model_validate(value)
    except ValidationError as error:
        lines = dict.fromkeys(f"{where}: {explain(item)}" for item in error.errors())
        raise UserError("\n".join(lines)) from error
    mistakes = [f"{where}: {line}" for line in check_names(analysis)]
    if mistakes:
        raise UserError("\n".join(mistakes))
    return analysis


def explain(item: Any, root: type[BaseModel] = Analysis) -> str:
    """Turn one of pydantic's errors about ``root`` into a line: key, given, allowed, the nearest spelling."""
    location = [str(part) for part in item["loc"] if part != "[key]"]
    variant = None
    if location[:1] in (["datasets"], ["representations"]) and len(location) > 2:
        variant = location.pop(2)  # the kind, which pydantic puts behind the name
    key = ".".join(location)
    if item["type"] == "extra_forbidden":
        allowed = _keys_beside(location, root, variant)
        near = difflib.get_close_matches(location[-1], allowed, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if item["type"] == "missing":
        return f"{key}: is required and missing"
    if item["type"] == "literal_error":
        near = difflib.get_close_matches(
            str(item["input"]), item["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "), 1
        )
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{key}: {item['input']!r} is not allowed, expected {item['ctx']['expected']}{hint}"
    if item["type"] == "union_tag_not_found":
        return f"{key}.kind: is required and missing"
    if item["type"] == "union_tag_invalid":
        found, expected = item["ctx"]["tag"], item["ctx"]["expected_tags"]
        near = difflib.get_close_matches(found, expected.replace("'", "").split(", "), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{key}.kind: {found!r} is not allowed, expected {expected}{hint}"
    if item["type"] == "string_pattern_mismatch":
        return f"{key}: {item['input']!r} is not a valid name; use lower-case letters, digits and dashes"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = "" if item["type"] == "value_error" else f" (given {_short(item['input'])})"
    return f"{key}: {message}{given}".removeprefix(": ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _keys_beside(location: list[str], root: type[BaseModel], variant: str | None) -> list[str]:
    """Return the keys that are allowed where an unknown one was found; ``variant`` is the kind of an entry."""
    model: Any = sections_of(root.model_fields["root"].annotation)[0] if issubclass(root, RootModel) else root
    for part in location[:-1]:
        field = model.model_fields.get(part)  # names of entries and positions in lists are no fields
        sections = sections_of(field.annotation) if field else [model]
        model = next((s for s in sections if kind_of(s) == variant), sections[0] if sections else model)
    return list(model.model_fields)


def sections_of(annotation: Any) -> list[Any]:
    """Return the sections inside ``dict[Name, A | B]``, ``list[A]``, ``A | None`` or the section itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for inner in get_args(annotation) for section in sections_of(inner)]


def kind_of(section: type[BaseModel]) -> str | None:
    """Return the value of ``kind`` that chooses a section among several, None for others."""
    field = section.model_fields.get("kind")
    return get_args(field.annotation)[0] if field else None


def check_names(analysis: Analysis) -> list[str]:
    """Return a line for every name that points nowhere and every experiment that cannot run."""
    lines = [
        f"experiments.{name}: this name is reserved ({', '.join(RESERVED)}); choose another"
        for name in analysis.experiments
        if name in RESERVED
    ]
    lines += [
        f"{section}.{name[:30]}...: this name has {len(name)} characters; files are called by it, use at most {n}"
        for section, n in LONGEST.items()
        for name in getattr(analysis, section)
        if len(name) > n
    ]
    lines += [
        f"representations.{name}: this name is taken by every dataset's own samples; choose another"
        for name in analysis.representations
        if name == "samples"
    ]
    for name, experiment in analysis.experiments.items():
        at = f"experiments.{name}"
        wanted = [("dataset", experiment.dataset, analysis.datasets)]
        wanted += [("test_on", dataset, analysis.datasets) for dataset in experiment.test_on]
        wanted += [("representation", experiment.representation, ["samples", *analysis.representations])]
        missing = [(key, given, list(known)) for key, given, known in wanted if given not in known]
        for key, given, known in missing:
            near = difflib.get_close_matches(given, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            lines.append(f"{at}.{key}: {given!r} is not defined; {hint}defined: {', '.join(known) or 'none'}")
        if not missing:
            lines += [f"{at}.{line}" for line in (*_check_kinds(analysis, name), *_check_splits(analysis, name))]
    return lines


def _check_kinds(analysis: Analysis, name: str) -> list[str]:
    """Return a line for everything in an experiment that its kind of dataset does not allow."""
    experiment, lines = analysis.experiments[name], []
    wanted = TASKS[experiment.task]
    for key, dataset in [("dataset", experiment.dataset), *(("test_on", d) for d in experiment.test_on)]:
        kind = analysis.datasets[dataset].kind
        if kind not in wanted:
            needed = " or ".join(map(repr, wanted))
            lines.append(f"{key}: {dataset!r} is of kind {kind!r}, task {experiment.task!r} needs {needed}")
    kinds = {analysis.datasets[dataset].kind for dataset in (experiment.dataset, *experiment.test_on)}
    if len(kinds) > 1 and not lines:
        lines.append(f"test_on: is of another kind of dataset than {experiment.dataset!r}; name datasets of one kind")
    if lines:
        return lines
    kind = kinds.pop()
    if experiment.scores is not None:
        return _check_scores(experiment, kind)
    if kind in ("jets", "problems"):
        lines += check_jets(analysis, experiment) if kind == "jets" else check_problems(analysis, experiment)
    elif experiment.representation != "samples":
        lines.append(f"representation: {experiment.representation!r} does not suit {kind}; choose 'samples'")
    if experiment.training.normalise == "principal" and kind in ("jets", "pulses"):
        lines.append(f"training.normalise: 'principal' leaves no axis of time, which {kind} need; choose another")
    for key, given in (("training.augment", experiment.training.augment), ("views", experiment.views > 1)):
        if given and kind != "jets":
            lines.append(f"{key}: changes the constituents of jets, which {kind} have not; remove it")
    if experiment.training.fresh:
        lines += _check_fresh(analysis, experiment)
    return lines


def _check_scores(experiment: Experiment, kind: str) -> list[str]:
    """Return a line for everything that an experiment with someone else's scores cannot have."""
    given = experiment.model_fields_set
    useless = {key: why for key, why in NOT_WITH_SCORES.items() if key in given}
    lines = [f"{key}: has no meaning with `scores`: {why}; remove it" for key, why in useless.items()]
    if experiment.task != "classification":
        lines.append(f"scores: belong to task 'classification', not to {experiment.task!r}; name a model")
    elif kind != "jets":
        lines.append(f"scores: are compared on datasets of kind 'jets', not {kind!r}; name a model")
    return lines


def _check_fresh(analysis: Analysis, experiment: Experiment) -> list[str]:
    """Return a line for everything that keeps entries from being generated while training."""
    source = analysis.datasets[experiment.dataset].source
    generator = getattr(source, "waveforms", None) or getattr(source, "counts", None)
    if generator is None:
        return [f"training.fresh: {experiment.dataset!r} is not of generated waveforms or spectra; remove it"]
    fresh = experiment.training.fresh
    try:
        spec = fresh_settings(generator, fresh.settings)
    except ValidationError as error:
        key = "training.fresh.settings."
        return [key + explain(item, type(generator)) for item in error.errors()]
    try:
        type(spec).model_validate(spec.model_dump() | {"n": fresh.entries, "block": fresh.entries})
    except ValidationError:
        return [f"training.fresh.entries: {fresh.entries} entries of this size do not fit into memory; lower it"]
    return []


def fresh_settings(generator: BaseModel, settings: dict[str, Any]) -> BaseModel:
    """Return a generator's settings with some of them changed; the exact stream of random numbers cannot go on.

    Raises:
        ValidationError: unknown or wrong settings.
    """
    given = generator.model_dump() | ({"exact": False} if "exact" in type(generator).model_fields else {})
    return type(generator).model_validate(given | settings)


def _check_splits(analysis: Analysis, name: str) -> list[str]:
    experiment = analysis.experiments[name]
    needed = ["train", "test"] if experiment.training.patience is None else ["train", "val", "test"]
    needed = needed if experiment.scores is None else ["test"]
    empty = [s for s in needed if not analysis.datasets[experiment.dataset].has(s)]
    reasons = {
        "train": "which training needs",
        "val": "which training needs to know when to stop (`training.patience: null` does without)",
        "test": "which the results are taken from",
    }
    lines = [f"dataset: {experiment.dataset!r} has no {split} split, {reasons[split]}" for split in empty]
    for dataset in experiment.test_on:
        if not analysis.datasets[dataset].has("test"):
            lines.append(f"test_on: {dataset!r} has no test split")
        if dataset == experiment.dataset:
            lines.append(f"test_on: {dataset!r} is the experiment's own dataset, which is tested anyway; remove it")
    return lines
