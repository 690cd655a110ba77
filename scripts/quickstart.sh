#!/usr/bin/env bash
# Sets up, builds and runs the PPO quick start. Arguments go to the program: scripts/quickstart.sh --total_episodes 1000
# With no model and no data it makes small ones from text on this machine; see --help for TRL's flags.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/scripts/setup.sh"
(
    cd "$here"
    cmake --preset release --log-level=WARNING >/dev/null
    cmake --build --preset release --target ppo
)
exec "$here/build/release/ppo" "$@"  # in the caller's folder: relative paths among the flags mean what they say
