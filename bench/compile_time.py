#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how long programs that use the library take to compile, against an empty one and LibTorch's bare headers.

    bench/compile_time.py [--libtorch FOLDER] [--runs 5] [--compiler g++ --compiler clang++]

Prints a Markdown table: the median CPU time of each, all in one run. (CPU time, since a compiler is one thread and other
people's work on the machine then counts little.) Exits with 1 where a limit is exceeded.
"""
import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = [  # what, source, needs LibTorch, limit in seconds
    ("an empty program", "bench/compile_time/empty.cpp", False, None),
    ("the core: an algorithm with parts of one's own", "examples/custom_loss.cpp", False, 1.5),
    ("LibTorch's tensors, the bare include", "bench/compile_time/aten.cpp", True, None),
    ("and its custom_function.h", "bench/compile_time/autograd.cpp", True, None),
    ("the stock algorithm on tensors, fused", "bench/compile_time/stock_on_tensors.cpp", True, 25.0),
]


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compiler", action="append", help="default: g++ and clang++, where installed")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--libtorch", type=pathlib.Path, help="default: the wheel in .venv; without one its rows are left out")
    arguments = arguments.parse_args()
    compilers = arguments.compiler or [compiler for compiler in ("g++", "clang++") if shutil.which(compiler)]
    libtorch = arguments.libtorch or next(ROOT.glob(".venv/lib/python3*/site-packages/torch"), None)
    includes = [f"-I{ROOT}/include", f"-I{ROOT}/backends/libtorch/include"]
    if libtorch:
        includes += ["-isystem", f"{libtorch}/include", "-isystem", f"{libtorch}/include/torch/csrc/api/include"]
    programs = [program for program in PROGRAMS if libtorch or not program[2]]
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(arguments.runs + 1):  # the first warms the disk's cache
            for _, source, _, _ in programs:
                for compiler in compilers:
                    command = [compiler, "-std=c++20", "-O2", *includes, "-c", str(ROOT / source), "-o", os.path.join(folder, "o")]
                    taken = seconds(command)
                    if run:
                        times.setdefault((source, compiler), []).append(taken)
    print(f"| what | {' | '.join(f'{compiler} s' for compiler in compilers)} | limit |")
    print("|---" * (len(compilers) + 2) + "|")
    exceeded = False
    for what, source, _, limit in programs:
        medians = [statistics.median(times[source, compiler]) for compiler in compilers]
        exceeded |= limit is not None and max(medians) > limit
        print(f"| {what} | {' | '.join(f'{median:.2f}' for median in medians)} | {limit or ''} |")
    return exceeded


if __name__ == "__main__":
    sys.exit(main())
