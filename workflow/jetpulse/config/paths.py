"""Paths of the user's files in a configuration."""

import os
import re
import stat
import time
from collections.abc import Collection
from pathlib import Path

from jetpulse.config.models import Analysis
from jetpulse.errors import UserError

# Seconds by which the clocks of a file server and of this machine may differ: no job that reads a file is as short.
_CLOCKS = 2.0


def check_files(analysis: Analysis, where: str, made: Collection[str] = ()) -> None:
    """Refuse files that a used dataset or an experiment with scores names and that no job could use.

    Args:
        analysis: a checked configuration.
        where: what it was read from, for messages.
        made: paths that the workflow makes by itself.

    Raises:
        UserError: one line for every such file, or for every variable in a path that is not set.
    """
    used = dict.fromkeys(d for e in analysis.experiments.values() for d in (e.dataset, *e.test_on))
    named = [(f"datasets.{name}.source", analysis.datasets[name].source.paths()) for name in used]
    scores = {name: e.scores.files for name, e in analysis.experiments.items() if e.scores is not None}
    named += [(f"experiments.{name}.scores.files", files) for name, files in scores.items()]
    lines = []
    for key, files in named:
        at = f"{where}: {key}"
        for file in files:
            try:
                path = Path(expand_path(file, at))
            except UserError as error:
                lines.append(str(error))
                continue
            mistake = None if str(path) in made else _unusable(path)
            lines += [f"{at}: {path}: {mistake}"] if mistake else []
    if lines:
        raise UserError("\n".join(dict.fromkeys(lines)))


def _unusable(path: Path) -> str | None:
    """Return why a file cannot be an input of a job, None if it can be."""
    if re.search(r"\{.+\}", str(path)):
        return "Snakemake takes braces in a path for its wildcards; rename the file or the folder"
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last of a null character
        return f"no such file; check the path (relative ones start at {Path.cwd()})"
    except OSError as error:
        return f"{error.strerror}; check the path"
    if not stat.S_ISREG(state.st_mode):
        return f"is {'a folder' if stat.S_ISDIR(state.st_mode) else 'no regular file'}, expected a file"
    ahead = state.st_mtime - time.time()
    if ahead > _CLOCKS:
        # Snakemake fails every job whose input is newer than its output, when the job is done.
        return f"was changed {ahead:.0f} s in the future, as its time or this clock says; `touch` it or set the clock"
    return None


def expand_path(text: str, where: str) -> str:
    """Expand ``~`` and ``$VARIABLES`` in a path from the config.

    Raises:
        UserError: a variable is not set, or no user is called as behind ``~``.
    """
    try:
        expanded = os.path.expandvars(Path(text).expanduser())
    except RuntimeError as error:
        raise UserError(f"{where}: {text!r}: there is no such user; write the path") from error
    if "$" in expanded:
        unset = re.search(r"\$\{?(\w+)", expanded)
        if unset is None:
            raise UserError(f"{where}: {text!r}: a `$` begins the name of an environment variable; rename the file")
        raise UserError(
            f"{where}: {text!r}: the environment variable {unset[1]} is not set; `export {unset[1]}=...` it to the "
            "folder of your files, or write the path here"
        )
    return expanded
