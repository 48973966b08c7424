"""Published results, sample by sample: the project's table and, in the folder that is worked in, one of the user's."""

import csv
from pathlib import Path

from jetpulse.errors import UserError, cannot_open
from jetpulse.resources import resource

OWN = Path("config/references.csv")


def published_on(sample: str, table: Path | None = None) -> list[dict[str, str]]:
    """Return the published results on a sample, in the order of the table.

    Args:
        sample: its name in the column ``sample``.
        table: the table to look in; None: OWN if it is there and knows the sample, else the project's.

    Raises:
        UserError: no such table, or a sample that none knows.
    """
    tables = [table] if table else [*([OWN] if OWN.is_file() else []), resource("references.csv")]
    known: list[str] = []
    for path in tables:
        rows = _rows(path)
        found = [row for row in rows if row["sample"] == sample]
        if found:
            return found
        known += [row["sample"] for row in rows]
    where = f"{tables[0]}: " if len(tables) > 1 or table else ""
    raise UserError(f"{where}no published results on a sample {sample!r}; there are: {', '.join(dict.fromkeys(known))}")


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise cannot_open(path, error, "a table") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table with commas in UTF-8: {error}") from error
    if any("sample" not in row for row in rows):
        raise UserError(f"{path}: line 1: no column `sample`, found {', '.join(map(str, rows[0]))}")
    return rows
