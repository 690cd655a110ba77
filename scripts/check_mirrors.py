#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every part has its test, its bench row and its line in docs/, and that nothing points at what is not there.

A part include/proximal/SLOT/NAME.hpp is included by the umbrella header, has its test in tests/SLOT/NAME.cpp, whose code
names it, is named by a source under bench/, and linked in docs/SLOT.md. A test of a slot mirrors a header. Every other
header of the core is reached from the umbrella, every relative link in Markdown resolves, and docs/index.md lists every
page. One sentence per violation.
"""
import pathlib
import re
import sys

import components

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
UMBRELLA = "proximal/proximal.hpp"
SLOTS = ("kl", "reward", "advantage", "loss", "aggregation", "control", "importance", "filter")
DECLARES = {  # headers of several small structs, none of which bears the header's name
    "whitening/centre": ("zero_mean", "kept_mean"),
    "whitening/variance": ("unbiased", "biased"),
}
APART = {  # what a composition never needs, and who wants it includes
    "proximal/cache_folder.hpp": "what keeps files",
    "proximal/compose/token_source.hpp": "text of kernels",
    "proximal/numeric/pack.hpp": "a backend's loop",
    "proximal/numeric/source_text.hpp": "text of kernels",
    "proximal/numeric/trace.hpp": "text of kernels",
}


def code(path):
    """A source without its comments and strings: a part that only they name is not exercised."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r'"(\\.|[^"\\\n])*"|//[^\n]*', " ", text)


def includes(header):
    return re.findall(r"^#include <(proximal/[^>]+)>", (INCLUDE / header).read_text(encoding="utf-8"), re.MULTILINE)


def reached(header, seen):
    for other in includes(header):
        if other not in seen and (INCLUDE / other).is_file():
            seen.add(other)
            reached(other, seen)
    return seen


def sources(folder):
    return [code(path) for path in sorted(folder.rglob("*")) if path.suffix in (".cpp", ".hpp")]


def names(sources_of, part):
    return any(re.search(rf"\b{part}\b", text) for text in sources_of)


def check_parts():
    umbrella, bench = set(includes(UMBRELLA)), []
    for folder in sorted((ROOT / "bench").iterdir()):
        if folder.is_dir() and folder.name != "compile_time":  # which compiles, and measures no part
            bench += sources(folder)
    for slot in SLOTS:
        page = ROOT / "docs" / f"{slot}.md"
        text = page.read_text(encoding="utf-8") if page.is_file() else ""
        for path in sorted((INCLUDE / "proximal" / slot).glob("*.hpp")):
            header, part = path.relative_to(INCLUDE).as_posix(), path.stem
            if header not in umbrella:
                yield f"{header} is not included by {UMBRELLA}."
            if not names(bench, part):
                yield f"{header} is measured by no benchmark: name {part} in bench/libtorch/parts.cpp."
            if f"](../include/{header})" not in text:
                yield f"{header} is not linked in docs/{slot}.md."


def check_tests():
    for slot in (*SLOTS, "whitening"):
        headers, tests = INCLUDE / "proximal" / slot, ROOT / "tests" / slot
        for path in sorted(headers.glob("*.hpp")):
            test = f"tests/{slot}/{path.stem}.cpp"
            if not (ROOT / test).is_file():
                yield f"{path.relative_to(INCLUDE)} has no test: write {test}."
                continue
            for name in DECLARES.get(f"{slot}/{path.stem}", (path.stem,)):
                if not names([code(ROOT / test)], name):
                    yield f"{test} does not exercise {name}: its code names it nowhere."
        for path in sorted(tests.rglob("*.cpp")):
            if not (headers / path.relative_to(tests).with_suffix(".hpp")).is_file():
                yield f"{path.relative_to(ROOT)} mirrors no header of include/proximal/{slot}/."


def check_umbrella():
    seen = reached(UMBRELLA, {UMBRELLA})
    for header in components.headers("proximal"):
        if header not in seen and header not in APART:
            yield f"{header} is not reached from {UMBRELLA}."
    for header in APART:
        if not (INCLUDE / header).is_file() or header in seen:
            yield f"{header} is listed as apart from {UMBRELLA}, but is not."


def check_umbrellas():
    """proximal/io.hpp and its kind include all that lies in their folders: who writes one line misses nothing."""
    for component, (folder, owned) in components.OWNS.items():
        for own in owned:
            if own == "*":
                continue
            umbrella = folder / "proximal" / f"{own}.hpp"
            if not umbrella.is_file():
                yield f"proximal/{own}.hpp, which includes all of proximal/{own}/, is not there."
                continue
            text = umbrella.read_text(encoding="utf-8")
            for header in components.headers(component):
                if header.startswith(f"proximal/{own}/") and f"#include <{header}>" not in text:
                    yield f"{header} is not included by proximal/{own}.hpp."


def check_links():
    index = ROOT / "docs" / "index.md"
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]
    for page in sorted(pages):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`(?!\])", "", text)):
            path = target.split("#")[0]
            if path and "://" not in path and not target.startswith("mailto:") and not (page.parent / path).exists():
                yield f"{page.relative_to(ROOT)} links to {target}, which is not there."
    listed = set(re.findall(r"\]\(([^)\s#]+)", index.read_text(encoding="utf-8")))
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if page != index and page.relative_to(index.parent).as_posix() not in listed:
            yield f"docs/index.md does not list {page.relative_to(ROOT)}."


def main():
    violations = [*check_parts(), *check_tests(), *check_umbrella(), *check_umbrellas(), *check_links()]
    parts = sum(len(list((INCLUDE / "proximal" / slot).glob("*.hpp"))) for slot in SLOTS)
    print("\n".join([*violations, f"{parts} parts, {len(violations)} violations."]))
    return bool(violations) or not parts


if __name__ == "__main__":
    sys.exit(main())
