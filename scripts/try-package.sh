#!/usr/bin/env bash
# Packs the project, installs the package into an empty folder as a user would, and runs it there.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
archive=$(npm pack --silent --ignore-scripts --pack-destination "$work")
cd "$work"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --loglevel=error "./$archive" >/dev/null
# The Node that the checkout brings, which is not the machine's.
PATH="$root/node_modules/.bin:$PATH"
wanted=$(node -p "require('$root/package.json').version")
printed=$(node node_modules/hauberk/bin/hauberk --version)
[ "$printed" = "$wanted" ] || { echo "installed hauberk says \"$printed\", not \"$wanted\""; exit 1; }
node node_modules/hauberk/bin/hauberk demo --once -o json > demo.json || { cat demo.json; exit 1; }
grep -q '"passed": true' demo.json
echo "the installed package works: $(basename "$archive"), $(du -k "./$archive" | cut -f1) KB"
