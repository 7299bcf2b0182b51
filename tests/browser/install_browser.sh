#!/bin/sh
# Chromium for the browser tests, from the system's packages; says what to do where that is not possible.
set -eu
command -v chromium-headless-shell >/dev/null 2>&1 && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq || true
  for name in chromium-headless-shell chromium; do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$name" fonts-dejavu-core >/dev/null && exit 0
  done
fi
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
echo "No Chromium found; the browser tests will be skipped. Install it, for example: sudo apt-get install chromium-headless-shell" >&2
