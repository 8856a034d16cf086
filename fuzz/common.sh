# For the scripts beside it: what a session needs, and how each target is started. POSIX sh.

cargo_fuzz_version=0.13.2

fail() {
  echo "$1" >&2
  exit 1
}

# Checks what the machine has to bring along, and gets cargo-fuzz where it is missing.
need_tools() {
  command -v cargo >/dev/null || fail 'cargo is missing: install Rust with rustup, and nightly with: rustup toolchain install nightly'
  cargo +nightly --version >/dev/null 2>&1 || fail 'Nightly Rust is missing, and the fuzzer needs it: rustup toolchain install nightly'
  command -v "${CXX:-c++}" >/dev/null \
    || fail "A C++ compiler is missing (${CXX:-c++}), and libFuzzer is built from C++17: install g++ or clang, or name one in CXX."
  PATH=$PWD/fuzz/target/cargo-fuzz/bin:$PATH
  command -v cargo-fuzz >/dev/null && return
  echo "cargo-fuzz $cargo_fuzz_version is installed into fuzz/target/cargo-fuzz"
  cargo install cargo-fuzz --locked --quiet --version "$cargo_fuzz_version" --root fuzz/target/cargo-fuzz
}

# The folder of built targets: built TARGET_DIRECTORY
built() {
  echo "$1/$(rustc -vV | sed -n 's/^host: //p')/release"
}

is_target() {
  case $1 in registration | life | differential | own_server | response | suite_file | report_file) ;; *) return 1 ;; esac
}

# What libFuzzer is told for a target.
flags() {
  echo "-dict=fuzz/dictionaries/$1.dict -len_control=0 -timeout=25"
  case $1 in
    # Servers keep their clients, which libFuzzer would look for as leaks, at ten times the cost of an input; and what the generator
    # makes of bytes is so varied that to weigh inputs by rare features costs more than it gives.
    registration | life | differential | own_server) echo '-max_len=192 -detect_leaks=0 -entropic=0 -rss_limit_mb=4096' ;;
    response) echo '-max_len=4608' ;;
    *) echo '-max_len=65536' ;;
  esac
}
