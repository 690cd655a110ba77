#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What watching a run costs: `ppo` as it comes against `ppo` that only trains, in turns.

    bench/overhead.py [--ppo build/release/ppo] [--pairs 6] [--threads 1] -- FLAGS OF ppo

Both sides are given the flags after `--`; the bare side also gets those that turn logs, progress, sinks, the doctor and saving off. Sample tables
are off on both, since they generate text of their own. Prints CPU and wall seconds of each run, and the median of the pairs' ratios with its range.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BARE = ["--report_to", "none", "--disable_tqdm", "true", "--doctor", "false", "--save_strategy", "no"]


def run(program, flags, folder, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    start = time.monotonic()
    process = subprocess.Popen([program, *flags, "--output_dir", folder, "--num_sample_generations", "0"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{program} failed:\n{words[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def main():
    if "--" not in sys.argv:
        sys.exit(__doc__)
    middle = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--ppo", default="build/release/ppo")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(sys.argv[1:middle])
    flags = sys.argv[middle + 1:]
    ratios = {"CPU": [], "wall": []}
    with tempfile.TemporaryDirectory() as work:
        for pair in range(options.pairs):
            # Whoever runs first meets the machine in another state: the order is turned each time.
            seconds = {}
            for side in ("bare", "whole") if pair % 2 == 0 else ("whole", "bare"):
                folder = os.path.join(work, side)
                shutil.rmtree(folder, ignore_errors=True)
                seconds[side] = run(options.ppo, flags + (BARE if side == "bare" else []), folder, options.threads)
            for kind, at in (("CPU", 0), ("wall", 1)):
                ratios[kind].append(seconds["whole"][at] / seconds["bare"][at])
            print(f"pair {pair + 1}: bare {seconds['bare'][0]:.2f} CPU s, {seconds['bare'][1]:.2f} s; whole {seconds['whole'][0]:.2f} CPU s, "
                  f"{seconds['whole'][1]:.2f} s", flush=True)
    for kind, values in ratios.items():
        print(f"{kind}: {statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})")


if __name__ == "__main__":
    main()
