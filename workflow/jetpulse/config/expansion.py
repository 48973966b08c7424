"""Scans become ordinary experiments, with the representations and datasets that they need.

Names of what is added are made of the scan's name and the value, as ``preprocessing-centre-rotate``, not of a number:
a value that is put between others renames nothing, so nothing is trained again. What is defined already is not added
a second time: the unchanged value is the experiment itself, and two scans share what they have in common.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

from pydantic import BaseModel

from jetpulse.config.changes import changed, value_at, with_changes
from jetpulse.config.load import check_names
from jetpulse.config.models import Analysis, Experiment
from jetpulse.config.scan_names import as_json, fitted, slugs_of, text_of
from jetpulse.config.scans import Axis, Point, Scan, ScanPlan, Search
from jetpulse.errors import UserError

S = TypeVar("S", bound=BaseModel)
_DECADE = 10.0


def expand_scans(analysis: Analysis, where: str) -> tuple[Analysis, dict[str, ScanPlan]]:
    """Return the analysis with the experiments of all its scans, and for each scan which point is which experiment.

    Args:
        analysis: a checked configuration.
        where: what it was read from, for messages.

    Raises:
        UserError: one line for every scan or search that names an experiment, key or value that is not allowed.
    """
    expanded, plans, lines = analysis, {}, []
    for name, scan in analysis.scans.items():
        try:
            _find(analysis, scan.experiment)
            expanded, plans[name] = _expand(expanded, name, scan)
        except UserError as error:
            lines += [f"{where}: scans.{name}: {line}" for line in str(error).splitlines()]
    for name, search in analysis.searches.items():
        try:
            _check_search(analysis, search)
        except UserError as error:
            lines += [f"{where}: searches.{name}: {line}" for line in str(error).splitlines()]
    if lines:
        raise UserError("\n".join(dict.fromkeys(lines)))
    return expanded, plans


def _find(analysis: Analysis, name: str) -> Experiment:
    """Return an experiment of the config's that a network is trained for.

    Raises:
        UserError: none is called so, or it has scores.
    """
    if name not in analysis.experiments:
        near = difflib.get_close_matches(name, analysis.experiments, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"experiment: {name!r} is not defined; {hint}defined: {', '.join(analysis.experiments)}")
    if analysis.experiments[name].model is None:
        raise UserError(f"experiment: {name!r} has scores from elsewhere, which are not trained; name another")
    return analysis.experiments[name]


def _expand(analysis: Analysis, name: str, scan: Scan) -> tuple[Analysis, ScanPlan]:
    """Return the analysis with one scan's experiments, and the scan's points.

    Raises:
        UserError: one line for every value that is not allowed.
    """
    base, axes, lines = analysis.experiments[scan.experiment], scan.axes(), []
    made: dict[tuple[int, ...], _Derived] = {}
    for place in product(*(range(len(values)) for values in axes.values())):
        chosen = {key: axes[key][i] for key, i in zip(axes, place, strict=True)}
        try:
            made[place] = _derive(analysis, base, chosen, scan.seeds)
        except UserError as error:
            lines += str(error).splitlines()
    if lines:
        raise UserError("\n".join(dict.fromkeys(lines)))
    # From here on values are as the experiments have them: 1e-3, which YAML reads as text, is 0.001.
    values = {key: {place[n]: point.values[key] for place, point in made.items()} for n, key in enumerate(axes)}
    known = [_axis(key, list(values[key].values()), scan) for key in axes]
    slugs = {axis.key: slugs_of(axis.values) for axis in known}
    points = []
    for place, point in made.items():
        words = [f"{_last(key)}-" * (len(axes) > 1) + slugs[key][i] for key, i in zip(axes, place, strict=True)]
        try:
            analysis, used = _add(
                analysis, scan.experiment, fitted("-".join([name, *words]), "experiments"), point, "seeds" in axes
            )
        except UserError as error:
            lines += str(error).splitlines()
            continue
        points.append(Point(experiment=used, dataset=point.experiment.dataset, place=list(place)))
    if lines:
        raise UserError("\n".join(dict.fromkeys(lines)))
    return analysis, ScanPlan(base=scan.experiment, task=base.task, axes=known, points=points)


@dataclass
class _Derived:
    """An experiment at one point, what it needs beside what the config defines, and its values as they were read."""

    experiment: Experiment
    values: dict[str, Any]
    representations: dict[str, Any] = field(default_factory=dict)
    datasets: dict[str, Any] = field(default_factory=dict)


def _derive(analysis: Analysis, base: Experiment, chosen: Mapping[str, Any], seeds: list[int] | None) -> _Derived:
    """Return the experiment of one combination of values.

    Raises:
        UserError: an unknown key, or a value that is not allowed there.
    """
    inner = {key: value for key, value in chosen.items() if key.startswith(("representation.", "dataset."))}
    own = {key: value for key, value in chosen.items() if key not in inner}
    several = own.pop("experiment", None)
    experiment = base if several is None else _merged(base, several)
    experiment = with_changes(experiment, own | ({"seeds": seeds} if seeds else {}))
    made = _Derived(experiment, {})
    for kind, known in (("representation", analysis.representations), ("dataset", analysis.datasets)):
        changes = {key.split(".", 1)[1]: value for key, value in inner.items() if key.startswith(f"{kind}.")}
        if changes:
            name, section = _adopt(kind, getattr(experiment, kind), known, changes)
            getattr(made, f"{kind}s")[name] = section
            made.experiment = changed(made.experiment, [kind], name)
            made.values |= {f"{kind}.{key}": value_at(section, key.split(".")) for key in changes}
    tested = [name for name in made.experiment.test_on if name != made.experiment.dataset]
    if tested != made.experiment.test_on:  # what is now the own dataset is tested anyway
        made.experiment = changed(made.experiment, ["test_on"], tested)
    if several is not None:
        made.values["experiment"] = several
    made.values |= {key: value_at(made.experiment, key.split(".")) for key in own}
    return made


def _merged(base: Experiment, changes: Any) -> Experiment:
    """Return an experiment with several keys changed; those of `training` singly, others as a whole.

    Raises:
        UserError: no mapping, a key that makes another kind of experiment, or a value that is not allowed.
    """
    allowed = ("training", "model", "seeds", "representation", "dataset")
    if not isinstance(changes, dict) or not changes:
        raise UserError(f"experiment: expected keys and values such as {{model: {{name: dense}}}}, found {changes!r}")
    for key in changes:
        if key not in allowed:
            raise UserError(f"experiment.{key}: cannot be varied; can be: {', '.join(allowed)}")
    training = changes.get("training")
    flat = {key: value for key, value in changes.items() if key != "training" or not isinstance(training, dict)}
    if isinstance(training, dict):
        flat |= {f"training.{key}": value for key, value in training.items()}
    return with_changes(base, flat)


def _adopt(kind: str, base: str, known: Mapping[str, S], changes: Mapping[str, Any]) -> tuple[str, S]:
    """Return name and definition of a dataset or representation with keys changed; one that is known keeps its name.

    Raises:
        UserError: nothing that has keys, an unknown key, a wrong value, or a name that is taken.
    """
    if base not in known:
        raise UserError(f"{kind}.{next(iter(changes))}: {kind} {base!r} has no keys that could be varied")
    section = known[base]
    for key, value in changes.items():
        section = changed(section, key.split("."), value, f"{kind}.")
    same = [name for name, other in known.items() if other.model_dump() == section.model_dump()]
    if same:
        return (base if base in same else same[0]), section
    values = {key: value_at(section, key.split(".")) for key in changes}
    full = "-".join([base, *(f"{_last(key)}-{slugs_of([value])[0]}" for key, value in values.items())])
    name = fitted(full, f"{kind}s")
    if name in known:
        raise UserError(f"{kind}s.{name}: this name is needed for {dict(changes)}; rename yours")
    return name, section


def _add(analysis: Analysis, base: str, name: str, made: _Derived, only_seeds: bool) -> tuple[Analysis, str]:
    """Return the analysis with what one point needs, and the name of the point's experiment.

    An experiment that is the same but for further seeds serves as well, unless seeds are what is varied.

    Raises:
        UserError: an experiment that cannot run, or a name that is taken.
    """
    wanted, seeds = _definition(made.experiment), set(made.experiment.seeds)
    for other in [base, *analysis.experiments]:
        there = set(analysis.experiments[other].seeds)
        if _definition(analysis.experiments[other]) == wanted and (
            there == seeds or (there > seeds and not only_seeds)
        ):
            return analysis, other
    if name in analysis.experiments:
        raise UserError(f"a point would be called {name!r}, which another experiment is; rename the scan or that one")
    experiment = made.experiment.model_copy(update={"reference": None})  # which was about the unchanged one
    parts = {
        "datasets": {**analysis.datasets, **made.datasets},
        "representations": {**analysis.representations, **made.representations},
    }
    lines = check_names(analysis.model_copy(update={**parts, "experiments": {name: experiment}}))
    if lines:
        raise UserError("\n".join(line.removeprefix(f"experiments.{name}.") for line in lines))
    return analysis.model_copy(update={**parts, "experiments": {**analysis.experiments, name: experiment}}), name


def _definition(experiment: Experiment) -> dict[str, Any]:
    """Return what decides an experiment's results, but for its seeds; defaults are filled in."""
    value = experiment.model_dump(exclude={"reference", "seeds"})
    return value | {"model": experiment.model and [experiment.model.name, experiment.model.arguments()]}


