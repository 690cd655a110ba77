#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what transformers computes for tiny GPT-NeoX models: the folders tests/data/gpt_neox/<case> and, in each,
recorded.safetensors. Needs torch, transformers 4.45 and safetensors.

    python scripts/record_gpt_neox.py tests/data/gpt_neox

ids, mask [B, S]: a full row, left padding, right padding, a hole. Per slot: logits [B, S, V] (values [B, S] for the
classifier) of the float32 model, of the float64 model with the float32 rotary tables that transformers builds, and of
the float64 model with float64 tables ("exact").
"""
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from safetensors.torch import save_file
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, GPTNeoXForSequenceClassification

V, S = 32, 9
CASES = {
    "parallel": dict(hidden_size=16, num_attention_heads=2, rotary_pct=0.25),
    "sequential": dict(hidden_size=16, num_attention_heads=2, rotary_pct=1.0, use_parallel_residual=False,
                       attention_bias=False, hidden_act="gelu_new"),
    "tied": dict(hidden_size=18, num_attention_heads=3, rotary_pct=0.67, rotary_emb_base=500, tie_word_embeddings=True,
                 hidden_act="gelu_fast", layer_norm_eps=1e-3),
    "classifier": dict(hidden_size=16, num_attention_heads=4, rotary_pct=0.5, num_labels=1, pad_token_id=1),
}


def build(name, options):
    config = GPTNeoXConfig(vocab_size=V, num_hidden_layers=2, intermediate_size=40, max_position_embeddings=24,
                           bos_token_id=0, eos_token_id=0, **options)
    return (GPTNeoXForSequenceClassification if name == "classifier" else GPTNeoXForCausalLM)(config).eval()


def evaluate(model, ids, mask):
    arguments = dict(input_ids=ids.masked_fill(mask == 0, 0), attention_mask=mask, position_ids=mask.cumsum(1) - mask)
    with torch.no_grad():
        if hasattr(model, "score"):
            return model.score(model.gpt_neox(**arguments).last_hidden_state).squeeze(-1).contiguous()
        return model(**arguments).logits


def main(out):
    for name, options in CASES.items():
        torch.manual_seed(7)
        model = build(name, options)
        with torch.no_grad():
            for parameter, x in model.named_parameters():
                noise = torch.randn_like(x)
                x.copy_(1 + 0.1 * noise if "norm" in parameter and parameter.endswith("weight") else 0.3 * noise)
        folder = pathlib.Path(out) / name
        model.save_pretrained(folder)
        ids = torch.randint(0, V, (4, S))
        mask = torch.tensor([[1] * S, [0] * 4 + [1] * 5, [1] * 6 + [0] * 3, [0, 1, 1, 0, 1, 1, 1, 0, 1]])
        recorded = {"ids": ids, "mask": mask, "float32": evaluate(model, ids, mask)}
        recorded["float64"] = evaluate(model.double(), ids, mask)
        torch.set_default_dtype(torch.float64)
        single = torch.Tensor.float
        torch.Tensor.float = lambda self, *a, **k: self.double()  # the rotary tables are built through .float()
        exact = build(name, options).double()
        exact.load_state_dict(model.state_dict())
        recorded["exact"] = evaluate(exact, ids, mask)
        torch.Tensor.float = single
        torch.set_default_dtype(torch.float32)
        save_file(recorded, folder / "recorded.safetensors")
        print(name, {k: float((recorded[k] - recorded["exact"])[mask == 1].abs().max()) for k in ("float32", "float64")})


if __name__ == "__main__":
    main(sys.argv[1])
