#!/usr/bin/env bash
# Starts docker-compose.yml with a password for Grafana's admin, printed once and written nowhere
# (one in GRAFANA_ADMIN_PASSWORD is used instead; Grafana keeps the first one on its volume), and
# with a token for agentslo's page, kept in .secrets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v docker >/dev/null || { echo "make up: docker not found" >&2 && exit 1; }
if [ -z "${GRAFANA_ADMIN_PASSWORD:-}" ]; then
  GRAFANA_ADMIN_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  echo "Grafana: user admin, password $GRAFANA_ADMIN_PASSWORD (from the first start on a new volume)"
fi
export GRAFANA_ADMIN_PASSWORD
# The folder keeps others out; the file is read by the user of the container.
if [ ! -s .secrets/page-token ]; then
  install -d -m 0700 .secrets
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > .secrets/page-token
  chmod 0644 .secrets/page-token
fi
docker compose up --build --detach "$@"
echo "Grafana http://127.0.0.1:3000/"
echo "agentslo http://127.0.0.1:9465/   any user, password $(cat .secrets/page-token)"
