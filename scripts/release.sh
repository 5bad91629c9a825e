#!/usr/bin/env bash
# Builds dist/: sdist, the wheel made from it, SHA256SUMS, sbom.json. Then installs the wheel alone
# into a clean environment, away from the sources, and sees a newcomer's first minutes work. Stops at
# the first thing that does not. Publishes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
work=$(mktemp -d)
service=
cleanup() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

say() { printf '[%3ds] %s\n' "$SECONDS" "$1"; }

fail() {
  echo "make release: $1" >&2
  exit 1
}

grep -q "^## $version " CHANGELOG.md || fail "CHANGELOG.md has no heading for $version"
grep -q "^__version__ = \"$version\"" processor/agentslo/__init__.py ||
  fail "processor/agentslo/__init__.py has another version"
grep -q "^appVersion: \"$version\"" deploy/helm/agentslo/Chart.yaml ||
  fail "the chart has another version"
grep -q "image: agentslo:$version" docker-compose.yml ||
  fail "docker-compose.yml has another version"

say "building $version"
rm -f dist/agentslo-*
"${PYTHON:-python3}" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet build
"$work/build/bin/python" -m build --outdir dist . >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; exit 1; }
wheel=dist/agentslo-$version-py3-none-any.whl

say "installing the wheel into a clean environment"
"${PYTHON:-python3}" -m venv "$work/run"
"$work/run/bin/python" -m pip install --quiet -c constraints.txt "$wheel"
agentslo=$work/run/bin/agentslo
cd "$work"
[ "$("$agentslo" --version)" = "agentslo $version" ] || fail "the wheel has another version"

say "first minutes: init, check, run, hello, the page, doctor, bundle"
"$agentslo" init --template password-reset >/dev/null
"$agentslo" check agents >/dev/null
export AGENTSLO_PORT_OFFSET=${PORT_OFFSET:-23000}
page=http://127.0.0.1:$((9465 + AGENTSLO_PORT_OFFSET))
"$agentslo" run >run.log 2>&1 &
service=$!
for _ in $(seq 100); do ! grep -q " is up" run.log || break; sleep 0.2; done
"$agentslo" hello >/dev/null || { cat run.log >&2; fail "hello found no service"; }
for _ in $(seq 100); do ! "$agentslo" doctor --live "$page" >doctor.txt 2>&1 || break; sleep 0.3; done
grep -q "support_agent" doctor.txt || fail "no run on the page: $(cat doctor.txt)"
kill "$service" && wait "$service" || fail "the service did not stop soundly"
service=
unset AGENTSLO_PORT_OFFSET
"$agentslo" bundle --out . >/dev/null
cmp alert-rules/alerts.rules.yml "$root/alert-rules/alerts.rules.yml" || fail "bundle differs"

say "the demo, without outside tools"
"$agentslo" demo --for 5 --then stop --directory demo --port-offset 24000 \
  --without collector --without prometheus --without alertmanager >demo.txt
grep -q "order-desk: healthy" demo.txt || fail "the demo has no summary"

cd "$root"
say "software bill of materials"
scripts/sbom.sh
(cd dist && sha256sum agentslo-"$version"* sbom.json >SHA256SUMS)
say "dist/:"
ls -l dist
