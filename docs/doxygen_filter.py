#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Doxygen's input filter: what our headers say once, said where Doxygen looks for it. Lines keep their numbers.

- A comment behind a member is the member's.
- A knob's meaning is its member's.
- A class has one block that tells it whole (CONTRIBUTING.md), so a member that is data refers to it, and so do a part's
  operator(), its knobs and its domain. Functions and types of a class have words of their own.
- The members that fields.hpp lists stand where a struct asks for them.
- Operators and functions of the vocabulary refer to the table that says what they do, for every type alike.
"""
import pathlib
import re
import sys

PART = "As the block of its class says."
NUMERIC = "As numeric/functions.hpp says of all numbers."
ARRAY = "As the table in array.hpp says of all arrays."
WORDS = {"operator()": PART, "over": PART, "composes": PART, "switched_by": PART, "operator=": "Takes what the other holds.", "fields_of": "As fields.hpp says of all.", "knobs": "What can be tuned: flags, keys and rows of the table."}
WORDS |= {"forward": "The value, as torch::autograd::Function asks for it.", "backward": "The gradient, given the one above."}
WORDS |= dict.fromkeys("max min clamp select exp expm1 log sqrt abs square sigmoid detach blend map together".split(), NUMERIC)
WORDS |= dict.fromkeys("sum row_sum spread next_step group_mean max_of_others reverse_scan absent item take_rows".split(), ARRAY)
KNOB = re.compile(r'knob<"\w+">\(\s*&[\w:<>, ]*?::(\w+),\s*"((?:[^"\\]|\\.)*)"')
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum(?: class)?)\b\s*(?:\[\[.*?\]\]\s*)?([\w:]*)[^()=]*$")
FUNCTION = re.compile(r"(operator\s*(?:\(\)|[^\w\s(]+|\w+)|~?\b\w+)\s*\(")


def blank(text):
    """Code alone, at its place: strings, characters, comments and the preprocessor's lines are blanked."""
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*[^\n]*?\*/|^[ ]*#(?:[^\n]*\\\n)*[^\n]*'
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.MULTILINE)


def declarations(code):
    """(begin, end, text, kind of the scope, name of the scope) of what namespaces and classes declare."""
    scopes, begin, parentheses = [("namespace", "")], 0, 0
    for at, character in enumerate(code):
        parentheses += {"(": 1, ")": -1}.get(character, 0)
        if character not in "{};" or parentheses:
            continue
        kind, owner = scopes[-1]
        text = code[begin:at]
        if character == "{":
            scope = SCOPE.search(without_template(text))
            if kind in ("body", "initialiser"):
                scopes.append(("body", ""))
            elif scope:
                yield begin, at, text, kind, owner
                scopes.append((scope.group(1).split()[0], scope.group(2)))
                begin = at + 1
            elif "(" in without_template(text).split("=")[0] or "operator" in text:
                yield begin, at, text, kind, owner
                scopes.append(("body", ""))
            else:
                scopes.append(("initialiser", ""))
        elif character == "}":
            scopes.pop()
            if kind != "initialiser" and scopes[-1][0] not in ("body", "initialiser"):
                begin = at + 1
        elif kind not in ("body", "initialiser"):
            yield begin, at, text, kind, owner
            begin = at + 1


def without_template(text):
    """A declaration less its attributes, template heads and access labels."""
    text = re.sub(r"\[\[.*?\]\]|\b(?:public|private|protected)\s*:(?!:)", " ", text)
    while match := re.match(r"\s*(?:friend\s+)?template\s*<", text):
        depth, parentheses, at = 1, 0, match.end()
        while depth and at < len(text):
            parentheses += {"(": 1, ")": -1}.get(text[at], 0)
            depth += 0 if parentheses else {"<": 1, ">": -1}.get(text[at], 0)
            at += 1
        text = text[at:]
    return text


def name_of(text):
    text = without_template(text)
    text = re.sub(r"\b(?:explicit|noexcept|requires|decltype|alignas)\b\s*(?=\()", " ", text)
    head = re.split(r"(?<!operator)(?<![=<>!])=(?!=)|\{", text)[0] if "operator" not in text else text
    function = FUNCTION.search(head)
    if function:
        return re.sub(r"\s+", "", function.group(1))
    names = re.findall(r"\w+", re.sub(r"\[.*?\]|<.*>\s*$", "", head))
    return names[-1] if names else ""


