#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays a finished or running run of `ppo` through the official client of an experiment tracker.

    scripts/import_run.py RUN --to trackio|wandb|mlflow [--project P] [--name N]

RUN is the run's folder: its config_ppo.json becomes the run's configuration, and each update of its metrics.jsonl a step
with all its metrics, those of an evaluation among them. A metric that is null (no number) is left out of its step. The
client must be installed beside this Python (pip install trackio), and takes its own environment variables, say
WANDB_MODE=offline or MLFLOW_TRACKING_URI. Nothing in RUN is changed; every call makes a new run in the tracker.
"""
import argparse
import importlib
import json
import pathlib
import sys


def fail(sentence):
    sys.exit(f"import_run: {sentence}")


def read_config(run):
    file = run / "config_ppo.json"
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        return fail(f"{file} is no JSON ({error}): write it again")


def read_steps(run):
    """The metrics of each update, by its number, in order; a half-written last line is passed over."""
    file = run / "metrics.jsonl"
    if not file.is_file():
        fail(f"{run} holds no metrics.jsonl: name the folder of a run")
    steps = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            logged = json.loads(line)
            update = int(logged.pop("update"))
        except (ValueError, KeyError, TypeError, AttributeError):
            print(f"import_run: line {number} of {file} is not an update's metrics and is passed over", file=sys.stderr)
            continue
        steps.setdefault(update, {}).update((name, value) for name, value in logged.items() if value is not None)
    if not steps:
        fail(f"{file} holds no update yet: wait for the first")
    return sorted(steps.items())


def to_trackio(client, project, name, config, steps):
    client.init(project=project, name=name, config=config)
    for update, metrics in steps:
        client.log(metrics, step=update)
    client.finish()


def to_wandb(client, project, name, config, steps):
    run = client.init(project=project, name=name, config=config)
    for update, metrics in steps:
        run.log(metrics, step=update)
    run.finish()


def to_mlflow(client, project, name, config, steps):
    client.set_experiment(project)
    with client.start_run(run_name=name):
        client.log_params({key: json.dumps(value) if isinstance(value, (dict, list)) else value
                           for key, value in config.items()})
        for update, metrics in steps:
            client.log_metrics(metrics, step=update)


REPLAY = {"trackio": to_trackio, "wandb": to_wandb, "mlflow": to_mlflow}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--to", required=True, choices=sorted(REPLAY))
    parser.add_argument("--project", default="proximal")
    parser.add_argument("--name", help="default: the folder's name")
    told = parser.parse_args()
    run = told.run.resolve()
    config, steps = read_config(run), read_steps(run)
    try:
        client = importlib.import_module(told.to)
    except ImportError as error:
        fail(f"{told.to} cannot be imported ({error}): pip install {told.to}")
    try:
        REPLAY[told.to](client, told.project, told.name or run.name, config, steps)
    except Exception as error:  # whatever the client throws: its own words say what it wants
        fail(f"{told.to} did not take the run: {error}")
    print(f"{len(steps)} updates of {run} are in {told.to}'s project {told.project}")


if __name__ == "__main__":
    main()
