#!/usr/bin/env bash
# Builds the wheel, installs it alone in a fresh environment, and uses it from an empty directory without a network.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/build" && "$work/build/bin/pip" install --quiet build
"$work/build/bin/python" -m build --quiet --outdir "$work/dist" "$root"
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "$work"/dist/*.whl
mkdir "$work/empty" "$work/site" && cd "$work/empty"
cat > "$work/site/sitecustomize.py" <<'PY'
import socket

def refuse(self, address):
    raise OSError(f"the network is blocked in this test: {address}")

socket.socket.connect = refuse
PY
export PYTHONPATH="$work/site"
emosim="$work/venv/bin/emosim"
[ "$("$emosim" list personas --json | "$work/venv/bin/python" -c 'import json,sys; print(len(json.load(sys.stdin)))')" -ge 24 ]
start=$(date +%s)
"$emosim" demo > "$work/one" && "$emosim" demo > "$work/two"
[ $(($(date +%s) - start)) -lt 20 ]
cmp "$work/one" "$work/two"
"$emosim" run core --agent baseline:rung3 --personas dolores,tom --level 0,0.5 --display none --out "$work/run"
"$emosim" verify "$work/run"
[ -z "$(ls -A)" ]
! find "$work/venv" -path '*site-packages*' -newer "$work/one" -name '*.toml' | grep -q .
if unzip -l "$work"/dist/*.whl | grep -q '\.pth$'; then echo "the wheel holds a .pth file" >&2; exit 1; fi
echo "wheel: complete, offline, the same bytes twice"
