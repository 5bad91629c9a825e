#!/usr/bin/env bash
# Holds the rules to a current Prometheus 3 as well, where Debian has 2.42: builds its promtool from
# Go modules (once, beside the other tools), checks the rule files, plays every rule test and proves
# the model of benchmarks/alerting.py against it. Needs Go; takes some minutes the first time.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=v0.316.0 # Prometheus 3.16.0
dir=${XDG_CACHE_HOME:-$HOME/.cache}/agentslo/prometheus-$version
promtool=$dir/promtool

if [ ! -x "$promtool" ]; then
  command -v go >/dev/null || { echo "prometheus3: install Go 1.26 or newer" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  export GOFLAGS=-mod=mod CGO_ENABLED=0
  mkdir -p "$dir"
  cd "$work"
  go mod init prometheus3
  go mod edit -require="github.com/prometheus/prometheus@$version"
  nice go build -trimpath \
    -ldflags="-s -w -X github.com/prometheus/common/version.Version=3.${version:4:2}.0" \
    -o "$work/promtool" github.com/prometheus/prometheus/cmd/promtool
  mv "$work/promtool" "$promtool"
fi

cd "$root"
"$promtool" --version
"$promtool" check rules alert-rules/*.rules.yml
"$promtool" test rules tests/rules/*.test.yml
.venv/bin/python benchmarks/alerting_proof.py --days 0.5 --agents 10 --promtool "$promtool"
