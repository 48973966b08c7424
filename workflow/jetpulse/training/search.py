"""The search for settings of an experiment: trainings one after the other, bad ones stopped early.

Proposals come from a tree of Parzen estimators (doi:10.5555/2986459.2986743), in Optuna's implementation with a seed of
its own. All trainings have one seed and run one after the other, so the same inputs give the same trials, and a search
that was ended goes on from the trials that it has kept: Optuna is told of them again.
"""

import csv
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from jetpulse.config import Experiment
from jetpulse.config.changes import with_changes
from jetpulse.config.models import SearchPlan
from jetpulse.config.scans import Range
from jetpulse.config.training import PLACEMENT
from jetpulse.errors import DivergedError, UserError
from jetpulse.samples import dump_json, load_json, publish
from jetpulse.training.checkpoints import checkpoint_key
from jetpulse.training.devices import open_device
from jetpulse.training.files import write_model
from jetpulse.training.loop import Row

# Trials that run to their end before any is stopped, and epochs that every trial may have.
STARTUP_TRIALS, WARMUP_EPOCHS = 4, 1
# Where an unfinished search keeps its trials, in a folder that also holds the state of the one under way.
_TRIALS = "trials.json"


@dataclass
class Trial:
    """One training: its settings, how it ended (``complete``, ``pruned``, ``failed``), the metric after every epoch.

    ``value`` is the metric after the epoch that was kept, of a pruned trial its best so far; nan of a failed one, of
    which ``reason`` says why.
    """

    settings: dict[str, Any]
    state: str = "failed"
    value: float = math.nan
    epochs: list[float] = field(default_factory=list)
    reason: str = ""


class _PrunedError(Exception):
    """The training that reports is not worth going on with."""


def search_settings(
    inputs: Path,
    folder: Path,
    plan: SearchPlan,
    log: Callable[[str], None] = lambda line: None,
    constituents: Path | None = None,
    *,
    checkpoints: Path | None = None,
    code: str = "",
    finish: Callable[[list[Trial]], None] = lambda trials: None,
) -> list[Trial]:
    """Search and write ``folder``/trials.csv and ``folder``/best.yaml; return all trials.

    Args:
        inputs: a representation's file with a split ``val``.
        folder: where to write.
        plan: the experiment, what may be chosen, and how.
        log: called with lines for the log.
        constituents: the samples of which ``inputs``, if images, were made, for `training.augment`.
        checkpoints: folder for the state of unfinished searches; one is resumed only if nothing has changed.
        code: hash of the code that trains; part of what must not have changed.
        finish: called with all trials once both files are written, before what was kept of the search is removed.

    Raises:
        UserError: Optuna is not installed, a trial that ended with any error but a loss that is not finite (the trials
            before it are kept in ``checkpoints``), or no training came to its end.
        StoppedError: a signal asked to end; the state is in ``checkpoints``.
    """
    optuna = _optuna()
    log(f"optuna: {optuna.__version__}")
    device = open_device(plan.experiment.training, 0, log)
    kept = None
    if checkpoints is not None:
        settings = plan.model_dump(exclude={"experiment": {"training": set(PLACEMENT)}})
        parts = (settings, optuna.__version__)
        kept = checkpoints / f"search-{checkpoint_key((inputs, constituents), parts, code, device)}"
    sampler = optuna.samplers.TPESampler(seed=plan.seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=WARMUP_EPOCHS)
    study = optuna.create_study(sampler=sampler, pruner=pruner, direction="minimize" if _falls(plan) else "maximize")
    trials = _kept_trials(kept)
    if trials:
        log(f"resuming after {len(trials)} trials, kept in {kept}")
    for number in range(plan.trials):
        asked = study.ask()
        settings = {key: _suggest(asked, key, span) for key, span in sorted(plan.space.items())}
        if number < len(trials):
            for epoch, value in enumerate(trials[number].epochs):
                asked.report(value, epoch)
        else:
            trials.append(Trial(settings))
            try:
                _train(inputs, constituents, plan, trials[-1], asked, kept, code)
            except DivergedError as error:  # which a search comes across; nothing else says that settings are bad
                trials[-1].reason = str(error)
            except UserError as error:
                raise UserError(f"trial {number + 1}, {json.dumps(settings)}: {error}") from error
            _keep_trials(kept, trials)
        trial = trials[number]
        state = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[trial.state]
        study.tell(asked, trial.value if trial.state == "complete" else None, optuna.trial.TrialState[state])
        text = f"{plan.metric} {trial.value:.5g} after {len(trial.epochs)} epochs" if trial.epochs else ""
        log(f"trial {number + 1}: {json.dumps(trial.settings)}: {trial.state} {trial.reason or text}")
    best = best_trial(trials, plan)
    if best is None:
        reason = trials[-1].reason
        if kept is not None:
            shutil.rmtree(kept)  # or the same command would fail again though what it lacked may be there by then
        raise UserError(f"{folder}: none of {len(trials)} trials came to its end; the last said: {reason}")
    _write_trials(trials, plan, folder / "trials.csv")
    _write_best(best, plan, folder / "best.yaml")
    finish(trials)
    if kept is not None:
        shutil.rmtree(kept)
    return trials


