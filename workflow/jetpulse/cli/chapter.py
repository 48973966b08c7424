"""Verb of the report's chapter of small problems."""

from pathlib import Path

from jetpulse.cli.common import (
    argument,
    grouped_paths,
    log,
    log_start,
    named_paths,
    path,
    read_json,
    read_spec,
    spec_argument,
    verb,
)


@verb(
    path("out", "page to write (HTML)"),
    spec_argument("the experiments, by name"),
    argument("--questions", required=True, metavar="JSON", help="pairs of dataset and what is asked of it, in order"),
    argument("--results", required=True, nargs="+", metavar="NAME=FILE", help="metrics.json by experiment"),
    argument("--figures", nargs="+", default=[], metavar="NAME=FILE", help="SVG files by dataset or experiment"),
)
def tell_problems(out: Path, spec: str, questions: str, results: list[str], figures: list[str]) -> None:
    """Write the chapter of small problems, a section for each dataset.

    It holds the question, the methods, figures, numbers and references; everything is in the one page.

    Example:
      jetpulse tell-problems problems.html --questions '[["xor", "Which class?"]]' \\
          --results net=net/metrics.json --figures net=net/figures/answers.svg \\
          --spec '{"net": {"dataset": "xor", "model": {"name": "dense"}}}'
    """
    from jetpulse.config import Experiments
    from jetpulse.errors import UserError
    from jetpulse.figures.chapter import write_chapter

    log_start("tell-problems")
    pairs = read_json(questions, "--questions")
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and [type(text) for text in pair] == [str, str] for pair in pairs
    ):
        raise UserError(f'--questions: expected pairs of dataset and text, [["xor", "Which class?"]], found {pairs!r}')
    texts = dict(pairs)
    experiments = read_spec(spec, Experiments).root
    drawn = grouped_paths(figures, "--figures")
    write_chapter(texts, experiments, named_paths(results, "--results"), drawn, out)
    log(f"wrote {out}")
