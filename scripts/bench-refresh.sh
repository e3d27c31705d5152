#!/usr/bin/env bash
# What refreshing costs on SQLite, PostgreSQL and MariaDB, with a million grants each, and a simulated day of a million
# people. About a quarter of an hour and 10 GB of disk. A whole run writes docs/reports/bench-refresh.md; arguments go to the
# program, and nothing is written then: scripts/bench-refresh.sh --only simulation
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

scripts/set-up.sh

heading "benchmark"
arguments=("$@")
[ $# -gt 0 ] || arguments=(--report docs/reports/bench-refresh.md)
cargo bench --locked --bench refresh -- "${arguments[@]}"
