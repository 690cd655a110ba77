#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a run with SIGKILL at random moments, resumes it each time, and compares it with the run that nobody killed.

    scripts/kill_and_resume.py [--kills 20] [--seed 0] [--processes 2] -- build/release/ppo --sft_model_path ... --save_steps 1

With several processes one of them is killed, or stopped (SIGSTOP), each time: the others must end by themselves, with a
status, within --bound seconds: a minute where it had not met them yet.

The command is run without --output_dir and --resume_from_checkpoint, which are added here. Equal must be, to the bit: the
models, the state of the last checkpoint (but the seconds spent), and every line of metrics.jsonl (but times and eps).
"""
import argparse
import json
import pathlib
import os
import random
import shutil
import signal
import socket
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
    arrays = {str(file.relative_to(last)): file.read_bytes() for file in sorted(last.rglob("state.safetensors"))}
    return last.name, state, arrays


def start(command, processes):
    """The processes of one run, as torchrun starts them: process 0 serves the store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []
    for rank in range(processes):
        environment = dict(os.environ)
        if processes > 1:
            environment |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1",
                            "LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    return started


def differences(whole, other):
    found = [name for name in ("model.safetensors", "value_model/model.safetensors")
             if (whole / name).exists() and (whole / name).read_bytes() != (other / name).read_bytes()]
    if metrics(whole) != metrics(other):
        found.append("metrics.jsonl")
    if last_state(whole) != last_state(other):
        found.append("the last checkpoint")
    return found


def end(processes, victim, bound):
    """Waits for those that nobody touched; how long that took, or None where they hang."""
    begun = time.time()
    for process in processes:
        if process is not victim:
            try:
                process.wait(bound - (time.time() - begun))
            except subprocess.TimeoutExpired:
                return None
    return time.time() - begun


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--bound", type=float, default=75.0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    dice = random.Random(given.seed)
    here = pathlib.Path(tempfile.mkdtemp(prefix="kill_and_resume-"))
    begun = time.time()
    for process in start([*command, "--output_dir", here / "whole"], given.processes):
        if process.wait() != 0:
            sys.exit(f"the whole run failed: {process.stderr.read()[-500:]}")
    lasts = time.time() - begun
    kills = failures = runs = in_saves = stops = 0
    slowest = 0.0
    while kills < given.kills:
        run = here / f"run-{runs}"
        runs += 1
        while True:
            processes = start([*command, "--output_dir", run, "--resume_from_checkpoint", "auto"], given.processes)
            victim = None
            if kills < given.kills:
                chosen = processes[dice.randrange(given.processes)]
                wait_until = time.time() + dice.uniform(0.0, 1.1 * lasts)
                in_save = dice.random() < 0.3  # then the next save is waited for, and hit
                stop = given.processes > 1 and dice.random() < 0.3
                while chosen.poll() is None and time.time() < wait_until:
                    time.sleep(0.001)
                while in_save and chosen.poll() is None and not list(run.glob("checkpoint-*.part")):
                    time.sleep(0.0005)
                if chosen.poll() is None:
                    victim = chosen
                    victim.send_signal(signal.SIGSTOP if stop else signal.SIGKILL)
                    kills += 1
                    stops += stop
                    in_saves += bool(list(run.glob("checkpoint-*.part")))
            took = end(processes, victim, given.bound if victim else 3600.0)
            if victim:
                victim.kill()
                victim.wait()
            if took is None:
                for process in processes:
                    process.kill()
                sys.exit(f"processes hang {given.bound} s after one was killed")
            errors = [process.stderr.read() for process in processes]
            if victim is None:
                if all(process.returncode == 0 for process in processes):
                    break
                sys.exit(f"a resumed run failed: {errors}")
            slowest = max(slowest, took)
            if any(process.returncode == 0 for process in processes if process is not victim) and run.joinpath("model.safetensors").exists():
                continue  # the run was done when the signal came
        if found := differences(here / "whole", run):
            failures += 1
            print(f"{run} differs in {', '.join(found)}")
        else:
            shutil.rmtree(run)
    print(f"{kills} kills ({in_saves} during a save, {stops} by SIGSTOP) in {runs} runs: {failures} of them differ from the whole run"
          + (f"; the other processes ended within {slowest:.1f} s" if given.processes > 1 else ""))
    if failures:
        return 1
    shutil.rmtree(here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
