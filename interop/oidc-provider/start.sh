#!/bin/sh
# Starts the server; installs its packages first when they are missing or differ from the lock.
set -eu
cd "$(dirname "$0")"

installed=node_modules/.installed-lock.json

# Tests may start several servers at once; only one of them installs.
exec 9<package-lock.json
if command -v flock >/dev/null; then flock 9; fi
if ! cmp -s package-lock.json "$installed"; then
  npm ci --ignore-scripts --no-audit --no-fund </dev/null >&2
  cp package-lock.json "$installed"
fi
exec 9<&-

exec node server.mjs
