#!/bin/bash -eu
exec "$SRC/dcrspec/fuzz/oss-fuzz/build.sh"
