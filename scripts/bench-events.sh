#!/usr/bin/env bash
# Acknowledged events per second of Cardkey and of the platforms' official Python and Node clients, in one run, interleaved; then
# kill -9 in mid-flood. Installs the clients first: the Python one into .venv, the Node one into bench/node_modules.
# Arguments go to bench/events.py: scripts/bench-events.sh --rounds 1 --seconds 2 --only cardkey python
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

scripts/set-up.sh
command -v npm >/dev/null || { echo "the benchmark needs Node with npm: apt-get install nodejs npm" >&2; exit 1; }
if ! cmp -s bench/package-lock.json bench/node_modules/installed.json; then
    heading "Node client"
    npm ci --prefix bench --no-audit --no-fund --ignore-scripts
    # The one package that brings C code: built here if compiler and Node's headers are here, else fetched ready made.
    # Without it the benchmark goes on and says that it leaves "Node + SQLite" out.
    node_home=$(node -p 'require("path").resolve(process.execPath, "../..")')
    if hash g++ make python3 2>/dev/null && [ -f "$node_home/include/node/node.h" ]; then
        export npm_config_build_from_source=true npm_config_nodedir="$node_home"
    fi
    npm rebuild --prefix bench --foreground-scripts better-sqlite3 || echo "better-sqlite3 cannot be installed here" >&2
    cp bench/package-lock.json bench/node_modules/installed.json
fi

heading "release build"
cargo build --locked --release --workspace --bins
bin="$(target)/release"

heading "benchmark"
.venv/bin/python bench/events.py --bin "$bin" "$@"

heading "kill -9 in mid-flood"
.venv/bin/python bench/kill.py --bin "$bin"
