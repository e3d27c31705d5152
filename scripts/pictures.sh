#!/usr/bin/env bash
# Drives the demo's story in a headless browser and writes docs/pictures anew: the integration tests' module `pictures`.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

scripts/set-up.sh
heading "pictures"
mkdir -p docs/pictures
cargo test --locked --test it -- --ignored --nocapture --test-threads 1 pictures::
ls -l docs/pictures