def words_for(declared, name, kind, owner, meanings):
    if name in WORDS or name in meanings:
        return WORDS.get(name) or meanings[name]
    if re.search(r"\)\s*->", declared) and not re.search(r"\bauto\b", declared):
        return "Deduced from what it is made of."
    if re.match(r"is_\w+$", name) and "(" not in without_template(declared):
        return f"Whether a type is a {name.removeprefix('is_')}."
    if name.startswith("operator"):
        return NUMERIC
    if kind == "namespace":
        return None
    if name == owner:
        return "Made of what its class holds."
    if name == "~" + owner:
        return "Gives back what it holds."
    return PART if is_data(declared) else None


def is_data(declared):
    head = re.sub(r"\(\*\w+\)\s*\(", "", without_template(declared)).split("=")[0]  # a pointer to a function is data
    return not re.search(r"\b(using|typedef)\b|\w\s*\(", head)


def declarators(declared):
    """Where the second and later names of `double a = 1, b = 2` end, in the declaration."""
    depth, ends = 0, []
    for at, character in enumerate(declared):
        depth += {"<": 1, "(": 1, "{": 1, "[": 1, ">": -1, ")": -1, "}": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            ends.append(at)
    return [*ends[1:], len(declared)] if ends else []


def with_fields(text):
    """The members that PROXIMAL_FIELDS(...) stands for in a struct, with the words of their lines, on its line."""
    roles = ("PREDICTED", "RECORDED", "RECORDED_ONLY", "JUDGED", "AVERAGED")
    listed = (pathlib.Path(__file__).parent.parent / "include/proximal/fields.hpp").read_text(encoding="utf-8")
    fields = re.findall(r"^ +(\w+)\(([\w, ]+)\)\s+/\* (.*?) \*/", listed, re.MULTILINE)

    def members(match):
        uses, line = dict(zip(roles, re.split(r",\s*", match.group(1)))), ""
        for role, arguments, words in fields:
            names = re.split(r",\s*", arguments)
            declared = {"PROXIMAL_ARRAY": f"Array {names[0]}", "PROXIMAL_NOW": f"{names[-1]} {names[1]}",
                        "PROXIMAL_THEN": f"Then {names[1]}", "PROXIMAL_MEAN": f"Then {names[0]}"}.get(uses[role])
            line += f"/** {words} */ {declared}{{}}; " if declared else ""
        return line

    return re.sub(r"^    PROXIMAL_FIELDS\(([\w, ]+)\)$", members, text, flags=re.MULTILINE)


def main(path):
    with open(path, encoding="utf-8") as file:
        text = with_fields(file.read())
    code, meanings = blank(text), dict(KNOB.findall(text))
    inserted = []  # (place, what)
    for begin, end, declared, kind, owner in declarations(code):
        if kind not in ("class", "struct", "union", "namespace") or not declared.strip() or SCOPE.search(without_template(declared)):
            continue
        first = begin + len(declared) - len(declared.lstrip())
        if label := re.match(r"(?:public|private|protected)\s*:\s*", code[first:end]):
            first += label.end()
        line_end = text.find("\n", end)
        rest = code[end:line_end]
        behind = re.search(r"(?<!/)//(?!/)\s*(\S[^\n]*)", text[end + len(rest.rstrip()):line_end])
        if rest.count("{") != rest.count("}"):
            behind = None  # of the body's first line
        if "/**" in text[begin:first]:
            continue
        if "///" in text[begin:first] and text[begin:first].rstrip().splitlines()[-1].strip().startswith("///"):
            continue
        words = words_for(declared, name_of(declared), kind, owner.split(":")[-1], meanings)
        if behind and kind != "namespace":
            words = behind.group(1).replace("*/", "")
        several = declarators(declared) if kind != "namespace" and is_data(declared) else []
        if words:
            inserted.append((first, f"/** {words} */ "))
        inserted += [(begin + at, f" /**< {words} */") for at in several]
    for place, what in sorted(inserted, reverse=True):
        text = text[:place] + what + text[place:]
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1])
