#!/usr/bin/env bash
# Sets up, builds and runs the PPO quick start. Arguments go to the program: scripts/quickstart.sh --total_episodes 1000
# With no model and no data it makes small ones from text on this machine; see --help for TRL's flags.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
source "$here/scripts/say.sh"

say "[1/3] set-up: Debian packages and LibTorch; about 2 minutes the first time, a second after that"
"$here/scripts/setup.sh" --program
(
    cd "$here"
    # Tests want packages that a run does not: they are left to scripts/test.sh.
    [ -f build/release/CMakeCache.txt ] || set -- -DPROXIMAL_TESTS=OFF
    [ -f build/release/CMakeCache.txt ] && set --
    say "[2/3] building ppo: about $(( $(nproc) > 1 ? 3 : 6 )) minutes on this machine's $(nproc) cores the first time"
    cmake --preset release --log-level=WARNING "$@" >/dev/null
    with_heartbeat "compiling" cmake --build --preset release --target ppo
)
say "[3/3] running ppo"
exec "$here/build/release/ppo" "$@"  # in the caller's folder: relative paths among the flags mean what they say
