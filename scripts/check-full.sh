#!/usr/bin/env bash
# All that is too long for CI, one part after the other, each in a log of its own: hours. A part that
# fails does not stop the next. Writes build/check-full/result.md: what docs/check-full.md shows.
#
#   scripts/check-full.sh            all
#   scripts/check-full.sh demo fuzz  some
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A parts=(
  [check]="make --no-print-directory check"
  [demo]="make --no-print-directory demo ARGS='--then stop'"
  [stories]="make --no-print-directory story-incident story-retraining"
  [examples]="make --no-print-directory examples"
  [release]="make --no-print-directory release"
  [faults]="make --no-print-directory faults"
  [fuzz]="make --no-print-directory fuzz ARGS='--seconds 600'"
  [prometheus3]="scripts/prometheus3.sh"
  [alerting]=".venv/bin/python benchmarks/alerting.py"
  [drift]=".venv/bin/python benchmarks/drift.py && .venv/bin/python benchmarks/drift_faults.py 20"
  [bench]="make --no-print-directory bench ARGS='--batch 1,50,512,8192 --mix 0,0.3,1 --rounds 5'"
)
order="check demo stories examples release faults fuzz prometheus3 alerting drift bench"
out=build/check-full
mkdir -p "$out"
scripts/venv.sh dev
scripts/tools.sh --link

{
  echo "| part | command | took | result |"
  echo "|---|---|---|---|"
} >"$out/result.md"
failed=
for part in ${*:-$order}; do
  command=${parts[$part]:?no part of that name: $part; there are: $order}
  start=$SECONDS
  echo "== $part: $command"
  if bash -o pipefail -c "$command" >"$out/$part.log" 2>&1; then result=passed; else
    result=failed
    failed="$failed $part"
  fi
  took=$(((SECONDS - start) / 60))
  echo "   $result after $took min; $out/$part.log"
  echo "| $part | \`${command//make --no-print-directory/make}\` | $took min | $result, $(date -u +%F) |" >>"$out/result.md"
done
[ -z "$failed" ] || { echo "failed:$failed" && exit 1; }
