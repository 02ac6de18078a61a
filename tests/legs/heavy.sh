#!/usr/bin/env bash
# Run the adapters' tests for trainers too heavy for every run: RLlib and verl, and on Python 3.12 NeMo Gym and ART.
#   bash tests/legs/heavy.sh [TRAINER ...]        all of them, or those named; EMOSIM_VENVS: folder for the venvs
#   PYTHON312=python3.12 names an interpreter for what needs it; without one those are left out, and it is said.
set -euo pipefail
cd "$(dirname "$0")/../.."
venvs="${EMOSIM_VENVS:-.venvs}"
python312="${PYTHON312:-$(command -v python3.12 || true)}"
chosen=("${@:-rllib verl atropos nemo_gym art}")
failed=0
for name in ${chosen[*]}; do
    [ -d "tests/adapters/$name" ] || { echo "no trainer '$name': rllib verl atropos nemo_gym art" >&2; exit 2; }
done

leg() { # NAME PYTHON REQUIREMENT...
    local name="$1" base="$2" python="$venvs/$1/bin/python"
    shift 2
    [[ " ${chosen[*]} " == *" $name "* ]] || return 0
    if [ -z "$base" ]; then
        echo "== $name: left out, it needs Python 3.12 (set PYTHON312)"
        return 0
    fi
    [ -x "$python" ] || "$base" -m venv "$venvs/$name"
    "$python" -m pip install --quiet --disable-pip-version-check --editable . \
        "pytest>=8.4" "pytest-asyncio>=1.4" "pytest-timeout>=2.3" 2> >(grep -v '^WARNING' >&2)
    # Last, since nemo-gym's openai is older than the one emosim asks for: pip says so and goes on.
    "$python" -m pip install --quiet --disable-pip-version-check "$@" 2> >(grep -v '^WARNING' >&2)
    echo "== $name: $("$python" --version), $("$python" -m pip list --disable-pip-version-check 2>/dev/null |
        grep -iE '^(ray|verl|torch|gymnasium|atroposlib|nemo-gym|openpipe-art|emosim) ' | tr -s ' ' | tr '\n' ' ')"
    "$python" -m pytest "tests/adapters/$name" -q -s -W ignore -p no:cacheprovider || failed=1
}

leg rllib python3 "torch==2.13.0" "ray[rllib]==2.60.0"
leg verl python3 "torch==2.13.0" "verl==0.9.1" cachetools uvicorn fastapi
leg atropos python3 "torch==2.13.0" "atroposlib==0.4.0"
leg nemo_gym "$python312" "nemo-gym==0.4.0" "openai<=2.7.2"
leg art "$python312" "openpipe-art==0.5.23"
exit "$failed"
