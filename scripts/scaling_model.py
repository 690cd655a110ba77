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
# TRL's page: 16 rows, 4 micro-batches and 4 epochs of one mini-batch; 64 episodes are scored 16 at a time.
STEPS, MICRO_BATCHES, CHUNKS = 4, 4, 4
NUMBER, MOMENTS = 4, 8  # bytes of a weight or a gradient, and of AdamW's state of one
SIZES = {"Pythia-1B": (16, 2048, 50304), "Pythia-6.9B": (32, 4096, 50432)}  # layers, hidden size, vocabulary


def models(size):
    """Policy, reference, critic and reward model: layers, elements of a layer and of the root, whether it learns, whether
    zero3 cuts its layers, whether it generates, how many chunks it scores in an update."""
    layers, hidden, vocabulary = SIZES[size]
    layer = 12 * hidden * hidden + 13 * hidden
    language, number = 2 * vocabulary * hidden + 2 * hidden, vocabulary * hidden + 3 * hidden
    return ((layers, layer, language, True, True, True, 0),
            (layers, layer, language, False, True, False, CHUNKS),
            (layers, layer, number, True, True, False, CHUNKS),
            (layers, layer, number, False, False, False, CHUNKS))


def plan(size, world, stage):
    """What a process holds, (weights, gradients, optimizer, gathered, generating, saving), and what it sends, (step,
    update, least step)."""
    weights = gradients = optimizer = gathered = generating = saving = step = passed = least = 0

    def share(elements):
        return -(-elements // world)

    for layers, layer, root, learns, is_cut, generates, chunks in models(size):
        cuts = stage == 3 and world > 1 and is_cut
        whole = layers * layer + root
        own, rest = (layers * share(layer), share(root)) if cuts else (0, share(whole))
        ring = NUMBER * (world - 1)
        weights += NUMBER * (own + root if cuts else whole)
        if cuts:
            gathered = max(gathered, NUMBER * world * 2 * share(layer))
            generating += NUMBER * world * own * generates
            saving = max(saving, NUMBER * world * own)
            passed += ring * own * (chunks + generates)
        if learns:
            gradients += NUMBER * (own + rest if stage >= 2 else whole)
            optimizer += MOMENTS * (own + rest if stage >= 1 else whole)
            step += ring * (rest * (MICRO_BATCHES + 1 if stage >= 2 else 2) + own * 3 * MICRO_BATCHES)
            least += ring * 2 * share(whole)
    return ((weights, gradients, optimizer, gathered, generating, saving),
            (step, STEPS * step + passed, least))


def held(weights, gradients, optimizer, gathered, generating, saving):
    """The most at a time: learning, generating and saving take turns."""
    return weights + optimizer + max(gradients + gathered, generating, saving)


def gb(number):
    return f"{number / 1e9:.2f}"


def memory():
    for size in SIZES:
        yield from ("", f"{size}, GB a process:", "",
                    "| processes | `--sharding` | weights | gradients | optimizer | two layers | to generate | to save | at the most |",
                    "|---|---|---|---|---|---|---|---|---|")
        for world in (1, 8, 64, 512):
            for stage, word in enumerate(STAGES if world > 1 else ("any",)):
                held_of, _ = plan(size, world, stage)
                yield f"| {world} | {word} | " + " | ".join(map(gb, (*held_of, held(*held_of)))) + " |"
    yield ""


def traffic(world, seconds):
    """`seconds`: a heading, and bytes a second that what one process sends may take."""
    yield from ("", "| model | `--sharding` | GB sent a step | the least | GB sent an update | the least | "
                + " | ".join(heading for heading, _ in seconds) + " |", "|---|---|---|---|---|---|" + "---|" * len(seconds))
    for size in SIZES:
        for stage, word in enumerate(STAGES):
            _, (step, update, least) = plan(size, world, stage)
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
