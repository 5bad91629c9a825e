#!/usr/bin/env bash
# Draws the boards of grafana/ with Grafana's own components over a Prometheus with a simulated
# fleet, and parses their TraceQL with Grafana's grammar. Pictures go to build/preview.
#
#   scripts/preview.sh [--theme light] [--agent NAME] [UID ...]
#
# npm's packages go to the user's cache, outside the clone, and are installed once a version.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v npm >/dev/null || { echo "make preview: npm not found" >&2 && exit 1; }

key=$(cat "$root"/tools/preview/{package.json,vite.config.mjs,index.html,src/*,traceql.mjs} | sha256sum | cut -c1-12)
page=${XDG_CACHE_HOME:-$HOME/.cache}/agentslo/preview/$key
if [ ! -e "$page/dist/index.html" ]; then
  mkdir -p "$page"
  cp -R "$root/tools/preview/." "$page"
  cd "$page"
  echo "make preview: installing and building (some minutes the first time)"
  npm install --legacy-peer-deps --ignore-scripts --no-audit --no-fund >install.log 2>&1 ||
    { echo "make preview: npm could not install (see $page/install.log)" >&2 && exit 1; }
  npx vite build >build.log 2>&1 ||
    { echo "make preview: could not build (see $page/build.log)" >&2 && exit 1; }
fi
node "$page/traceql.mjs" "$root"/grafana/dashboards/*.json
cd "$root/tests"
exec "$root/.venv/bin/python" -m support.boards.preview --page "$page/dist" --out "$root/build/preview" "$@"
