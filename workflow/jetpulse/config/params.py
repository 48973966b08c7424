"""Values of the configuration as rules and commands take them: one JSON text each."""

import json
from typing import Any


def param_of(value: Any) -> str:
    """Return a value as JSON, the same text for equal values, without the sign ``<``.

    Snakemake's report writes the parameters of rules into a script, which ``</script`` in any text of the config would
    end: what follows would be HTML of the report.
    """
    return json.dumps(value, sort_keys=True).replace("<", "\\u003c")
