#!/usr/bin/env bash
# The tests that take their real time: those in the integration tests' module `long`, ignored in `make test`. They
# print the seconds they measured.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

scripts/set-up.sh
heading "long tests"
exec cargo test --locked --test it -- --ignored --nocapture --test-threads 1 long::
