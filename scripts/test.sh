#!/usr/bin/env bash
# Everything that must be green, on a fresh clone and a fresh Debian with Rust too. Stops at the first failure.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"
began=$SECONDS

scripts/set-up.sh
scripts/lint.sh

heading "tests: units, architecture, integration, conformance"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
cargo test --locked --workspace 2>&1 | tee "$report"

heading "done"
sum() {
    grep -oE "^test result: .*" "$report" | grep -oE "[0-9]+ $1" | awk '{ all += $1 } END { print all + 0 }'
}
echo "$(sum passed) tests passed, $(sum ignored) ignored, in $((SECONDS - began)) s in all"
