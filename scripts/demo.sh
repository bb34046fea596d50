#!/usr/bin/env bash
# Set up from nothing and train MEOW on the MovieLens graph, offline after the installation.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh requirements.txt
.venv/bin/contrast run plugin=meow "$@"
