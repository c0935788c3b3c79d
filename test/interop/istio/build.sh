#!/usr/bin/env bash
# Builds Istio's agent, which the test beside this file talks to, into .cache/peers/bin. It needs Go, some 400 MB of
# modules and several minutes of a small machine, too much for each run of CI: run it by hand. The versions of three modules
# are released ones in place of those that Istio's own go.mod names, which the module proxy does not have.
set -euo pipefail
cd "$(dirname "$0")/../../.."
peers=$PWD/.cache/peers/bin
mkdir -p "$peers"
GOFLAGS='-mod=readonly -modcacherw' CGO_ENABLED=0 go build -C test/interop/istio/build -p "${JOBS:-2}" -trimpath \
  -ldflags='-s -w' -o "$peers/pilot-agent" istio.io/istio/pilot/cmd/pilot-agent
