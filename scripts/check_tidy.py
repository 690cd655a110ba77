#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy, with the checks of .clang-tidy, over every header of some components.

    scripts/check_tidy.py --component proximal --component eigen
    scripts/check_tidy.py --component libtorch --component lm --system LIBTORCH/include \\
        --system LIBTORCH/include/torch/csrc/api/include -D PCRE2_CODE_UNIT_WIDTH=8 -D FMT_HEADER_ONLY
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import components


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--clang-tidy", default="clang-tidy")
    arguments.add_argument("--component", choices=components.OWNS, action="append", required=True)
    arguments.add_argument("--system", action="append", default=[], help="a folder whose warnings are not ours")
    arguments.add_argument("-D", dest="define", action="append", default=[])
    arguments = arguments.parse_args()
    headers = [header for component in arguments.component for header in components.headers(component)]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "all.cpp"
        source.write_text("".join(f"#include <{header}>\n" for header in headers), encoding="utf-8")
        command = [arguments.clang_tidy, f"--config-file={components.ROOT / '.clang-tidy'}", "--quiet",
                   "--header-filter=/proximal/", str(source), "--", "-std=c++20",
                   *(f"-D{define}" for define in arguments.define), *(f"-I{folder}" for folder in components.FOLDERS)]
        for system in arguments.system:
            command += ["-isystem", system]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    print(result.stdout, end="")
    print(f"{len(headers)} headers of {', '.join(arguments.component)}: {'faults' if result.returncode else 'clean'}.")
    return result.returncode != 0 or not headers


if __name__ == "__main__":
    sys.exit(main())
