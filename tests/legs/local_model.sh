#!/usr/bin/env bash
# The small local model in a fresh environment: install the extra, fetch the weights, hold a short chat with it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$root[test,local]"
"$work/venv/bin/emosim" fetch-model
cd "$root"
"$work/venv/bin/python" -m pytest -q -p no:cacheprovider --timeout=170 -m local_model tests/test_local_model.py tests/backends/test_local.py
