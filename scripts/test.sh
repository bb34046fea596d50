#!/usr/bin/env bash
# Set up from nothing, check the style, run the tests, build the docs.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh requirements-dev.txt
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mkdocs build --quiet --strict
export OMP_NUM_THREADS=1
.venv/bin/python -m pytest -n 2 "$@"
