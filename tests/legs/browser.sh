#!/usr/bin/env bash
# Look at the HTML report in headless Chromium: playwright-core in a temporary folder, Debian's chromium.
#   bash tests/legs/browser.sh [FOLDER FOR PAGES AND PICTURES]
set -euo pipefail
cd "$(dirname "$0")/../.."
here="$PWD"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
pages="${1:-$work/pages}"
mkdir -p "$pages"
pages="$(cd "$pages" && pwd)"

if ! command -v chromium > /dev/null; then
    apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk > /dev/null ||
        { echo "SKIPPED: no chromium, and apt-get could not install it"; exit 0; }
fi
command -v npm > /dev/null || { echo "SKIPPED: no npm"; exit 0; }

PYTHONPATH="$here" "${PYTHON:-python3}" tests/browser/pages.py "$pages"
cp tests/browser/report.mjs "$work"
cd "$work"
npm init -y > /dev/null 2>&1
npm install --silent --no-audit --no-fund playwright-core@1
CHROMIUM="$(command -v chromium)" node report.mjs "$pages"
