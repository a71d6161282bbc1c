#!/usr/bin/env bash
# Installs what tests/export/test_browser.py needs: Chromium, by apt when run as root on Debian or
# Ubuntu, and onnxruntime-web, by npm, into build/browser. Without them, the test is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

is_installed() { command -v "$1" >/dev/null; }

if ! is_installed chromium && ! is_installed chromium-browser && ! is_installed google-chrome; then
  if ! is_installed apt-get || [ "$(id -u)" -ne 0 ]; then
    echo "Install Chromium with the package manager of your system." >&2
    exit 1
  fi
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium
fi
if ! is_installed npm; then
  echo "Install npm with the package manager of your system." >&2
  exit 1
fi
mkdir -p build/browser
npm install --prefix build/browser --no-audit --no-fund --ignore-scripts onnxruntime-web@1
echo "Run: .venv/bin/python -m pytest -m '' tests/export/test_browser.py"
