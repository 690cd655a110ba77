#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/scaling.md: the tables of what processes hold and send, by the formulas of include/proximal/run/sharding_plan.hpp.

    scripts/scaling_model.py           fails where the page is not what the formulas say
    scripts/scaling_model.py --write   writes the tables between their marks

A model, not a measurement. tests/run/sharding_plan.cpp finds the header's numbers in the page's rows.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "scaling.md"
STAGES = ("none", "zero1", "zero2", "zero3")
NVLINK = 450e9  # bytes a second that an H100 sends to the others of its machine
CARD = 400e9 / 8  # bytes a second of a network card of 400 Gbit/s; one a GPU
CARDS = 8  # of a machine
# TRL's page: 16 rows, 4 micro-batches and 4 epochs of one mini-batch; 64 episodes are scored and generated 16 at a time.
STEPS, MICRO_BATCHES, CHUNKS, TOKENS = 4, 4, 4, 53
NUMBER, MOMENTS = 4, 8  # bytes of a weight or a gradient, and of AdamW's state of one
SIZES = {"Pythia-1B": (16, 2048, 50304), "Pythia-6.9B": (32, 4096, 50432)}  # layers, hidden size, vocabulary


def models(size, whole):
    """Policy, reference, critic and reward model: layers, elements of a layer and of the root, whether it learns, how
    often it is gathered in an update without gradient, whether it is gathered whole then."""
    layers, hidden, vocabulary = SIZES[size]
    layer = 12 * hidden * hidden + 13 * hidden
    language, number = 2 * vocabulary * hidden + 2 * hidden, vocabulary * hidden + 3 * hidden
    return ((layers, layer, language, True, 1 if whole else CHUNKS * TOKENS, whole),
            (layers, layer, language, False, CHUNKS, False),
            (layers, layer, number, True, CHUNKS, False),
            (layers, layer, number, False, CHUNKS, False))


def plan(size, world, stage, whole=True):
    """What a process holds, (weights, gradients, optimizer, gathered), and what it sends, (step, update, least step)."""
    weights = gradients = optimizer = gathered = step = passed = least = 0
    for layers, layer, root, learns, passes, is_whole in models(size, whole):
        all_of_it = layers * layer + root
        sliced = layers * -(-layer // world) + -(-root // world)
        ring = NUMBER * sliced * (world - 1)
        weights += NUMBER * (sliced if stage >= 3 else all_of_it)
        if stage == 3 and world > 1:
            piece = sliced if is_whole else max(-(-layer // world), -(-root // world))
            gathered = max(gathered, NUMBER * world * piece)
            passed += ring * passes
        if learns:
            gradients += NUMBER * (sliced if stage >= 2 else all_of_it)
            optimizer += MOMENTS * (sliced if stage >= 1 else all_of_it)
            step += ring * (2, 2, MICRO_BATCHES + 1, 3 * MICRO_BATCHES)[stage]
            least += 2 * ring
    return (weights, gradients, optimizer, gathered), (step, STEPS * step + passed, least)


def gb(number):
    return f"{number / 1e9:.2f}"


def choices(world):
    """--sharding by stage and whether generation gathers the whole policy, with the words for it."""
    if world == 1:
        return [(0, True, "any")]
    return [(stage, True, STAGES[stage]) for stage in range(4)] + [(3, False, "zero3, layer by layer")]


def memory():
    for size in SIZES:
        yield from ("", f"{size}, GB a process:", "",
                    "| processes | `--sharding` | weights | gradients | optimizer | gathered | all |", "|---|---|---|---|---|---|---|")
        for world in (1, 8, 64, 512):
            for stage, whole, word in choices(world):
                held, _ = plan(size, world, stage, whole)
                yield f"| {world} | {word} | " + " | ".join(map(gb, (*held, sum(held)))) + " |"
    yield ""


def traffic(world, seconds):
    """`seconds`: a heading, and bytes a second that what one process sends may take."""
    yield from ("", "| model | `--sharding` | GB sent a step | the least | GB sent an update | the least | "
                + " | ".join(heading for heading, _ in seconds) + " |", "|---|---|---|---|---|---|" + "---|" * len(seconds))
    for size in SIZES:
        for stage, whole, word in choices(world):
            _, (step, update, least) = plan(size, world, stage, whole)
            yield (f"| {size} | {word} | " + " | ".join(map(gb, (step, least, update, STEPS * least))) + " | "
                   + " | ".join(f"{update / rate:.2f}" for _, rate in seconds) + " |")
    yield ""


TABLES = {
    "memory": memory(),
    "one machine": traffic(8, [("seconds an update", NVLINK)]),
    "64 machines": traffic(512, [("seconds an update, 8 cards share", CARDS * CARD), ("one card", CARD)]),
}


def main():
    text = renewed = PAGE.read_text(encoding="utf-8")
    complaints = []
    for name, lines in TABLES.items():
        table = "\n".join(lines)
        mark = re.compile(rf"(<!-- scaling_model: {name} -->\n).*?(<!-- /scaling_model -->)", re.DOTALL)
        if len(mark.findall(text)) != 1:
            complaints.append(f"docs/scaling.md has not one place `<!-- scaling_model: {name} -->` to `<!-- /scaling_model -->`.")
            continue
        renewed = mark.sub(lambda match: match[1] + table + "\n" + match[2], renewed)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        complaints.append("docs/scaling.md is not what the formulas say: scripts/scaling_model.py --write.")
    print("\n".join([*complaints, f"{len(TABLES)} tables, {len(complaints)} complaints."]))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
