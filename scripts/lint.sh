#!/usr/bin/env bash
# Format, lints and documentation; warnings are errors.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

heading "format"
cargo fmt --all --check

heading "clippy"
cargo clippy --locked --workspace --all-targets -- -D warnings

heading "documentation, private items included"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
