#!/usr/bin/env bash
# The trainers and harnesses that fit into one light environment: OpenEnv, Inspect AI, SkyRL-Gym, PettingZoo.
#   bash tests/legs/light.sh [FOLDER FOR THE VENVS]
set -euo pipefail
cd "$(dirname "$0")/../.."
venvs="${1:-${EMOSIM_VENVS:-.venvs}}"
python="$venvs/light/bin/python"
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$venvs/light"
"$python" -m pip install --quiet --disable-pip-version-check --editable . \
    "openenv==0.10.0" "inspect-ai==0.3.285" "skyrl-gym==0.4.0" "pettingzoo==1.27.0" \
    "pytest>=8.4" "pytest-asyncio>=1.4" "pytest-timeout>=2.3" 2> >(grep -v '^WARNING' >&2)
echo "== light: $("$python" --version), $("$python" -m pip list --disable-pip-version-check 2>/dev/null |
    grep -iE '^(openenv|inspect[-_]ai|skyrl-gym|pettingzoo|gymnasium) ' | tr -s ' ' | tr '\n' ' ')"
"$python" -W ignore -c "import openenv, inspect_ai, skyrl_gym, pettingzoo" # what is missing would be skipped
"$python" -m pytest tests/adapters/{openenv,skyrl,pettingzoo} -q -s -p no:cacheprovider --timeout=170
# Inspect now and then leaves a stream of its own (anyio's, which emosim does not use) to the garbage collector.
"$python" -m pytest tests/adapters/inspect -q -s -p no:cacheprovider --timeout=170 \
    -W default::pytest.PytestUnraisableExceptionWarning
