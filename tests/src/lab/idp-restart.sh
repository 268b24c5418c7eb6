#!/bin/sh
# Restarts the identity provider and waits until it answers, as `systemctl restart` would.
set -u
pid_file=@PID_FILE@
config=@CONFIG@
log=@LOG@

# A zombie has ended, though a signal still finds it.
lives() {
  state=$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null) && [ "$state" != Z ]
}

old=$(cat "$pid_file" 2>/dev/null)
if [ -n "$old" ] && lives "$old" && tr '\0' '\n' <"/proc/$old/cmdline" | grep -qxF "$config"; then
  kill "$old"
  tries=0
  while lives "$old"; do
    tries=$((tries + 1))
    [ "$tries" -eq 60 ] && kill -9 "$old"
    [ "$tries" -gt 120 ] && { echo "the identity provider (process $old) does not end" >&2; exit 1; }
    sleep 0.05
  done
fi

cd / || exit 1
setsid @SERVER@ </dev/null >>"$log" 2>&1 &
new=$!
echo "$new" >"$pid_file"

tries=0
until curl --disable --fail --silent --output /dev/null --max-time 2 --noproxy '*' @URL@; do
  tries=$((tries + 1))
  if ! lives "$new"; then
    echo "the identity provider stopped while starting; the end of $log:" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
  if [ "$tries" -gt 800 ]; then
    echo "the identity provider does not answer at @URL@; the end of $log:" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
  sleep 0.05
done
