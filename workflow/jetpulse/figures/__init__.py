"""Figures: one style, one function per figure; functions take arrays and return a matplotlib Figure.

No figure needs a backend, and a backend that is not installed (MPLBACKEND=inline, as in a terminal that a notebook has
opened) must not end the import of matplotlib.
"""

import os
import sys
from contextlib import suppress

from jetpulse.errors import UserError


def _import_matplotlib() -> None:
    """Import matplotlib as it would be, but that a backend which it does not know is passed over.

    Raises:
        UserError: settings that cannot be read; their values do not matter, but it reads them.
    """
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    except (OSError, UnicodeDecodeError) as error:
        where = os.environ.get("MATPLOTLIBRC", "the working directory or the home")
        raise UserError(f"matplotlibrc in {where}: cannot be read ({error}); remove it or save it as UTF-8") from error
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


if "matplotlib" not in sys.modules:
    _import_matplotlib()
