#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: Debian packages, and a Python environment in .venv with the
# official clients of the platforms (the conformance tests run them against the sandbox). Does nothing when nothing is missing.
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

# gcc: C parts of the TLS, SQLite and allocator crates. chromium: the browser tests; the fonts: so that their pictures
# show Chinese and emoji. sqlite3: a look into databases from outside. python3: conformance and small scripts.
# faketime: a clock that steps. postgresql, mariadb-server, redis-server: their programs; the tests start servers of their own.
packages=(gcc libc6-dev curl ca-certificates python3 python3-venv sqlite3 faketime
    postgresql mariadb-server redis-server
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

# Installs packages without starting the services that come with them, now or when the machine starts: of the
# databases only the programs are wanted. Services that were there before are left alone.
install() {
    local root=() policy=/usr/sbin/policy-rc.d ours=
    [ "$(id -u)" = 0 ] || root=(sudo)
    patiently "${root[@]}" apt-get update -q
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
        ours=yes
    fi
    local done=0
    patiently "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" || done=$?
    [ -z "$ours" ] || "${root[@]}" rm "$policy"
    local service
    for service in postgresql mariadb redis-server; do
        case " $* " in
        *" $service "* | *" $service-server "*) "${root[@]}" systemctl disable "$service" 2>/dev/null || true ;;
        esac
    done
    return "$done"
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
    install "${missing[@]}"
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
