#!/usr/bin/env bash
# Asks the gateway for a person's token and repeats the waiting call until the person has decided. Then shows the
# token's expiry and scopes (never the token), and what a first aPaaS call made with it answers.
#   scripts/ask.sh GATEWAY KEY_FILE APP SUBJECT 'SCOPE SCOPE…' OPEN_API
if [ $# != 6 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
key_file=$(realpath -- "$2") || exit 2
source "$(dirname "${BASH_SOURCE[0]}")/heading.sh"
gateway=$1 app=$3 subject=$4 scopes=$5 open_api=$6

answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT

# field NAME… <JSON: what stands at that path of the answer, lists with spaces; nothing if there is nothing.
field() {
    python3 -c '
import json, sys
try:
    value = json.load(sys.stdin)
    for name in sys.argv[1:]:
        value = value[name]
except (ValueError, KeyError, TypeError):
    value = ""
print(" ".join(map(str, value)) if isinstance(value, list) else value)' "$@"
}

request=$(python3 -c '
import json, sys
app, subject, scopes = sys.argv[1:]
print(json.dumps({"app": app, "subject": subject, "scopes": scopes.split(), "reason": "To list your low-code apps, once", "notify": "card"}))
' "$app" "$subject" "$scopes")

# The secret part of a call goes to curl on its standard input, so that no list of processes shows it.
ask() {
    curl -sS --max-time 75 --config - -o "$answers/body" -D "$answers/head" -w '%{http_code}' "$gateway/v1/tokens" \
        -H 'Prefer: wait=60' -H 'Content-Type: application/json' --data "$request" \
        <<<"header = \"Authorization: Bearer $(cat "$key_file")\""
}

echo "Asking. The call waits for the person: tap the card in the chat."
while status=$(ask); do
    case $status in
    200) break ;;
    202) echo "Still waiting (auth session $(field auth_session id <"$answers/body"))." ;;
    429 | 503)
        pause=$(grep -ioE '^retry-after: *[0-9]+' "$answers/head" | grep -oE '[0-9]+' || echo 5)
        echo "$status $(field title <"$answers/body"): again in $pause s"
        sleep "$pause"
        ;;
    *)
        echo "$status $(field title <"$answers/body"): $(field detail <"$answers/body")" >&2
        exit 1
        ;;
    esac
done
[ "${status:-}" = 200 ] || exit 1

echo "The gateway gave a token."
echo "  expires  $(field expires_at <"$answers/body")"
echo "  scopes   $(field scopes <"$answers/body")"

echo "With it, GET $open_api/open-apis/apaas/v1/apps answers:"
curl -sS --max-time 20 --config - "$open_api/open-apis/apaas/v1/apps" \
    <<<"header = \"Authorization: Bearer $(field access_token <"$answers/body")\"" |
    python3 -m json.tool --no-ensure-ascii | sed 's/^/  /'
