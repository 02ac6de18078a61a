#!/usr/bin/env bash
# verifiers in an environment of its own (its mcp 2 excludes OpenEnv's): the Hub-shaped package, vf-eval, conformance.
#   bash tests/legs/verifiers.sh [FOLDER FOR THE VENVS]
set -euo pipefail
cd "$(dirname "$0")/../.."
venvs="${1:-${EMOSIM_VENVS:-.venvs}}"
python="$venvs/verifiers/bin/python"
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$venvs/verifiers"
"$python" -m pip install --quiet --disable-pip-version-check --editable . ./examples/emosim_vf \
    "verifiers==0.4.0" "pytest>=8.4" "pytest-asyncio>=1.4" "pytest-timeout>=2.3" 2> >(grep -v '^WARNING' >&2)
echo "== verifiers: $("$python" --version), $("$python" -m pip list --disable-pip-version-check 2>/dev/null |
    grep -E '^(verifiers|openai|mcp|gymnasium) ' | tr -s ' ' | tr '\n' ' ')"
"$python" -m pytest tests/adapters/verifiers -q -s -p no:cacheprovider --timeout=170
