#!/usr/bin/env bash
# Run tests/backends with both majors of the openai SDK, with litellm, and with the local model's runtime.
#   bash tests/legs/openai_majors.sh [FOLDER FOR THE VENVS]
set -euo pipefail
cd "$(dirname "$0")/../.."
venvs="${1:-${EMOSIM_VENVS:-.venvs}}"
common=("httptools>=0.6.4,<1" "pydantic>=2.11,<3" "tenacity>=9,<10" "gymnasium>=1.1,<2" "numpy>=1.26"
        "pytest>=8.4" "pytest-asyncio>=1.4" "pytest-timeout>=2.3")
litellm='litellm>=1.105.3,<2,!=1.106.0,!=1.106.1,!=1.106.2,!=1.107.0'
failed=0

leg() { # NAME REQUIREMENT...
    local python="$venvs/$1/bin/python" name="$1"
    shift
    [ -x "$python" ] || python3 -m venv "$venvs/$name"
    "$python" -m pip install --quiet --disable-pip-version-check "${common[@]}" "$@" 2> >(grep -v '^WARNING' >&2)
    echo "== $name: $("$python" -m pip list --disable-pip-version-check 2>/dev/null |
        grep -E '^(openai|litellm|xllamacpp|httpx2?|httptools) ' | tr -s ' ' | tr '\n' ' ')"
    PYTHONPATH=. "$python" -m pytest tests/backends -q -p no:cacheprovider --timeout=120 || failed=1
}

leg openai2 "openai>=2.20,<3"
leg openai3 "openai>=3,<4"
leg litellm "$litellm"
leg local "openai>=3,<4" "xllamacpp==2026.10.11549"
exit "$failed"
