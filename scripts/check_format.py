#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every source is as clang-format 14 writes it by .clang-format, and that no line exceeds 120 characters.

    scripts/check_format.py           says what differs
    scripts/check_format.py --write   formats it
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("include", "backends", "examples", "tests", "bench", "cmake")
VERSION = "14."  # another version formats otherwise
WIDTH = 120


def main():
    said = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if f"version {VERSION}" not in said:
        sys.exit(f"clang-format {VERSION}x is needed, and this is {said.strip()}: install Debian 12's package.")
    sources = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))
               if path.suffix in (".hpp", ".cpp", ".inc") and "compile_fail" not in path.parts]
    mode = ["-i"] if "--write" in sys.argv[1:] else ["--dry-run", "-Werror", "--ferror-limit=1"]
    wrong = subprocess.run(["clang-format", *mode, *sources], check=False).returncode != 0
    for path in sources:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > WIDTH:
                print(f"{path.relative_to(ROOT)}:{number} has {len(line)} characters, more than {WIDTH}.")
                wrong = True
    print(f"{len(sources)} sources, {'not all as they should be: scripts/check_format.py --write' if wrong else 'all formatted'}.")
    return wrong or not sources


if __name__ == "__main__":
    sys.exit(main())
