#!/usr/bin/env bash
# The whole story on this machine: builds, starts the sandbox (a simulated Feishu with a chat page) and the gateway on
# SQLite, and prints what to do. Everything it writes is in data/demo; Ctrl-C stops both. The sandbox remembers nothing
# from one run to the next, so the gateway's database is begun anew too. Nothing listens beyond loopback.
# Other ports: CHAT_PORT=… API_PORT=… METRICS_PORT=… make demo
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"

chat="http://127.0.0.1:${CHAT_PORT:-9100}"
api="http://127.0.0.1:${API_PORT:-8080}"
home=data/demo
# The sandbox's default app and its first person; the secret is public and opens nothing but the sandbox.
app=cli_a1b2c3d4e5f60718
app_secret=sandbox-secret-5f60718a1b2c3d4e
person=ou_a11ce0a11ce0a11ce0a11ce0a11ce0a1
scopes="apaas:app:read apaas:workspace:read"

heading "build"
command -v cc >/dev/null || { echo "a C compiler is needed (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }
cargo build --locked -p cardkey -p cardkey-sandbox --bins
bin="$(target)/debug"

umask 077
mkdir -p "$home"
if command -v flock >/dev/null && ! flock --nonblock "$home/cardkey.db.lock" true; then
    echo "another demo runs on $home: stop it first" >&2
    exit 1
fi
rm -f "$home"/cardkey.db{,-wal,-shm}
# Made once and kept: without it what the database holds cannot be opened again.
if [ ! -s "$home/master.key" ]; then
    printf 'demo:%s\n' "$(head -c 32 /dev/urandom | base64)" >"$home/master.key"
fi
cat >"$home/cardkey.toml" <<TOML
[server]
listen = "${api#http://}"
public_url = "$api"

[metrics]
port = ${METRICS_PORT:-8000}

[database]
url = "sqlite://$home/cardkey.db"

[vault]
master_key_file = "$home/master.key"

[[apps]]
platform = "feishu"
app_id = "$app"
app_secret = "$app_secret"
name = "Cardkey"
open_url = "$chat"
accounts_url = "$chat"
TOML

pids=()
stop() {
    trap - EXIT
    if [ ${#pids[@]} -gt 0 ]; then
        echo "stopping"
        kill "${pids[@]}" 2>/dev/null || true
    fi
    wait
}
trap stop EXIT
trap 'exit 0' INT TERM

# starts NAME URL COMMAND…: runs it with its log in data/demo and waits until the URL answers.
starts() {
    local name=$1 url=$2 log="$home/$1.log"
    shift 2
    if curl -s -o "$home/answer" --max-time 2 "$url"; then
        echo "something answers at $url already: stop it, or choose other ports (see scripts/demo.sh)" >&2
        exit 1
    fi
    "$@" >"$log" 2>&1 &
    local pid=$!
    pids+=("$pid")
    until curl -sf -o "$home/answer" --max-time 2 "$url"; do
        kill -0 "$pid" 2>/dev/null || { echo "$name did not start:" >&2; tail -n 20 "$log" >&2; exit 1; }
        sleep 0.1
    done
}

heading "start"
starts sandbox "$chat/" "$bin/cardkey-sandbox" serve --listen "${chat#http://}"
starts gateway "$api/readyz" "$bin/cardkey" serve --demo --config "$home/cardkey.toml"

# An API key is shown once, when it is made; it goes into a file that only its owner can read.
"$bin/cardkey" keys create --name "Demo service" --app "$app" --scopes "$scopes" --demo --config "$home/cardkey.toml" >"$home/api.key"

here=$(printf %q "$PWD")
cat >"$home/ask" <<SH
#!/usr/bin/env bash
exec $here/scripts/ask.sh $api $here/$home/api.key $app $person '$scopes' $chat
SH
chmod u+x "$home/ask"

cat <<TEXT

Chat page     $chat/
Gateway       $api   metrics at http://127.0.0.1:${METRICS_PORT:-8000}/metrics
Logs          $home/gateway.log  $home/sandbox.log

1. Ask for Alice's token, in another terminal. It repeats the waiting call until the card is tapped:

   $here/$home/ask

2. Be Alice in the chat page, tap "Authorize" on the card, and consent.

One such call by hand:

   curl -i $api/v1/tokens -H "Authorization: Bearer \$(cat $here/$home/api.key)" -H 'Prefer: wait=60' \\
     -H 'Content-Type: application/json' \\
     -d '{"app":"$app","subject":"$person","scopes":["${scopes// /\",\"}"],"notify":"card"}'

Ctrl-C stops both.
TEXT
wait -n "${pids[@]}" || true
echo "one of them ended by itself:" >&2
tail -n 5 "$home/gateway.log" "$home/sandbox.log" >&2
exit 1
