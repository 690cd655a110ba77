#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a run with SIGKILL at random moments, resumes it each time, and compares it with the run that nobody killed.

    scripts/kill_and_resume.py [--kills 20] [--seed 0] -- build/release/ppo --sft_model_path ... --save_steps 1

The command is run without --output_dir and --resume_from_checkpoint, which are added here. Equal must be, to the bit: the
models, the state of the last checkpoint (but the seconds spent), and every line of metrics.jsonl (but times and eps).
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time


def metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("eps", "tokens_per_second") and not k.startswith(("time/", "memory/", "compute/"))}
            for line in lines]


def last_state(run):
    last = max(run.glob("checkpoint-*"), key=lambda folder: int(folder.name.split("-")[1]))
    state = json.loads((last / "state.json").read_text())
    state["double"].pop("trainer/seconds")
    return last.name, state, (last / "state.safetensors").read_bytes()


def differences(whole, other):
    found = [name for name in ("model.safetensors", "value_model/model.safetensors")
             if (whole / name).exists() and (whole / name).read_bytes() != (other / name).read_bytes()]
    if metrics(whole) != metrics(other):
        found.append("metrics.jsonl")
    if last_state(whole) != last_state(other):
        found.append("the last checkpoint")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    dice = random.Random(given.seed)
    here = pathlib.Path(tempfile.mkdtemp(prefix="kill_and_resume-"))
    begun = time.time()
    subprocess.run([*command, "--output_dir", here / "whole"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    lasts = time.time() - begun
    kills = failures = runs = in_saves = 0
    while kills < given.kills:
        run = here / f"run-{runs}"
        runs += 1
        while True:
            process = subprocess.Popen([*command, "--output_dir", run, "--resume_from_checkpoint", "auto"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if kills < given.kills:
                wait_until = time.time() + dice.uniform(0.0, 1.1 * lasts)
                in_save = dice.random() < 0.3  # then the next save is waited for, and hit
                while process.poll() is None and time.time() < wait_until:
                    time.sleep(0.001)
                while in_save and process.poll() is None and not list(run.glob("checkpoint-*.part")):
                    time.sleep(0.0005)
                if process.poll() is None:
                    process.kill()
                    kills += 1
                    in_saves += bool(list(run.glob("checkpoint-*.part")))
            errors = process.stderr.read()
            if process.wait() == 0:
                break
            if process.returncode != -9:
                sys.exit(f"a resumed run failed: {errors[-500:]}")
        if found := differences(here / "whole", run):
            failures += 1
            print(f"{run} differs in {', '.join(found)}")
        else:
            shutil.rmtree(run)
    print(f"{kills} kills ({in_saves} during a save) in {runs} runs: {failures} of them differ from the whole run")
    if failures:
        return 1
    shutil.rmtree(here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
