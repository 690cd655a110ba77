#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seconds and memory of a PPO update, ours and TRL's, on the same models, prompts and flags, in turns.

    .venv/bin/python bench/versus_trl.py [--shapes small pythia-160m pythia-1b] [--trl_python PYTHON] [--rounds 2]
                                         [--variants "" "--bf16 true"] [--trl_flags "--bf16 true"]
                                         [--peak_tflops 67 989] [--cpu] [-- FLAGS OF ppo]

Models have random weights in Pythia's shapes, prompts random letters: what is measured does not depend on what they say.
It takes the first GPU, or with --cpu the CPU. PYTHON is one with trl 0.11.4, transformers 4.45 and a torch that sees the
same GPU; without it only ours is run. Each of --variants is a run of ours with these flags more, --trl_flags are for TRL's.

Prints, of the updates after the first, the median seconds of an update (of the clock, from one log row to the next), its
phases, peak memory (of the GPU as nvidia-smi reads it, else of the process) and, with --peak_tflops (the card's, in the
dtype that matrices are multiplied in), MFU: the operations of the update's training phase that it cannot do without, 6
for each weight and token, over what the card could have done in its time (Chowdhery et al., PaLM, 2022, appendix B,
without attention's part).
"""
import argparse
import ctypes
import json
import math
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

SHAPES = {  # layers, hidden size, heads, vocabulary
    "minute": (1, 32, 2, 512),
    "small": (4, 256, 8, 4096),
    "pythia-14m": (6, 128, 4, 50304),
    "pythia-70m": (6, 512, 8, 50304),
    "pythia-160m": (12, 768, 12, 50304),
    "pythia-410m": (24, 1024, 16, 50304),
    "pythia-1b": (16, 2048, 8, 50304),
}


def tensors_of(shape, head):
    """Names, shapes and mean of each tensor of a GPT-NeoX, in the order of Hugging Face's."""
    layers, hidden, _, vocabulary = SHAPES[shape]
    yield "gpt_neox.embed_in.weight", (vocabulary, hidden), 0.0
    for i in range(layers):
        at = f"gpt_neox.layers.{i}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"{at}{norm}.weight", (hidden,), 1.0
            yield f"{at}{norm}.bias", (hidden,), 0.0
        for name, rows, columns in (("attention.query_key_value", 3 * hidden, hidden), ("attention.dense", hidden, hidden),
                                    ("mlp.dense_h_to_4h", 4 * hidden, hidden), ("mlp.dense_4h_to_h", hidden, 4 * hidden)):
            yield f"{at}{name}.weight", (rows, columns), 0.0
            yield f"{at}{name}.bias", (rows,), 0.0
    yield "gpt_neox.final_layer_norm.weight", (hidden,), 1.0
    yield "gpt_neox.final_layer_norm.bias", (hidden,), 0.0
    yield (head, (vocabulary if head == "embed_out.weight" else 1, hidden), 0.0)


def write_model(folder, shape, head):
    import torch

    layers, hidden, heads, vocabulary = SHAPES[shape]
    os.makedirs(folder)
    torch.manual_seed(1)
    noise = torch.randn(4_000_037) * 0.02
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    tensors = list(tensors_of(shape, head))
    for name, size, _ in tensors:
        count = 4 * math.prod(size)
        header[name] = {"dtype": "F32", "shape": list(size), "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, size, mean in tensors:
            count = math.prod(size)
            # Random numbers for a billion weights take longer than an update: these repeat, with no row like another.
            values = torch.full(size, mean) if len(size) == 1 else noise.repeat(count // len(noise) + 1)[:count]
            out.write(ctypes.string_at(values.data_ptr(), count * 4))
    config = {
        "architectures": ["GPTNeoXForCausalLM" if head == "embed_out.weight" else "GPTNeoXForSequenceClassification"],
        "model_type": "gpt_neox", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "intermediate_size": 4 * hidden, "vocab_size": vocabulary, "max_position_embeddings": 2048, "rotary_pct": 0.25,
        "rotary_emb_base": 10000, "layer_norm_eps": 1e-5, "hidden_act": "gelu", "use_parallel_residual": True,
        "attention_bias": True, "tie_word_embeddings": False, "torch_dtype": "float32", "bos_token_id": 0, "eos_token_id": 0,
    }
    if head != "embed_out.weight":
        config.update(num_labels=1, id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0}, pad_token_id=1)
    write_json(os.path.join(folder, "config.json"), config)
    # A token for each byte: so a prompt of n letters has n tokens.
    letters = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255 else None for b in range(256)]
    spare = iter(range(256, 512))
    letters = [letter if letter is not None else chr(next(spare)) for letter in letters]
    special = [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, text in enumerate(("<|endoftext|>", "[PAD]"))]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write_json(os.path.join(folder, "tokenizer.json"), {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {"<|endoftext|>": 0, "[PAD]": 1, **{letter: i + 2 for i, letter in enumerate(letters)}},
                  "merges": []}})
    write_json(os.path.join(folder, "tokenizer_config.json"), {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>",
        "pad_token": "[PAD]", "unk_token": "<|endoftext|>", "model_max_length": 2048})


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out)


