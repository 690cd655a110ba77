#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/headers.md: every header of every component, and the public names that it defines.

    scripts/list_headers.py           fails where the page is not what the headers say
    scripts/list_headers.py --write   writes it
"""
import re
import sys

import components

PAGE = components.ROOT / "docs" / "headers.md"
TITLE = {"proximal": "the core", "eigen": "the exact reference", "run": "files, text, runs: no tensors",
         "judge": "which of two answers is better",
         "arrow": "Parquet, by Arrow", "libtorch": "arrays and kernels on LibTorch",
         "lm": "language models and their trainer"}
DEFINES = re.compile(r"^(?:inline |constexpr |consteval |static |\[\[[^\]]*\]\] )*"
                     r"(?:(?:class|struct|concept|using|enum class|enum) (\w+)"  # a type
                     r"|inline constexpr [\w:<>, ]+? (\w+)(?:<[^>]*>)? ?[{=]"  # a constant
                     r"|[\w:<>,&*\[\] ]+?[ &*](\w+)\()")  # a function
KEYWORDS = {"requires", "return", "if", "operator", "static_assert", "template", "for", "while", "switch", "sizeof"}


def names(text):
    """What stands at the left margin, in order: members are indented, and what is inside a function too."""
    found = {}
    for line in text.splitlines():
        match = None if line.startswith(" ") else DEFINES.match(line)
        name = next((group for group in match.groups() if group), None) if match else None
        if name and name not in KEYWORDS and not line.startswith(("namespace", "using namespace", "//", "#")):
            found[name] = None
    return list(found)


def page():
    lines = ["# Headers and what they define", "",
             "Written by `scripts/list_headers.py --write`. A name is in its header's column; a header is one idea.", ""]
    for component, (folder, _) in components.OWNS.items():
        lines += [f"## proximal::{component}: {TITLE[component]}", "", "| header | names |", "|---|---|"]
        for header in components.headers(component):
            path = (folder / header).relative_to(components.ROOT).as_posix()
            defined = names((folder / header).read_text(encoding="utf-8"))
            if defined:
                lines.append(f"| [{header}](../{path}) | {', '.join(f'`{name}`' for name in defined)} |")
        lines.append("")
    return "\n".join(lines)


def main():
    text = page()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
    print(f"docs/headers.md {'is what the headers say' if same else 'is out of date: scripts/list_headers.py --write'}.")
    return not same


if __name__ == "__main__":
    sys.exit(main())