def _kept_trials(kept: Path | None) -> list[Trial]:
    """Return the trials that an unfinished search has kept.

    Raises:
        UserError: a damaged file.
    """
    if kept is None or not (kept / _TRIALS).exists():
        return []
    records = load_json(kept / _TRIALS)
    try:
        return [Trial(**item | {"value": math.nan if item["value"] is None else item["value"]}) for item in records]
    except (KeyError, TypeError) as error:
        raise UserError(f"{kept / _TRIALS}: no list of trials; delete {kept} to search from the start") from error


def _keep_trials(kept: Path | None, trials: list[Trial]) -> None:
    if kept is not None:
        records = [asdict(trial) for trial in trials]
        for record in records:  # JSON knows no nan
            record["value"] = record["value"] if math.isfinite(record["value"]) else None
        dump_json(kept / _TRIALS, records)


def best_trial(trials: list[Trial], plan: SearchPlan) -> Trial | None:
    """Return the best trial that came to its end, the first of equal ones; None without any."""
    ended = [trial for trial in trials if trial.state == "complete"]
    sign = 1 if _falls(plan) else -1
    return min(ended, key=lambda trial: sign * trial.value, default=None)


def _optuna() -> Any:
    """Return Optuna, quiet; imported here because nothing else needs it.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UserError("search: needs Optuna, which is not installed; pip install 'jetpulse[search]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _falls(plan: SearchPlan) -> bool:
    return plan.metric == "val_loss"


def _suggest(asked: Any, key: str, span: Range) -> Any:
    """Return what Optuna proposes for a key."""
    if span.choices is not None:  # as texts, since it takes no lists
        return json.loads(asked.suggest_categorical(key, [json.dumps(choice) for choice in span.choices]))
    if isinstance(span.low, int) and isinstance(span.high, int):
        return asked.suggest_int(key, span.low, span.high, log=span.log)
    return asked.suggest_float(key, span.low, span.high, log=span.log)


def _experiment(plan: SearchPlan, settings: dict[str, Any]) -> Experiment:
    limit = {} if plan.max_epochs is None else {"training.epochs": plan.max_epochs, "training.steps": None}
    return with_changes(plan.experiment, limit | settings)


def _train(
    inputs: Path, constituents: Path | None, plan: SearchPlan, trial: Trial, asked: Any, kept: Path | None, code: str
) -> None:
    """Train once and fill in how it went.

    Raises:
        DivergedError: a loss that is not finite.
        UserError: settings or inputs that cannot be used, no room for the model.
        StoppedError: a signal asked to end.
    """

    def report(row: Row) -> None:
        if plan.metric not in row:
            raise UserError(f"{inputs}: a training here has no {plan.metric}; it has {', '.join(row)}")
        trial.epochs.append(row[plan.metric])
        asked.report(row[plan.metric], len(trial.epochs) - 1)
        if plan.prune and asked.should_prune():
            raise _PrunedError

    experiment = _experiment(plan, trial.settings)
    with _scratch() as folder:
        model = Path(folder) / "model.safetensors"
        try:
            options = {"constituents": constituents, "checkpoints": kept, "code": code}
            write_model(inputs, model, experiment, plan.seed, report=report, **options)
        except _PrunedError:
            trial.state, trial.value = "pruned", (min if _falls(plan) else max)(trial.epochs)
            return
        kept = load_json(model.with_name("model.json"))["best_epoch"]
    if not trial.epochs:
        raise UserError(
            f"{experiment.model.name} is not trained in epochs, so there is nothing to watch; choose another"
        )
    trial.state, trial.value = "complete", trial.epochs[kept - 1]


def _scratch() -> TemporaryDirectory:
    """Return a folder for the files of one trial.

    Raises:
        UserError: there is no room.
    """
    try:
        return TemporaryDirectory(prefix="jetpulse-")
    except OSError as error:
        raise UserError(f"no scratch folder for the model ({error}); set TMPDIR to a folder with room") from error


def _write_trials(trials: list[Trial], plan: SearchPlan, path: Path) -> None:
    """Write a row per trial: number, settings (texts plain, others as JSON), state, epochs, value."""
    keys = sorted(plan.space)
    with publish(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["trial", *keys, "state", "epochs", plan.metric])
        for number, trial in enumerate(trials, 1):
            values = [trial.settings[key] for key in keys]
            cells = [value if isinstance(value, str) else json.dumps(value) for value in values]
            value = f"{trial.value:.6g}" if math.isfinite(trial.value) else ""
            writer.writerow([number, *cells, trial.state, len(trial.epochs), value])


def _write_best(best: Trial, plan: SearchPlan, path: Path) -> None:
    """Write the experiment with the best settings as an entry of a config; its epochs are those of the experiment."""
    entry = with_changes(plan.experiment, best.settings).model_dump(exclude_defaults=True)
    ended = f"{plan.metric} {best.value:.6g} after {len(best.epochs)} epochs, seed {plan.seed}"
    text = f"# The best of {plan.trials} trials: {ended}. An entry for `experiments`.\n"
    with publish(path) as temporary:
        temporary.write_text(text + yaml.safe_dump({f"{plan.name}-tuned": entry}, sort_keys=False), encoding="utf-8")
