#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the mistakes of this folder and reads what the compiler says.

    tests/compile_fail/check.py --compiler g++ -I include

Each file must be refused, and its sentence (`// expect: ...`) must stand with the first error; with -DCORRECT, which
undoes the mistake alone, it must compile: so that no file is refused for another reason.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

LONGEST = 70  # lines a compiler may say of one mistake: a sentence and where it came from, not a page


def check(source, command):
    text = source.read_text(encoding="utf-8")
    sentences = [line.removeprefix("// expect: ") for line in text.splitlines() if line.startswith("// expect: ")]
    if len(sentences) != 1 or "CORRECT" not in text:
        return "has not one line `// expect: ...` and a corrected twin."
    environment = dict(os.environ, LC_ALL="C")
    wrong, right = (subprocess.run([*command, *extra, str(source)], env=environment, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, check=False) for extra in ([], ["-DCORRECT"]))
    first = "".join(wrong.stdout.partition("error:")[:2]) + wrong.stdout.partition("error:")[2].partition("error:")[0]
    if wrong.returncode == 0:
        return "compiles, but should not."
    if sentences[0] not in first:
        return f"does not say with its first error: {sentences[0]}\n{wrong.stdout}"
    if wrong.stdout.count("\n") > LONGEST:
        return f"is told in more than {LONGEST} lines:\n{wrong.stdout}"
    if right.returncode != 0:
        return f"does not compile with -DCORRECT:\n{right.stdout}"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", required=True)
    arguments.add_argument("-I", dest="include", action="append", default=[])
    arguments.add_argument("--system", action="append", default=[], help="a folder whose warnings are not ours")
    arguments = arguments.parse_args()
    command = [arguments.compiler, "-std=c++20", "-fsyntax-only", *(f"-I{folder}" for folder in arguments.include),
               *(f"-isystem{folder}" for folder in arguments.system)]
    sources = sorted(pathlib.Path(__file__).parent.glob("*.cpp"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = list(pool.map(lambda source: check(source, command), sources))
    for source, complaint in zip(sources, complaints):
        if complaint:
            print(f"{source.name} {complaint}")
    print(f"{len(sources) - len([c for c in complaints if c])} of {len(sources)} mistakes are answered in a sentence.")
    return any(complaints) or not sources


if __name__ == "__main__":
    sys.exit(main())
