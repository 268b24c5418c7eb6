#!/bin/bash
# MediaManager's start: as root it prepares the configuration directory and re-owns folders, then it
# migrates and serves as uid 1000. Any failure ends the container with a code that is not 0.
set -eEuo pipefail

here=$(cd "$(dirname "$0")" && pwd)
CONFIG_DIR=${CONFIG_DIR:-/app/config}
app_user=1000

if [ ! -d "$CONFIG_DIR" ]; then
    echo "Creating config directory: $CONFIG_DIR"
    mkdir -p "$CONFIG_DIR"
fi
if [ ! -f "$CONFIG_DIR/config.toml" ]; then
    echo "Config file not found. Copying example config to: $CONFIG_DIR/config.toml"
    cp "$here/config.example.toml" "$CONFIG_DIR/config.toml"
fi

echo "Ensuring file permissions for mediamanager user..."
chown -R "$app_user:$app_user" "$CONFIG_DIR"
if [ -d /data ] && [ "$(stat -c %u /data)" != "$app_user" ]; then
    echo "Fixing ownership of /data (this may take a while for large libraries)..."
    chown -R "$app_user:$app_user" /data
fi

as_user=(env "HOME=$here" setpriv "--reuid=$app_user" "--regid=$app_user" --clear-groups)
cd "$here"

echo "Running DB migrations..."
"${as_user[@]}" alembic upgrade head

echo "Starting MediaManager backend service..."
exec "${as_user[@]}" uvicorn media_manager.app:app --host 0.0.0.0 --port "${PORT:-8000}" --proxy-headers
