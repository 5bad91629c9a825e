#!/usr/bin/env bash
# Writes dist/sbom.json (CycloneDX): what a plain installation at the versions of constraints.txt
# holds. The tool runs from an environment of its own and is no part of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"${PYTHON:-python3}" -m venv "$fresh/tool"
"${PYTHON:-python3}" -m venv --without-pip "$fresh/run"
"$fresh/tool/bin/python" -m pip install --quiet 'cyclonedx-bom>=7'
"$fresh/tool/bin/python" -m pip --python "$fresh/run/bin/python" install --quiet -c constraints.txt .
mkdir -p dist
"$fresh/tool/bin/cyclonedx-py" environment "$fresh/run" --output-reproducible --of JSON -o dist/sbom.json
echo "dist/sbom.json: $(grep -c '"purl"' dist/sbom.json) packages"
