#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the code quoted in Markdown is the code that the tests run.

    scripts/check_docs.py            names every block that differs
    scripts/check_docs.py --write    rewrites them

A comment `<!-- quote examples/foo.cpp:region -->` directly before a fenced block says that the block is what stands in
that file between `// [region]` and `// [/region]`, less the indentation that its lines share.
"""
import argparse
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUOTE = re.compile(r"^<!-- quote (?P<file>[^\s:]+):(?P<region>[\w-]+) -->\n(?P<fence>```+)(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)$",
                   re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^<!--\s*quote\b.*$", re.MULTILINE)


def region_of(file, region):
    """The lines of a region, or a sentence (second) that says why there are none."""
    if not file.is_file():
        return None, f"there is no file {file.relative_to(ROOT)}"
    lines = file.read_text(encoding="utf-8").splitlines()
    begins = [i for i, line in enumerate(lines) if line.strip() == f"// [{region}]"]
    ends = [i for i, line in enumerate(lines) if line.strip() == f"// [/{region}]"]
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        return None, f"{file.relative_to(ROOT)} has not one region `// [{region}]` to `// [/{region}]`"
    inside = [line for line in lines[begins[0] + 1:ends[0]] if not re.fullmatch(r"\s*// \[/?[\w-]+\]", line)]
    return textwrap.dedent("\n".join(inside) + "\n"), None


def check(page, write):
    text = page.read_text(encoding="utf-8")
    complaints = []

    def line_of(position):
        return text.count("\n", 0, position) + 1

    def renew(match):
        expected, why = region_of(ROOT / match["file"], match["region"])
        where = f"{page.relative_to(ROOT)}:{line_of(match.start())}"
        if why:
            complaints.append(f"{where}: {why}.")
            return match.group()
        if match["body"] != expected and not write:
            complaints.append(f"{where}: the block is not {match['file']}:{match['region']}; scripts/check_docs.py --write.")
        return match.group().replace(match["fence"] + match["language"] + "\n" + match["body"],
                                     match["fence"] + match["language"] + "\n" + expected, 1)

    renewed = QUOTE.sub(renew, text)
    quoted = {match.start() for match in QUOTE.finditer(text)}
    for mark in MARK.finditer(text):
        if mark.start() not in quoted:
            complaints.append(f"{page.relative_to(ROOT)}:{line_of(mark.start())}: this quote is not followed by a fenced block.")
    if write and renewed != text:
        page.write_text(renewed, encoding="utf-8")
    return complaints, len(quoted)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true", help="rewrite what differs")
    arguments = arguments.parse_args()
    complaints, quotes = [], 0
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]):
        more, quoted = check(page, arguments.write)
        complaints += more
        quotes += quoted
    print("\n".join([*complaints, f"{quotes} quoted blocks, {len(complaints)} complaints."]))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
