#!/bin/bash -eu
# Builds the targets for OSS-Fuzz and ClusterFuzzLite, which run this in $SRC/dcrspec and take what is in $OUT: each target with its
# seeds, dictionary and options. See docs/long-campaigns.md.

cd "$SRC/dcrspec"
. fuzz/common.sh

# own_server stays out: it has its bug by design.
targets='registration life differential response suite_file report_file'

case ${SANITIZER:-address} in
  address) options=() ;;
  # With coverage, cargo of the base image makes a plain build with the flags that it needs of this.
  coverage | none) options=(--sanitizer none) ;;
  *)
    echo "SANITIZER=$SANITIZER is not supported: the targets are Rust, for which there are address, coverage and none." >&2
    exit 1
    ;;
esac
cargo fuzz build -O "${options[@]}"
binaries=$(built fuzz/target)
"$binaries/seeds" fuzz

for target in $targets; do
  cp "$binaries/$target" "$OUT/"
  cp "fuzz/dictionaries/$target.dict" "$OUT/"
  (cd "fuzz/seeds/$target" && rm -f "$OUT/${target}_seed_corpus.zip" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
  {
    echo '[libfuzzer]'
    # The dictionary is found by its name, and memory is limited from outside.
    flags "$target" | tr ' ' '\n' | grep -v -e '^-dict=' -e '^-rss_limit_mb=' | sed 's/^-//; s/=/ = /'
  } >"$OUT/$target.options"
done
