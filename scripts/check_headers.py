#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each header of some components compiles alone, twice over, and without a warning.

    scripts/check_headers.py --compiler g++ --component proximal --component eigen
    scripts/check_headers.py --compiler clang++ --component libtorch --component lm --system LIBTORCH/include \\
        --system LIBTORCH/include/torch/csrc/api/include -D PCRE2_CODE_UNIT_WIDTH=8
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys

import components


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", required=True)
    arguments.add_argument("--component", choices=components.OWNS, action="append", required=True)
    arguments.add_argument("--system", action="append", default=[], help="a folder whose warnings are not ours")
    arguments.add_argument("-D", dest="define", action="append", default=[])
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = arguments.parse_args()
    command = [arguments.compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++",
               *(f"-D{define}" for define in arguments.define), *(f"-I{folder}" for folder in components.FOLDERS)]
    for folder in arguments.system:
        command += ["-isystem", folder]

    headers = [header for component in arguments.component for header in components.headers(component)]

    def check(header):
        return subprocess.run([*command, "-"], input=f"#include <{header}>\n#include <{header}>\n", text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(check, headers))
    failed = [header for header, result in zip(headers, results) if result.returncode != 0]
    for header, result in zip(headers, results):
        if result.returncode != 0:
            print(f"{header} does not compile alone and without a warning:\n{result.stdout}")
    print(f"{arguments.compiler}: {len(headers) - len(failed)} of {len(headers)} headers compile alone.")
    return bool(failed) or not headers


if __name__ == "__main__":
    sys.exit(main())
