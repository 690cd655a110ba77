#!/usr/bin/env bash
# Installs what Proximal builds with: Debian packages, and the pinned LibTorch from PyPI in .venv.
# With --program, only what the programs need; else what the tests and checks need too.
# Takes a second when there is nothing to do. With a LibTorch in CMAKE_PREFIX_PATH, the wheel is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/say.sh

torch_version=2.11.0
pyarrow_version=26.0.1  # its wheel brings Arrow's C++, which reads Parquet
cuda_headers=(nvidia-cuda-crt==13.0.88 nvidia-cuda-cccl==13.0.85)  # of CUDA's headers, what torch's wheels leave out
packages=(g++ cmake ninja-build make pkg-config ca-certificates python3 python3-venv
    libeigen3-dev libboost-dev nlohmann-json3-dev libfmt-dev libpcre2-dev libutf8proc-dev libyaml-cpp-dev zlib1g-dev
    libcurl4-openssl-dev gnuplot-nox)
[ "${1:-}" = --program ] || packages+=(git catch2 libbenchmark-dev clang clang-format clang-tidy doxygen)

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "setup: these Debian packages are missing and only root can install them: ${missing[*]}" >&2
            exit 1
        }
        as_root=sudo
    fi
    say "      installing ${#missing[@]} Debian packages: ${missing[*]}"
    with_heartbeat "installing packages" $as_root apt-get update -qq
    with_heartbeat "installing packages" \
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ -z "${CMAKE_PREFIX_PATH:-}" ] && ! ls .venv/lib/python3*/site-packages/torch-$torch_version*.dist-info >/dev/null 2>&1; then
    say "      installing LibTorch $torch_version (the torch wheel from PyPI) into .venv; about a minute"
    rm -rf .venv.part
    /usr/bin/python3 -m venv .venv.part
    with_heartbeat "installing LibTorch" .venv.part/bin/python -m pip install --quiet --disable-pip-version-check "torch==$torch_version"
    rm -rf .venv
    mv .venv.part .venv  # beside and renamed: an interrupted install is not taken for a finished one
fi
if [ -d .venv ] && ! ls .venv/lib/python3*/site-packages/pyarrow-$pyarrow_version*.dist-info >/dev/null 2>&1; then
    say "      installing Arrow $pyarrow_version (the pyarrow wheel from PyPI) into .venv"
    with_heartbeat "installing Arrow" .venv/bin/python -m pip install --quiet --disable-pip-version-check "pyarrow==$pyarrow_version"
fi
if [ -d .venv/lib/python3*/site-packages/nvidia/cu13 ]; then
    for wheel in "${cuda_headers[@]}"; do
        name=${wheel%==*}
        ls .venv/lib/python3*/site-packages/"${name//-/_}-${wheel#*==}".dist-info >/dev/null 2>&1 ||
            .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$wheel"
    done
fi
say "      set-up is complete"