def write_prompts(path, tokens, count):
    letters = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            length = letters.randint(tokens // 2, tokens)
            out.write(json.dumps({"prompt": "".join(letters.choice("abcdefgh") for _ in range(length))}) + "\n")


class gpu_memory(threading.Thread):
    """The most megabytes of the first GPU in use while it runs, as nvidia-smi reads them twice a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.ends = 0, threading.Event()

    def run(self):
        while not self.ends.wait(0.5):
            read = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"],
                                  capture_output=True, text=True)
            if read.returncode == 0:
                self.most = max(self.most, int(read.stdout.split()[0]))


class row_clock(threading.Thread):
    """When each line of a file appeared, looked at every 5 milliseconds: both sides are timed alike."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.times, self.ends = path, [], threading.Event()

    def run(self):
        while not self.ends.wait(0.005):
            if os.path.exists(self.path):
                with open(self.path, "rb") as lines:
                    count = lines.read().count(b"\n")
                self.times += [time.monotonic()] * (count - len(self.times))


def run(command, environment, on_gpu, rows):
    clock = row_clock(rows)
    clock.start()
    watcher = gpu_memory()
    if on_gpu:
        watcher.start()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    watcher.ends.set()
    clock.ends.set()
    if status:
        raise RuntimeError(f"failed: {' '.join(command)}\n{words[-2000:]}")
    each = [later - earlier for earlier, later in zip(clock.times, clock.times[1:])]
    return statistics.median(each) if each else float("nan"), watcher.most if on_gpu else usage.ru_maxrss / 1024


def rows_after_first(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return rows[1:] or rows


def measured(rows, timed):
    seconds, memory = timed
    keys = [key for key in ("generate", "score", "update") if f"time/{key}" in rows[0]]
    phases = {key: statistics.median(row[f"time/{key}"] for row in rows) for key in keys}
    length = statistics.mean(row.get("objective/response_length", 0.0) for row in rows)
    return {"seconds": seconds, "memory": memory, "length": length, **phases}


def as_trl(arguments):
    """TRL's side, run by a Python that has it: its trainer as its example script builds it, a line for each update."""
    import torch
    from datasets import Dataset
    from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, HfArgumentParser,
                              TrainerCallback)
    from trl import PPOv2Config, PPOv2Trainer

    prompts, lines, threads = arguments[:3]
    torch.set_num_threads(int(threads))
    (config,) = HfArgumentParser(PPOv2Config).parse_args_into_dataclasses(arguments[3:])

    class clock(TrainerCallback):
        def __init__(self):
            self.out = open(lines, "w", encoding="utf-8")

        def on_log(self, args, state, control, logs=None, **_):
            if logs and "objective/kl" in logs:
                self.out.write(json.dumps({key: value for key, value in logs.items() if "/" in key}) + "\n")
                self.out.flush()

    tokenizer = AutoTokenizer.from_pretrained(config.sft_model_path, padding_side="left")
    with open(prompts, encoding="utf-8") as read:
        ids = [tokenizer(json.loads(line)["prompt"])["input_ids"] for line in read]
    classifier = lambda: AutoModelForSequenceClassification.from_pretrained(config.reward_model_path, num_labels=1)
    policy = lambda: AutoModelForCausalLM.from_pretrained(config.sft_model_path)
    trainer = PPOv2Trainer(config=config, tokenizer=tokenizer, policy=policy(), ref_policy=policy(), reward_model=classifier(),
                           value_model=classifier(), train_dataset=Dataset.from_dict({"input_ids": ids[:-8]}),
                           eval_dataset=Dataset.from_dict({"input_ids": ids[-8:]}), callbacks=[clock()])
    trainer.save_state = lambda: None
    trainer.train()


def mfu(options, shape, of, peak):
    """Of the training phase: 6 operations for each matrix weight and token, of policy and critic, the policy's head too."""
    layers, hidden, _, vocabulary = SHAPES[shape]
    response = of["length"] or options.response_length
    tokens = options.batch * (0.75 * options.prompt_length + response)
    flops = 6 * options.epochs * (2 * 12 * layers * hidden**2 * tokens + vocabulary * hidden * options.batch * response)
    return flops / of["update"] / (peak * 1e12)


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--as_trl":
        return as_trl(sys.argv[2:])
    ours, more = sys.argv[1:], []
    if "--" in ours:
        ours, more = ours[: ours.index("--")], ours[ours.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ppo", default="build/release/ppo")
    parser.add_argument("--trl_python")
    parser.add_argument("--trl_flags", default="", help="flags of TRL, as in \"--bf16 true\"")
    parser.add_argument("--shapes", nargs="*", default=["small", "pythia-160m", "pythia-1b"], choices=SHAPES)
    parser.add_argument("--variants", nargs="*", default=[""], help="flags of ours, one run each")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--updates", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--micro_batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--prompt_length", type=int, default=128)
    parser.add_argument("--response_length", type=int, default=53)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peak_tflops", type=float, nargs="*", default=[], help="of each variant, or one for all")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args(ours)
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    failures = 0
    print("| shape | whose | s an update | generate | score | update | peak MB | MFU | ratio to TRL |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    for shape in options.shapes:
        with tempfile.TemporaryDirectory(prefix="versus-trl-") as work:
            at = lambda name: os.path.join(work, name)
            write_model(at("policy"), shape, "embed_out.weight")
            write_model(at("reward"), shape, "score.weight")
            write_prompts(at("prompts.jsonl"), options.prompt_length, options.batch * (options.updates + 1) + 8)
            common = ["--sft_model_path", at("policy"), "--reward_model_path", at("reward"),
                      "--per_device_train_batch_size", str(options.micro_batch),
                      "--gradient_accumulation_steps", str(options.batch // options.micro_batch), "--num_mini_batches", "1",
                      "--num_ppo_epochs", str(options.epochs), "--total_episodes", str(options.batch * options.updates),
                      "--response_length", str(options.response_length), "--stop_token", "eos", "--missing_eos_penalty", "1.0",
                      "--learning_rate", "3e-6", "--num_sample_generations", "0", "--report_to", "none",
                      "--save_strategy", "no", *(["--use_cpu", "true"] if options.cpu else [])]
            runs = {}
            names = [("ours " + variant).strip() for variant in options.variants]
            peaks = dict(zip(names, options.peak_tflops * (len(names) if len(options.peak_tflops) == 1 else 1)))
            for _ in range(options.rounds):
                asked = []
                if options.trl_python:
                    asked.append(("TRL", at("trl.jsonl"),
                                  [options.trl_python, os.path.abspath(__file__), "--as_trl", at("prompts.jsonl"),
                                   at("trl.jsonl"), str(options.threads), *common, "--output_dir", at("trl"),
                                   "--disable_tqdm", "true", "--logging_steps", "1", *options.trl_flags.split()]))
                for name, variant in zip(names, options.variants):
                    asked.append((name, at("ours/metrics.jsonl"),
                                  [options.ppo, *common, "--model_name_or_path", at("policy"), "--dataset_name",
                                   at("prompts.jsonl"), "--output_dir", at("ours"), *variant.split(), *more]))
                for whose, rows, command in asked:
                    shutil.rmtree(at("ours"), ignore_errors=True)
                    if os.path.exists(rows):  # of the round before: the clock would count its lines
                        os.remove(rows)
                    try:
                        timed = run(command, environment, not options.cpu, rows)
                        runs.setdefault(whose, []).append(measured(rows_after_first(rows), timed))
                        print(f"{shape}, {whose}: {runs[whose][-1]}", file=sys.stderr, flush=True)  # if time runs out
                    except RuntimeError as error:  # the others' figures are none the worse
                        failures += 1
                        print(error, file=sys.stderr, flush=True)
            for whose, all_runs in runs.items():
                of = {key: statistics.median(one[key] for one in all_runs) for key in all_runs[0]}
                phases = " | ".join(f"{of[key]:.3g}" if key in of else "" for key in ("generate", "score", "update"))
                at_peak = peaks.get(whose)
                share = f"{mfu(options, shape, of, at_peak):.1%}" if at_peak and "update" in of else ""
                ratio = statistics.median(theirs["seconds"] / one["seconds"] for theirs, one in zip(runs["TRL"], all_runs)) if "TRL" in runs and whose != "TRL" else None
                print(f"| {shape} | {whose} | {of['seconds']:.3g} | {phases} | {of['memory']:.0f} | {share} | {'' if ratio is None else f'{ratio:.2f}'} |", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
