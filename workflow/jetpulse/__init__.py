"""jetpulse: reproducible physics machine learning, from simulation to report.

The package is plain Python: arrays in, arrays out, one command per step (``jetpulse --help``). The
workflow beside it (``workflow/rules``) calls those commands and nothing else.
"""

__version__ = "0.1.0"
