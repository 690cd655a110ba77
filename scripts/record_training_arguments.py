#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records how TRL v0.11.4 writes its PPOv2Config as JSON: tests/data/trl_config.json. Needs torch, transformers 4.45.2
and TRL's source; accelerate, which only chooses a device here, is stood in for.

    PYTHONPATH=trl-0.11.4 python scripts/record_training_arguments.py
"""
import ast
import dataclasses
import json
import os
import pathlib
import sys
import typing

import torch
import transformers.training_args
from transformers import TrainingArguments
from transformers.trainer_pt_utils import AcceleratorConfig

transformers.training_args.AcceleratorConfig = AcceleratorConfig
transformers.training_args.is_accelerate_available = lambda *_, **__: True
TrainingArguments.device = property(lambda self: torch.device("cpu"))
TrainingArguments._setup_devices = TrainingArguments.device


def own_fields():
    """The two classes below TrainingArguments, without the rest of TRL's imports."""
    folder = next(pathlib.Path(entry) for entry in sys.path if (pathlib.Path(entry) / "trl/trainer/utils.py").is_file())
    base = TrainingArguments
    for name, wanted in (("utils.py", "OnPolicyConfig"), ("ppov2_config.py", "PPOv2Config")):
        path = folder / "trl/trainer" / name
        found = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef) and n.name == wanted]
        scope = {**vars(typing), "TrainingArguments": base, "OnPolicyConfig": base, "dataclass": dataclasses.dataclass,
                 "os": os, "__file__": str(path), "__name__": "trl"}
        exec(compile(ast.Module(found, []), str(path), "exec"), scope)
        base = scope[wanted]
    return base


def main():
    written = json.loads(own_fields()(output_dir="models/minimal/ppo", report_to="tensorboard").to_json_string())
    written["logging_dir"] = "models/minimal/ppo/runs/Jan01_00-00-00_host"  # a time and this machine's name
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "trl_config.json"
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(f"{path}: {len(written)} fields")


if __name__ == "__main__":
    main()
