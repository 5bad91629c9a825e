#!/usr/bin/env bash
# Installs the outside tools the tests run against: a Collector and Helm built from Go modules, the
# Prometheus Operator's resource definitions, and Debian's Prometheus, Alertmanager and Chromium. Nothing is started and no system service is set up. Root is
# needed once: for Chromium with its libraries, and for Alertmanager's templates.
#
#   scripts/tools.sh          install what is missing, link .tools to it, print the versions
#   scripts/tools.sh --link   only link .tools if a complete installation is there already
#
# Out goes $AGENTSLO_TOOLS_DIR (default: a folder in the user's cache, outside the clone, so that
# the next clone finds it). Its name holds a key of all versions, so an old installation is never
# mistaken for the wanted one. Each program appears under bin/ only once it is whole.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
config=$root/tools/otelcol/builder-config.yaml
builder=go.opentelemetry.io/collector/cmd/builder@v0.161.0
helm=helm.sh/helm/v3/cmd/helm@v3.22.0
operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
debian_packages="prometheus prometheus-alertmanager"
# Debian's Alertmanager reads its built-in templates from this one place, whatever its flags say.
templates=/usr/share/prometheus/alertmanager
programs="otelcol prometheus promtool alertmanager amtool chromium helm"
definitions="prometheusrules servicemonitors alertmanagerconfigs" # in crds/

key=$({ cat "$config"; echo "$builder $helm $operator $debian_packages $(uname -m)"; } | sha256sum | cut -c1-12)
dir=${AGENTSLO_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/agentslo/tools/$key}
log=$dir/install.log

exec 3>&2 # what fail() says reaches the terminal from inside a redirection, too

say() { printf '[%4ds] %s\n' "$SECONDS" "$1"; }

# Ends the run with a reason; 3 tells step() that the reason has been said.
fail() {
  echo "make tools: $1" >&3
  exit 3
}

have() {
  [ -x "$dir/bin/$1" ] && { [ "$1" != alertmanager ] || [ -e "$templates/default.tmpl" ]; }
}

have_definitions() {
  local name
  for name in $definitions; do [ -e "$dir/crds/$name.yaml" ] || return 1; done
}

complete() {
  local program
  for program in $programs; do have "$program" || return 1; done
  have_definitions
}

link() { ln -sfn "$dir" "$root/.tools"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    fail "this needs root: run it once as root, or as a user with sudo"
  fi
}

# Runs an apt command; where it fails, once more with fresh package lists.
with_lists() {
  "$@" >>"$log" 2>&1 && return
  as_root apt-get update >>"$log" 2>&1 || fail "no Debian package index reachable (see $log)"
  "$@" >>"$log" 2>&1 || fail "'$*' failed (see $log)"
}

need() { command -v "$1" >/dev/null || fail "$1 not found: $2"; }

install_debian() {
  local work=$dir/debian program
  need apt-get "the tools come from Debian's packages"
  rm -rf "$work" && mkdir -p "$work/root"
  # Unpacked, never installed: the packages' own services would start with the machine.
  # shellcheck disable=SC2086  # a list of names
  (cd "$work" && with_lists apt-get download $debian_packages)
  for program in "$work"/*.deb; do dpkg -x "$program" "$work/root"; done
  for program in prometheus promtool amtool; do
    mv -f "$work/root/usr/bin/$program" "$dir/bin/$program"
  done
  mv -f "$work/root/usr/bin/prometheus-alertmanager" "$dir/bin/alertmanager"
  if [ ! -e "$templates/default.tmpl" ]; then
    as_root mkdir -p "$templates"
    as_root cp -R "$work/root$templates/." "$templates"
  fi
  rm -rf "$work"
}

install_chromium() {
  if ! command -v chromium >/dev/null; then
    need apt-get "the tools come from Debian's packages"
    with_lists as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends chromium
  fi
  ln -sfn "$(command -v chromium)" "$dir/bin/chromium"
}

# The builder only writes the sources. Its own "go mod tidy" would also ask for what the tests of
# every dependency need, which not every module proxy serves; "go build" asks for what we link.
build_otelcol() {
  local work=$dir/otelcol
  need go "install Go 1.26 or newer"
  rm -rf "$work" && mkdir -p "$work"
  export GOFLAGS=-mod=mod CGO_ENABLED=0
  {
    cd "$work"
    nice go run "$builder" --config "$config" \
      --skip-get-modules --skip-compilation --skip-strict-versioning
    cd source
    go mod init otelcol
    awk '/gomod:/ { print "-require=" $3 "@" $4 }' "$config" | xargs go mod edit \
      -require="go.opentelemetry.io/collector/otelcol@${builder##*@}"
    awk '/ => / { print "-replace=" $2 "=" $4 "@" $5 }' "$config" | xargs go mod edit
    nice go build -trimpath -ldflags="-s -w" -o "$work/otelcol" .
  } >>"$log" 2>&1
  mv -f "$work/otelcol" "$dir/bin/otelcol"
  cd "$root"
  rm -rf "$work"
}

build_helm() {
  need go "install Go 1.26 or newer"
  CGO_ENABLED=0 GOBIN=$dir/bin nice go install -trimpath -ldflags="-s -w" "$helm" >>"$log" 2>&1
}

fetch_definitions() {
  local from name
  need go "install Go 1.26 or newer"
  from=$(go mod download -json "$operator" 2>>"$log" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir -p "$dir/crds"
  for name in $definitions; do
    cp "$from/example/prometheus-operator-crd/monitoring.coreos.com_$name.yaml" "$dir/crds/$name.yaml"
  done
}

# Runs one installation step unless all it gives is there already.
step() {
  local install=$1 what=$2 program missing= code
  shift 2
  for program in "$@"; do have "$program" || missing=1; done
  [ "$install" != fetch_definitions ] || have_definitions || missing=1
  if [ -z "$missing" ]; then
    say "$what: already there"
    return
  fi
  say "$what: installing"
  set +e # a function called in a condition would go on after its own errors
  (
    set -e
    "$install"
  )
  code=$?
  set -e
  [ $code != 3 ] || exit 1
  [ $code = 0 ] || { say "$what: could not be installed (see $log)" && exit 1; }
  say "$what: done"
}

versions() {
  "$dir/bin/otelcol" --version
  "$dir/bin/prometheus" --version 2>&1 | head -n 1
  "$dir/bin/alertmanager" --version 2>&1 | head -n 1
  "$dir/bin/chromium" --version 2>/dev/null
  echo "helm ${helm##*@}, definitions of prometheus-operator ${operator##*@}"
  echo "in $dir"
}

if [ "${1:-}" = --link ]; then
  if complete; then link; fi
  exit 0
fi

mkdir -p "$dir/bin"
exec 9>"$dir/lock"
flock 9 # a second run at the same time waits, then finds everything there
step install_debian "Prometheus and Alertmanager" prometheus promtool alertmanager amtool
step install_chromium "Chromium" chromium
step build_otelcol "OpenTelemetry Collector (some minutes)" otelcol
step build_helm "Helm (some minutes)" helm
step fetch_definitions "Definitions of the Prometheus Operator"
link
versions
