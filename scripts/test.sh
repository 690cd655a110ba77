#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest: scripts/test.sh -R tests_core
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cmake --preset release -DPROXIMAL_TESTS=ON
cmake --build --preset release --parallel "$(nproc)"
ctest --preset release "$@"
