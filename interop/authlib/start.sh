#!/bin/sh
# Starts the server; installs its packages first when they are missing or differ from requirements.txt.
set -eu
cd "$(dirname "$0")"

cache=${DCRSPEC_INTEROP_CACHE:-../../target/interop}
venv=$cache/authlib
installed=$venv/.installed-requirements.txt
mkdir -p "$cache"

# Tests may start several servers at once; only one of them installs.
exec 9<requirements.txt
if command -v flock >/dev/null; then flock 9; fi
if ! cmp -s requirements.txt "$installed" || ! "$venv/bin/python" -c ''; then
  rm -rf "$venv"
  python3 -m venv "$venv" </dev/null >&2
  "$venv/bin/python" -m pip install --quiet --requirement requirements.txt </dev/null >&2
  cp requirements.txt "$installed"
fi
exec 9<&-

exec "$venv/bin/python" server.py
