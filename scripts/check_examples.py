#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the C++ of README.md and docs/ as it is printed.

    scripts/check_examples.py --compiler g++ -I include --system /usr/include/eigen3

A block says its own #include lines, so that a reader can paste it; where it is no whole program it stands in a main(). A
block that quotes a file (scripts/check_docs.py) is compiled there, and left out here.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- quote [^>]* -->\n)?```cpp\n(.*?)```", re.DOTALL)


def blocks():
    """(where, text) of every block that is no quotation."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if not match.group(1):
                yield f"{path.relative_to(ROOT)}:{text[:match.start()].count(chr(10)) + 1}", match.group(2)


def program(text):
    """A block as a source: its includes first, and what is no declaration of a namespace in a main()."""
    lines = text.splitlines()
    includes = [line for line in lines if line.startswith("#include")]
    rest = [line for line in lines if not line.startswith("#include")]
    stands_alone = any(re.match(r"int main\(|struct |template|namespace \w+ \{", line) for line in rest)
    return "\n".join([*includes, *(rest if stands_alone else ["int main() {", *rest, "}"])]) + "\n"


def check(where, text, command):
    if not text.startswith("#include"):
        return f"{where}: the block says no #include: a reader cannot paste it."
    result = subprocess.run(command, input=program(text), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            check=False)
    return f"{where} does not compile as printed:\n{result.stdout[:3000]}" if result.returncode else None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", required=True)
    arguments.add_argument("-I", dest="include", action="append", default=[])
    arguments.add_argument("--system", action="append", default=[], help="a folder whose warnings are not ours")
    arguments = arguments.parse_args()
    command = [arguments.compiler, "-std=c++20", "-fsyntax-only", "-DFMT_HEADER_ONLY=1", "-DPCRE2_CODE_UNIT_WIDTH=8",
               *(f"-I{folder}" for folder in arguments.include), *(f"-isystem{folder}" for folder in arguments.system),
               "-x", "c++", "-"]
    found = list(blocks())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [c for c in pool.map(lambda block: check(*block, command), found) if c]
    print("\n".join([*complaints, f"{len(found)} examples, {len(complaints)} complaints."]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
