#!/usr/bin/env bash
# Writes constraints.txt anew: the newest versions the ranges of pyproject.toml allow, as one fresh
# environment gets them; and requirements.lock: of those, what runs in production, with the hash of
# every file. Review the diff like code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"${PYTHON:-python3}" -m venv "$fresh"
"$fresh/bin/python" -m pip install --quiet --upgrade pip
"$fresh/bin/python" -m pip install --quiet -e . --group dev
{
  echo "# The exact versions tests pass with: run time and development, used as"
  echo "# pip install -c constraints.txt. Made by: make constraints"
  "$fresh/bin/python" -m pip freeze --all --exclude-editable --exclude setuptools |
    LC_ALL=C sort --ignore-case
} >"$fresh/constraints.txt"
mv "$fresh/constraints.txt" constraints.txt
"$fresh/bin/python" -m pip install --quiet pip-tools
"$fresh/bin/pip-compile" --quiet --generate-hashes --extra prices -c constraints.txt \
  --strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
  -o "$fresh/requirements.lock" pyproject.toml
{
  echo "# What runs in production, with the SHA-256 of every file: pip install --require-hashes -r"
  echo "# requirements.lock. Made by: make constraints"
  cat "$fresh/requirements.lock"
} >requirements.lock
echo "constraints.txt: $(grep -vc '^#' constraints.txt) packages"
