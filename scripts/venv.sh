#!/usr/bin/env bash
# Makes .venv: scripts/venv.sh run|dev. "run" installs the service, "dev" also what tests and
# checks need; both at the versions of constraints.txt. PYTHON names the interpreter to start from.
# A stamp named by the hash of the inputs makes a second run do nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=$1
python=${PYTHON:-python3}
log=.venv/install.log
fix="install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11 ..."

fail() {
  echo "agentslo: $1" >&2
  exit 1
}

install() {
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --retries 2 \
    -c constraints.txt "$@" >>"$log" 2>&1 ||
    fail "could not install: no package index reachable (see $log)"
}

stamp=.venv/$purpose-$(cat pyproject.toml constraints.txt | cksum | tr -d ' ').stamp
# What "dev" installs holds all that "run" needs.
if [ -e "$stamp" ] || [ -e "${stamp/run-/dev-}" ]; then exit 0; fi

if [ ! -x .venv/bin/python ]; then
  command -v "$python" >/dev/null || fail "$python not found; $fix"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version 2>&1) is too old; $fix"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make a virtual environment; install python3-venv"
  echo "agentslo: creating .venv"
  "$python" -m venv .venv >/dev/null || fail "could not create .venv; delete it and try again"
fi

: >"$log"
echo "agentslo: installing into .venv (log: $log)"
if [ "$purpose" = dev ]; then
  install --upgrade pip # --group needs pip 25.1
  install -e . --group dev
else
  install -e .
fi
rm -f .venv/"$purpose"-*.stamp
touch "$stamp"
