#!/usr/bin/env bash
# Runs in the new environment, in the project's folder: the rules call the package's command line.
set -euo pipefail
python -m pip install --quiet --no-deps --no-build-isolation --editable .
