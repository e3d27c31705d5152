# Sourced by the other scripts: goes to the repository's root and defines `heading TEXT` and `target` (where cargo builds).
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

heading() {
    printf '\n== %s\n' "$*"
}

# Cargo's own choice: CARGO_TARGET_DIR, the user's configuration, or ./target.
target() {
    cargo metadata --format-version 1 --no-deps --offline | sed -E 's/.*"target_directory":"([^"]+)".*/\1/'
}
