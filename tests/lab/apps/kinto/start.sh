#!/bin/bash
# Starts Kinto as its own image does: as uid 10001, migrations first, then the server on $PORT.
set -euo pipefail

as_user=()
if [ "$(id -u)" = 0 ]; then
    as_user=(env HOME=/app setpriv --reuid=10001 --regid=10001 --clear-groups)
fi
"${as_user[@]}" kinto migrate --ini "$KINTO_INI"
exec "${as_user[@]}" kinto start --ini "$KINTO_INI" --port "$PORT"
