#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the learning rates of transformers' schedules: tests/data/schedules/values.json. Needs torch and transformers
4.45.2.

    python scripts/record_schedules.py
"""

import json
import pathlib

import torch
from transformers.optimization import get_inverse_sqrt_schedule, get_scheduler

CASES = [
    ("linear", 10, 0, {}), ("linear", 10, 3, {}), ("linear", 1, 1, {}),
    ("cosine", 10, 0, {}), ("cosine", 11, 2, {"num_cycles": 1.25}),
    ("cosine_with_restarts", 12, 0, {}), ("cosine_with_restarts", 13, 3, {"num_cycles": 3}),
    ("polynomial", 10, 0, {}), ("polynomial", 12, 2, {"lr_end": 1e-6, "power": 2.5}),
    ("constant", 5, 0, {}), ("constant_with_warmup", 6, 4, {}),
    ("inverse_sqrt", 8, 0, {}), ("inverse_sqrt", 12, 3, {}), ("inverse_sqrt", 12, 3, {"timescale": 7}),
    ("cosine_with_min_lr", 10, 2, {"min_lr": 1e-5}), ("cosine_with_min_lr", 9, 0, {"min_lr_rate": 0.1, "num_cycles": 0.75}),
    ("warmup_stable_decay", 12, 2, {"num_stable_steps": 3, "num_decay_steps": 5}),
    ("warmup_stable_decay", 12, 0, {"num_stable_steps": 0, "num_decay_steps": 6, "min_lr_ratio": 0.2, "num_cycles": 1.5}),
]
METRICS = [1.0, 0.9, 0.95, 0.9, 0.89999, 0.91, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4, 0.45, 0.45, 0.45, 0.45, 0.45, 0.3, 0.31, 0.32]
PLATEAUS = [
    {"patience": 1}, {"patience": 0, "factor": 0.5, "cooldown": 2}, {"mode": "max", "patience": 2, "factor": 0.3},
    {"patience": 1, "threshold": 0.08, "threshold_mode": "abs", "min_lr": 1e-5},
    {"mode": "max", "patience": 0, "threshold_mode": "abs", "threshold": 0.04, "eps": 1e-5, "factor": 0.9},
]
LR = 5e-5


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def factors(name, updates, warmup, kwargs):
    if name == "inverse_sqrt":  # get_scheduler passes no timescale on
        schedule = get_inverse_sqrt_schedule(optimizer(), warmup, **kwargs)
    else:
        schedule = get_scheduler(name, optimizer(), warmup, updates, kwargs)
    return [float(schedule.lr_lambdas[0](step)) for step in range(updates + 4)]


def plateau(kwargs):
    tuned = optimizer()
    schedule = get_scheduler("reduce_lr_on_plateau", tuned, scheduler_specific_kwargs=kwargs)
    rates = []
    for metric in METRICS:
        schedule.step(metric)
        rates.append(tuned.param_groups[0]["lr"])
    return rates


def main():
    values = {
        "learning_rate": LR,
        "schedules": [
            {"name": name, "updates": updates, "warmup": warmup, "kwargs": kwargs,
             "factors": factors(name, updates, warmup, kwargs)}
            for name, updates, warmup, kwargs in CASES
        ],
        "metrics": METRICS,
        "plateaus": [{"kwargs": kwargs, "rates": plateau(kwargs)} for kwargs in PLATEAUS],
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "schedules" / "values.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(CASES) + len(PLATEAUS)} schedules")


if __name__ == "__main__":
    main()
