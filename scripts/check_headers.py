#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each header compiles alone, twice over, and without a warning.

    scripts/check_headers.py --compiler g++ -I include include/proximal
    scripts/check_headers.py --compiler clang++ -I include -I backends/torch/include --system LIBTORCH/include \\
        --system LIBTORCH/include/torch/csrc/api/include -D PCRE2_CODE_UNIT_WIDTH=8 backends/torch/include/proximal

The last arguments are folders that lie under an -I; --without leaves out what a pattern matches.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", required=True)
    arguments.add_argument("-I", dest="include", type=pathlib.Path, action="append", default=[])
    arguments.add_argument("--system", action="append", default=[], help="a folder whose warnings are not ours")
    arguments.add_argument("-D", dest="define", action="append", default=[])
    arguments.add_argument("--without", default="$^", help="a regular expression of headers to leave out")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("folder", type=pathlib.Path, nargs="+")
    arguments = arguments.parse_args()
    command = [arguments.compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++",
               *(f"-D{define}" for define in arguments.define), *(f"-I{folder}" for folder in arguments.include)]
    for folder in arguments.system:
        command += ["-isystem", folder]

    def name_of(path):
        for folder in arguments.include:
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        sys.exit(f"{path} lies under none of the folders given by -I.")

    headers = sorted({name_of(path) for folder in arguments.folder for path in folder.rglob("*.hpp")})
    headers = [header for header in headers if not re.search(arguments.without, header)]

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
