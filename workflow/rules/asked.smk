"""What was asked for on the command line and cannot be made: said in one line, with the nearest names that there are."""

import difflib

from snakemake.cli import get_argument_parser

KINDS = ("jets", "pulses", "spectra", "problems")


def asked_on_command_line():
    """Return the targets on Snakemake's command line; none in the processes that it starts, and in other programs."""
    words = sys.argv[1:] if Path(sys.argv[0]).name in ("snakemake", "__main__.py") else []
    known, _ = get_argument_parser().parse_known_args(words)
    return sorted(map(str, known.targets or [])) if known.mode.name == "DEFAULT" else []


def check_asked(targets):
    """Refuse what no rule makes and no file is, and kinds of which the config has no experiment.

    Raises:
        WorkflowError: one line for each.
    """
    rules = {rule.name for rule in workflow.rules}
    plain = {rule.name for rule in workflow.rules if not rule.has_wildcards()}
    lines = []
    for target in targets:
        if target in KINDS and not results_of(experiments_of(target)):
            kinds = sorted({name_kind(value) for value in analysis.experiments.values()})
            lines.append(f"{target}: {config_name} has no experiments on {target}, only on {', '.join(kinds)}")
        elif target not in rules and not Path(target).exists() and not is_made(target):
            found = [rule for rule in rules if rule.rpartition("@")[2] == target]
            files = [file for files in stages().values() for file in files]
            near = found or difflib.get_close_matches(target, sorted({*plain, *files}), 3, 0.6)
            hint = f"did you mean {' or '.join(map(repr, sorted(near)))}? " if near else ""
            lines.append(
                f"{target}: nothing of that name can be made; {hint}`snakemake --list-target-rules` lists targets"
            )
    if lines:
        raise WorkflowError("\n".join(lines))


def is_made(file):
    """Return whether a rule makes a file, spelled as Snakemake spells it."""
    file = file if os.path.isabs(file) else os.path.relpath(file)
    return any(rule.is_producer(file) for rule in workflow.rules)


# A host that includes this workflow has targets of its own, and what is stored elsewhere has other names.
if workflow.modifier.is_main_snakefile() and not getattr(workflow.storage_settings, "default_storage_provider", None):
    check_asked(asked_on_command_line())
