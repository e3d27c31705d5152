#!/usr/bin/env bash
# The tests that take long, ignored in `make test`: the whole model of the refresh protocol, the kill matrix (whose table
# goes to docs/reports), two gateways in a storm (likewise; STORM_PEOPLE, STORM_SECONDS and STORM_SEED set its size), and
# those that take their real time (the integration tests' module `long`). They print what they visited or measured.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

scripts/set-up.sh
heading "the refresh protocol: every interleaving"
cargo test --locked --release --lib -- --ignored --nocapture refresh::model::

heading "the kill matrix"
cargo test --locked --features failpoints --test it -- --ignored --nocapture kill_matrix::

heading "two gateways in a storm"
cargo test --locked --release --test it -- --ignored --nocapture storm::

heading "long tests"
exec cargo test --locked --test it -- --ignored --nocapture --test-threads 1 long::
