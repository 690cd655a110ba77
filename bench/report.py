#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks and prints each fused path beside its composite form and the bare loop.

    bench/report.py build/release/bench_libtorch [--threads 1] [--json results.json]

Times are of the CPU where one thread runs (other people's work on the machine then counts little), else of the clock.
"""
import argparse
import json
import os
import subprocess

PAIRS = [  # what is compared: title, composite, fused, loop, target
    ("log-prob + entropy, forward and backward, in place", "logprob_composite", "logprob_fused_in_place", None, 30),
    ("log-prob + entropy, forward and backward", "logprob_composite", "logprob_fused", None, None),
    ("log-prob + entropy, forward", "logprob_forward_composite", "logprob_forward_fused", "logprob_forward_loop", None),
    ("lm_head + log-prob, whole logits, in place", "head_logprob_composite", "head_logprob_unchunked", None, None),
    ("lm_head + log-prob, chunked", "head_logprob_composite", "head_logprob_fused", None, None),
    ("GAE", "gae_composite", "gae_fused", "gae_loop", 7),
    ("token loss, forward and backward", "token_loss_composite", "token_loss_fused", "token_loss_loop", 2),
] + [
    (f"{term} alone", f"term_composite/{term}", f"term_fused/{term}", None, None)
    for term in ("clipped_surrogate", "reinforce", "clip_higher", "dual_clip", "two_sided_clip", "cispo", "sapo", "kl_loss",
                 "kl_loss_straight_through", "gspo", "gmpo", "positive_lm", "entropy_bonus", "clipped_value", "squared_value", "huber_value")
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--json", help="keep the raw results here")
    arguments = arguments.parse_args()
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    run = subprocess.run([arguments.program, "--benchmark_format=json"], env=environment, check=True, stdout=subprocess.PIPE)
    results = json.loads(run.stdout)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    clock = "cpu_time" if arguments.threads == 1 else "real_time"
    unit = {"ns": 1e-6, "us": 1e-3, "ms": 1.0}
    times = {}
    for row in results["benchmarks"]:
        name = row["name"].replace("/real_time", "").split("/min_time")[0]
        times[name] = row[clock] * unit[row["time_unit"]]

    def sizes(name):
        return [key[len(name):] for key in times if key.startswith(name + "/")]

    print("| what | size | composite ms | fused ms | ratio | target | loop ms |\n|---|---|---|---|---|---|---|")
    compared = set()
    for title, composite, fused, loop, target in PAIRS:
        for size in sizes(composite):
            a, b = times[composite + size], times.get(fused + size)
            if b is None:
                continue
            bare = times.get(loop + size) if loop else None
            compared |= {composite + size, fused + size, (loop or "") + size}
            print(f"| {title} | {size[1:].replace('/', ' x ')} | {a:.3g} | {b:.3g} | {a / b:.1f} | "
                  f"{target or ''} | {'' if bare is None else format(bare, '.3g')} |")
    print("\n| part | size | ms |\n|---|---|---|")
    for name in times:
        if name not in compared:
            part, size = name.rsplit("/", 2)[0], "/".join(name.rsplit("/", 2)[1:])
            print(f"| {part.replace('part/', '').replace('aggregation/', '').replace('refinement/', '')} | {size.replace('/', ' x ')} | {times[name]:.3g} |")


if __name__ == "__main__":
    main()
