# shellcheck shell=bash
# How the scripts speak: sourced by them.

# A stage, and the clock.
say() { printf "%s  %s\n" "$(date +%H:%M:%S)" "$*" >&2; }

# with_heartbeat WORD COMMAND...: runs a command; a line every half minute says that it is still at it.
with_heartbeat() {
    local what="$1" began=$SECONDS status=0
    shift
    (while sleep 30; do say "      still $what, $((SECONDS - began)) s so far"; done) &
    local beat=$!
    "$@" || status=$?
    kill "$beat" 2>/dev/null
    wait "$beat" 2>/dev/null || true
    return "$status"
}
