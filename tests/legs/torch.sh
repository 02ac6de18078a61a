#!/usr/bin/env bash
# Run the adapters' tests for trainers on torch: TRL (GRPO on chats and tools) and Stable-Baselines3; then the example.
#   bash tests/legs/torch.sh [FOLDER FOR THE VENVS]      EMOSIM_VENVS names it too; PYTHON=python3.13 another Python
# CPU only; nothing is downloaded but packages. With torch 2.13.0 from the CPU index the environment takes 1.5 GB.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${1:-${EMOSIM_VENVS:-.venvs}}/torch"
python="$venv/bin/python"
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$python" -m pip install --quiet --disable-pip-version-check --editable . \
    "torch==2.13.0" "trl>=1.16,<1.17" "transformers>=5.23,<6" "datasets>=5.2,<6" "gguf>=0.19,<1" \
    "stable-baselines3==2.9.2" "pytest>=8.4" "pytest-asyncio>=1.4" "pytest-timeout>=2.3" 2> >(grep -v '^WARNING' >&2)
echo "== torch: $("$python" --version), $("$python" -m pip list --disable-pip-version-check 2>/dev/null |
    grep -iE '^(torch|trl|transformers|datasets|stable_baselines3|gymnasium|emosim) ' | tr -s ' ' | tr '\n' ' ')"

export HF_HUB_OFFLINE=1 TRL_EXPERIMENTAL_SILENCE=1 OMP_NUM_THREADS=1
"$python" -W ignore -c "import trl, stable_baselines3" # what is missing would be skipped
failed=0
"$python" -m pytest tests/adapters/trl tests/adapters/sb3 -q -s -p no:cacheprovider --timeout=600 --durations=5 \
    > >(grep -vE "^\{'|Warning|^ +warnings.warn|^$") || failed=1

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$python" -W ignore examples/train_trl_grpo.py --model tiny --steps 2 --group-size 4 --groups 2 --scouts 2 \
    --reply-tokens 12 --rate 0.01 --out "$out" | grep verified || failed=1
"$venv/bin/emosim" verify "$out/log" || failed=1
exit "$failed"
