"""The command line: one verb per rule of the workflow, each reads files, makes one call and writes files.

``main`` finds the verbs in the modules of this package: every public function there is one, its docstring is the
manual page and ``arguments`` (an attribute set by ``verb``) declares its options.
"""

import argparse
import os
import shlex
import shutil
import signal
import stat
import sys
import textwrap
import traceback
from importlib import import_module
from pathlib import Path
from types import FunctionType

from jetpulse import __version__
from jetpulse.errors import StoppedError, UserError
from jetpulse.open_files import too_many_open
from jetpulse.training.interruptions import SIGNALS, leave

# Verbs by module, in the order of the chain; importing a module of verbs stays cheap, they import what they need.
VERBS = {
    "fetch": ("fetch", "list-sources"),
    "jets": ("simulate-jets", "build-jet-samples", "export-jets", "build-jet-images", "build-jet-observables"),
    "pulses": ("build-pulse-samples", "plot-pulses"),
    "spectra": ("build-spectra", "plot-spectra"),
    "problems": ("build-problems", "build-columns"),
    "training": ("train", "predict", "list-models"),
    "evaluation": ("import-scores", "evaluate", "combine", "compare"),
    "figures": (
        "plot-jets",
        "plot-jet-observables",
        "plot-training",
        "plot-classification",
        "plot-comparison",
        "plot-localisation",
        "plot-localisation-comparison",
        "plot-kernels",
        "tabulate",
    ),
    "validation": ("validate-jets", "plot-jet-agreement", "plot-transfers"),
    "unsupervised": ("plot-reconstruction", "plot-variational", "plot-adversarial"),
    "control": ("plot-control",),
    "chapter": ("tell-problems",),
    "problem_figures": (
        "plot-problem",
        "plot-classes",
        "plot-regression",
        "plot-weights",
        "plot-boundaries",
        "plot-measures",
    ),
    "scans": ("summarise-scan", "search"),
    "interpretation": ("calibrate", "score", "export-onnx", "plot-saliency", "plot-sculpting"),
    "release": ("release",),
    "config": ("check-config", "document-config"),
}


def module_of(name: str) -> str:
    """Return the module of this package that holds a verb."""
    return next(module for module, names in VERBS.items() if name in names)


def code_roots(name: str) -> str:
    """Return the root of a verb for ``jetpulse.codehash.code_hash``."""
    return f"cli.{module_of(name)}:{name.replace('-', '_')}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        """Report a wrong call in one line, with the exit code of every other mistake."""
        self.exit(1, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def _verb(name: str) -> FunctionType:
    return getattr(import_module(f"jetpulse.cli.{module_of(name)}"), name.replace("-", "_"))


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; with ``only`` just that verb is loaded."""
    parser = _Parser(
        prog="jetpulse",
        description="Steps of a reproducible physics machine-learning analysis, as the workflow runs them.",
        epilog="`jetpulse VERB --help` is the manual page of a step. A mistake gives one line and exit code 1.",
    )
    parser.add_argument("--version", action="version", version=f"jetpulse {__version__}")
    parsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in [only] if only else [name for names in VERBS.values() for name in names]:
        function = _verb(name)
        text = (function.__doc__ or "").strip()
        first, _, rest = text.partition("\n")
        inner = parsers.add_parser(
            name,
            help=first,
            description=f"{first}\n\n{_fill(rest)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for flags, options in function.arguments:
            inner.add_argument(*flags, **options)
        inner.set_defaults(function=function)
    return parser


def _fill(text: str) -> str:
    """Fit a docstring's paragraphs to the terminal; indented blocks, such as examples, stay as they are."""
    width = min(shutil.get_terminal_size().columns, 100) - 2
    paragraphs = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(p if "\n  " in p else textwrap.fill(p, width) for p in paragraphs)


def run() -> int:
    """Run the command line as a program: asked to end (SIGTERM, SIGUSR1), it still removes what it was writing."""
    for number in SIGNALS:
        signal.signal(number, leave)
    log_command(sys.argv[1:])
    code = main()
    # Python drops its handlers before it is gone, and a signal then would make a failure of what is complete.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return code


def log_command(argv: list[str]) -> None:
    """Write the command itself, as a shell takes it, as the first line of its log: where standard error is a file.

    The processes that a training starts write nothing: their command is not what was called.
    """
    if sys.stderr is not None and stat.S_ISREG(os.fstat(2).st_mode) and "JETPULSE_MEETING" not in os.environ:
        print(shlex.join(["jetpulse", *argv]), file=sys.stderr, flush=True)


def expand_arguments(argv: list[str]) -> list[str]:
    """Return a verb's arguments, read from FILE.arguments for ``VERB @FILE.arguments``, each ended by a null character.

    Raises:
        UserError: the file cannot be read.
    """
    if len(argv) != 2 or not (argv[1].startswith("@") and argv[1].endswith(".arguments")):
        return argv
    try:
        text = os.fsdecode(Path(argv[1][1:]).read_bytes())
    except OSError as error:
        raise UserError(f"{argv[1]}: {error.strerror}; check the path") from error
    return [argv[0], *text.split("\0")[:-1]]


def main(argv: list[str] | None = None) -> int:
    """Run one verb; return the exit code: 0, or 1 after a one-line message for a mistake of the user's."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        argv = expand_arguments(argv)
    except UserError as error:
        print(f"jetpulse {argv[0]}: {error}", file=sys.stderr)
        return 1
    known = {name for names in VERBS.values() for name in names}
    options = vars(build_parser(argv[0] if argv and argv[0] in known else None).parse_args(argv))
    function, verb = options.pop("function"), options.pop("verb")
    try:
        function(**options)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"jetpulse {verb}: {line}", file=sys.stderr)
        return 1
    except StoppedError as stopped:
        print(f"jetpulse {verb}: {stopped}", file=sys.stderr)
        return stopped.code
    except KeyboardInterrupt:
        print(f"jetpulse {verb}: interrupted; nothing half-written is left", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if _out_of_memory(error):
            print(f"jetpulse {verb}: out of memory; use a machine with more or smaller inputs", file=sys.stderr)
            return 1
        if words := too_many_open(error):
            print(f"jetpulse {verb}: {words}", file=sys.stderr)
            return 1
        traceback.print_exc()
        print(f"jetpulse {verb}: {_blame(error)}", file=sys.stderr)
        return 2
    return 0


def _out_of_memory(error: Exception) -> bool:
    """Return whether there was no memory; torch has its own words for it, a RuntimeError on the CPU."""
    of_torch = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and of_torch)


def _blame(error: Exception) -> str:
    """Return whose defect an unexpected error is: of a network's file, which may be the user's own, or of jetpulse."""
    folder = Path(__file__).parent.parent / "models"
    inside = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    if not inside:
        return "this is a defect of jetpulse, please report the lines above"
    where = f"models/{Path(inside[-1].filename).name}, line {inside[-1].lineno}"
    return f"this is a defect of the network in {where}; mend it, or report the lines above if it is not your own"