def _axis(key: str, values: list[Any], scan: Scan) -> Axis:
    """Return a key's values with texts and the scale that shows them best.

    Raises:
        UserError: a value that is given twice, or numbers asked of what is none.
    """
    twice = [value for i, value in enumerate(values) if as_json(value) in map(as_json, values[:i])]
    if twice:
        raise UserError(f"{key}: the value {text_of(twice[0])} is given twice; remove one")
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    least, most = min(numbers, default=0), max(numbers, default=0)
    positive = len(numbers) == len(values) and least > 0
    if scan.x_scale in ("linear", "log") and (len(numbers) < len(values) or (scan.x_scale == "log" and not positive)):
        what = "positive numbers" if scan.x_scale == "log" else "numbers"
        raise UserError(f"x_scale: {scan.x_scale!r} needs {what}, found {', '.join(map(text_of, values))}")
    scale = scan.x_scale
    if scale == "auto":
        scale = "category" if len(numbers) < len(values) else "linear"
        scale = "log" if positive and most > _DECADE * least else scale
    return Axis(
        key=key, values=values, labels=scan.named().get(key) or [text_of(value) for value in values], scale=scale
    )


def _last(key: str) -> str:
    return key.rpartition(".")[2].replace("_", "-")


def _check_search(analysis: Analysis, search: Search) -> None:
    """Refuse a search that cannot run.

    Raises:
        UserError: an unknown experiment or key, a value at the ends of a range that is not allowed, no validation.
    """
    experiment = _find(analysis, search.experiment)
    lines = []
    for key, span in search.space.items():
        for value in span.ends():
            try:
                tried = with_changes(experiment, {key: value})
                if tried.training.processes > 1:
                    lines.append("training.processes: a search trains in one process; set it to 1")
            except UserError as error:
                lines += [f"space.{line}" for line in str(error).splitlines()]
    if not analysis.datasets[experiment.dataset].has("val"):
        lines.append(f"experiment: dataset {experiment.dataset!r} has no val split, on which trials are compared")
    if lines:
        raise UserError("\n".join(dict.fromkeys(lines)))
