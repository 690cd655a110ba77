#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes one thing at a time in the parts' headers (a sign, a bound, a mask, a step of time, a constant) and checks that
the tests of that part notice.

    scripts/mutate_parts.py [--jobs 2] [--only advantage/gae] [--list]

A change is noticed where a test fails or runs for over a minute. One that does not compile proves nothing, and is not counted.
The tests are those under tests/ that name the part, on the Eigen backend. Ends with status 1 where a change goes unnoticed.
EQUIVALENT lists the changes that mean the same, each with its reason.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SLOTS = ["kl", "reward", "advantage", "loss", "aggregation", "importance", "filter", "control", "whitening"]
RULES = [  # name, what is found, what takes its place
    ("sign", r" - ", " + "),
    ("sign", r" \+ ", " - "),
    ("sign", r"-(?=token\.|experience\.|entropy_coef|cliprange|bound)", ""),
    ("comparison", r" > ", " < "),
    ("comparison", r" < ", " > "),
    ("bound", r" >= ", " > "),
    ("bound", r" <= ", " < "),
    ("extremum", r"\bmin\(", "max("),
    ("extremum", r"\bmax\(", "min("),
    ("mask", r"\bvalue_mask\b", "mask"),
    ("mask", r"(?<!value_)\bmask\b", "value_mask"),
    ("off by one", r"next_step\(", "("),
    ("constant", r"\b0\.5\b", "1.0"),
    ("constant", r"\b1\.0\b", "2.0"),
    ("factor", r"gamma \* lam\b", "gamma"),
    ("factor", r"\bgamma \* (?!lam)", ""),
    ("factor", r"(?<=\()lam \* |(?<== )lam \* ", ""),
    ("gradient", r"\bdetach\(", "("),
]
EQUIVALENT = [  # header, the text around the change, why it means the same
    ("advantage/gpg", "max(sum(teaches), 1.0)", "a group that teaches has two rows at least"),
]


def code(path):
    """The text of a header with comments and declarations of knobs blanked out: what is left is the formula."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"//[^\n]*", blank, text)
    text = re.sub(r"static constexpr auto knobs = reflect\((?:[^;]|\n)*?\);", blank, text)
    text = re.sub(r"static_assert\([^;]*;|#include[^\n]*|template <[^\n]*|\bstruct [^\n]*|^    (double|int) [^\n;(]*;", blank, text, flags=re.M)
    for call in re.finditer(r"\bspread\(", text):  # what it is spread like gives a shape only: any mask means the same
        depth, comma, at = 1, 0, call.end()
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            comma = at if text[at] == "," and depth == 1 else comma
            at += 1
        text = text[:comma] + " " * (at - comma) + text[at:]
    return text


def mutants(only):
    for slot in SLOTS:
        for path in sorted(glob.glob(f"{ROOT}/include/proximal/{slot}/*.hpp")):
            header = f"{slot}/{os.path.basename(path)[:-4]}"
            if only and only != header and only != slot:
                continue
            with open(path, encoding="utf-8") as file:
                text = file.read()
            formula = code(path)
            assert len(formula) == len(text), header
            for rule, found, instead in RULES:
                for match in re.finditer(found, formula):
                    line = text.count("\n", 0, match.start()) + 1
                    changed = text[:match.start()] + instead + text[match.end():]
                    yield header, line, f"{rule}: '{match.group(0).strip()}' -> '{instead.strip()}'", match.start(), changed


def is_equivalent(mutant):
    header, _, _, start, _ = mutant
    with open(f"{ROOT}/include/proximal/{header}.hpp", encoding="utf-8") as file:
        text = file.read()
    for of, around, _ in EQUIVALENT:
        at = text.find(around) if of == header else -1
        if 0 <= at <= start < at + len(around):
            return True
    return False


def tests_of(header):
    name = os.path.basename(header)
    named = {"centre": "zero_mean", "variance": "unbiased"}.get(name, name)
    slot = header.split("/")[0]
    files = sorted(glob.glob(f"{ROOT}/tests/{slot}/*.cpp"))
    own = [f for f in files if re.search(rf"\b{named}\b", open(f, encoding="utf-8").read())]
    if not own:
        own = [f for s in SLOTS for f in sorted(glob.glob(f"{ROOT}/tests/{s}/*.cpp"))
               if re.search(rf"\b{named}\b", open(f, encoding="utf-8").read())]
    return sorted(own, key=lambda f: os.path.basename(f) != f"{name}.cpp")  # its own test notices most


def compile_command(source, target, folder):
    return ["g++", "-std=c++20", "-O0", "-w", f"-I{folder}", f"-I{ROOT}/include", f"-I{ROOT}/backends/eigen/include",
            "-isystem", "/usr/include/eigen3", "-c", source, "-o", target]


def judge(mutant, main_object):
    header, line, change, _, changed = mutant
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/proximal/{header}.hpp"
        os.makedirs(os.path.dirname(target))
        with open(target, "w", encoding="utf-8") as file:
            file.write(changed)
        for i, source in enumerate(tests_of(header)):  # the first that notices is enough
            if subprocess.run(compile_command(source, f"{folder}/{i}.o", folder), capture_output=True).returncode != 0:
                return "does not compile"
            subprocess.run(["g++", main_object, f"{folder}/{i}.o", "-o", f"{folder}/test"], check=True, capture_output=True)
            try:
                if subprocess.run([f"{folder}/test"], capture_output=True, timeout=60).returncode != 0:
                    return "noticed"
            except subprocess.TimeoutExpired:
                return "noticed"
        return "UNNOTICED"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--only", help="a slot (loss) or a header (loss/gspo)")
    arguments.add_argument("--list", action="store_true", help="print the changes and stop")
    arguments = arguments.parse_args()
    seen, todo = set(), []
    for mutant in mutants(arguments.only):
        key = (mutant[0], mutant[4])
        if key in seen or is_equivalent(mutant):
            continue
        seen.add(key)
        todo.append(mutant)
    if arguments.list:
        for header, line, change, *_ in todo:
            print(f"{header}:{line}  {change}")
        print(f"{len(todo)} changes")
        return 0
    counts = {}
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        main_object = f"{folder}/main.o"
        subprocess.run(compile_command(f"{ROOT}/tests/main.cpp", main_object, folder), check=True)
        for mutant, verdict in zip(todo, pool.map(lambda m: judge(m, main_object), todo)):
            counts[verdict] = counts.get(verdict, 0) + 1
            print(f"{verdict:17} {mutant[0]}:{mutant[1]}  {mutant[2]}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if counts.get("UNNOTICED") else 0


if __name__ == "__main__":
    sys.exit(main())
