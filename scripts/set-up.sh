#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: Debian packages, and a Python environment in .venv with the
# official Feishu client (the conformance tests run it against the sandbox). Does nothing when nothing is missing.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

# gcc: C parts of the TLS, SQLite and allocator crates. chromium: the browser tests; the fonts: so that their pictures
# show Chinese and emoji. sqlite3: a look into databases from outside. python3: conformance and small scripts.
packages=(gcc libc6-dev curl ca-certificates python3 python3-venv sqlite3
    chromium chromium-driver fonts-noto-cjk fonts-noto-color-emoji)

# Package servers hiccup: three tries, a little apart.
patiently() {
    local try
    for try in 1 2 3; do
        "$@" && return
        echo "try $try of 3 failed: $*" >&2
        sleep $((try * 5))
    done
    return 1
}

missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing+=("$package")
    done
else
    echo "this is not Debian: the tests need what these packages bring: ${packages[*]}"
fi

if [ ${#missing[@]} -gt 0 ]; then
    heading "packages: ${missing[*]}"
    root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    patiently "${root[@]}" apt-get update -q
    patiently "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
fi

wanted=tests/conformance/requirements.txt
if ! cmp -s "$wanted" .venv/installed.txt; then
    heading "Python environment in .venv"
    # A broken or moved environment is made anew.
    .venv/bin/python -c '' 2>/dev/null || rm -rf .venv
    [ -d .venv ] || python3 -m venv .venv
    patiently .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" .venv/installed.txt
fi
