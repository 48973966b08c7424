"""JSON on the command line, restricted to what can be meant: keys once, finite numbers, a sensible depth."""

import json
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from jetpulse.errors import UserError

# Levels of objects and lists.
_MAX_DEPTH = 50


def read_json(text: str, flag: str = "--spec") -> Any:
    """Return the value of JSON text, or of a file for ``@FILE``; ``flag`` is the option that it was given to.

    Raises:
        UserError: not JSON, a key given twice, a number that is not finite or too long, or too deeply nested.
    """
    try:
        content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        refuse = partial(_refuse_constant, flag)
        value = json.loads(content, object_pairs_hook=partial(_unique, flag), parse_constant=refuse)
    except OSError as error:
        raise UserError(f"{flag} {text}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{flag} {text}: not a text file ({error}); expected JSON") from error
    except RecursionError as error:
        raise UserError(_too_deep(flag)) from error
    except ValueError as error:  # JSONDecodeError is one; so is what a number of thousands of digits raises
        reason = str(error).partition(";")[0]
        raise UserError(f"{flag}: not valid JSON: {reason}") from error
    _check_depth(flag, value)
    return value


def _unique(flag: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; plain ``json`` silently takes the last value of a key.

    Raises:
        UserError: a key is given twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{flag}: key {twice!r} is given twice; remove or rename one")
    return value


def _refuse_constant(flag: str, text: str) -> NoReturn:
    raise UserError(f"{flag}: {text} is no number of JSON; write a finite one")


def _check_depth(flag: str, value: Any) -> None:
    """Refuse deeper nesting than any spec has.

    Raises:
        UserError: nested too deeply.
    """
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    if level:
        raise UserError(_too_deep(flag))


def _too_deep(flag: str) -> str:
    return f"{flag}: nested more than {_MAX_DEPTH} levels deep"
