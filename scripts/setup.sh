#!/usr/bin/env bash
# A virtual environment in .venv with the workspace installed; give a requirements file.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r "${1:-requirements.txt}"
