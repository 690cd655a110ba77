#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what TRL v0.11.4's PPOv2Trainer computes, in float64: the values that tests/parity replays.

    scripts/record_trl.py OUT [--variant parallel|sequential] [--cases base whiten nostop lastbatch]

Needs an environment of its own: torch==2.11.0 trl==0.11.4 transformers==4.45.2 "accelerate<1.3" "numpy<2.3" rich datasets.
PPOv2Trainer.train itself runs, unedited: the functions its loop calls are wrapped, and the wrappers read its locals. Tokens of
update 1 are scripted (no EOS; EOS first, second, last, before last, twice; PAD sampled first, middle, last, after EOS) by
replacing torch.multinomial during generation; update 2 samples freely and its tokens are in the dump.
float64: the default dtype is double, models are .double(), and Tensor.float() gives double (generate() and the rotary embedding
cast to float32 otherwise).

Variants: parallel (B=16, T=12, 2 epochs x 2 mini-batches x 2 micro-batches, TRL's defaults otherwise); sequential (sequential
residual, half rotary, B=12, T=9, 3 epochs x 4 mini-batches, other coefficients, weight decay).
Cases: base (stop eos, penalty 1), whiten (whiten_rewards), nostop (no stop token, no penalty), lastbatch (the data set is one batch
long, where accelerate steps after every micro-batch). OUT gets policy/, ref/, reward/ and golden_<case>.{safetensors,json}.
"""
import argparse, copy, json, os, sys, tempfile
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("WANDB_DISABLED", "true")
import warnings
warnings.filterwarnings("ignore")
import numpy as np
import torch
from datasets import Dataset
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, GPTNeoXConfig,
                          GPTNeoXTokenizerFast)
from trl import PPOv2Config, PPOv2Trainer
from trl.trainer import ppov2_trainer as tm

V = 264
VARIANTS = {
    "parallel": dict(T=12, B=16, model=dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                                            rotary_pct=0.25, use_parallel_residual=True),
                     ppo=dict(per_device_train_batch_size=4, gradient_accumulation_steps=2, num_mini_batches=2, num_ppo_epochs=2,
                              local_rollout_forward_batch_size=8, kl_coef=0.05, temperature=0.7)),
    "sequential": dict(T=9, B=12, model=dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
                                             rotary_pct=0.5, use_parallel_residual=False),
                       ppo=dict(per_device_train_batch_size=3, gradient_accumulation_steps=1, num_mini_batches=4, num_ppo_epochs=3,
                                local_rollout_forward_batch_size=5, kl_coef=0.15, temperature=1.1, gamma=0.97, lam=0.9,
                                cliprange=0.1, cliprange_value=0.3, vf_coef=0.5, weight_decay=0.1, adam_beta1=0.8,
                                adam_beta2=0.99, adam_epsilon=1e-6)),
}
EOS, PAD = 0, 2


def make(out):
    alpha = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {"<|endoftext|>": EOS, "<|padding|>": 1, "[PAD]": PAD, **{c: i + 3 for i, c in enumerate(alpha)}}
    t = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    t.add_special_tokens(["<|endoftext|>", "<|padding|>", "[PAD]"])
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tok = GPTNeoXTokenizerFast(tokenizer_object=t, eos_token="<|endoftext|>", bos_token="<|endoftext|>",
                               unk_token="<|endoftext|>", pad_token="[PAD]", padding_side="left")
    assert (tok.eos_token_id, tok.pad_token_id) == (EOS, PAD)
    cfg = GPTNeoXConfig(vocab_size=V, max_position_embeddings=64, hidden_act="gelu", tie_word_embeddings=False,
                        bos_token_id=0, eos_token_id=0, **variant["model"])
    g = torch.Generator().manual_seed(11)
    for kind, cls in (("policy", AutoModelForCausalLM), ("reward", AutoModelForSequenceClassification)):
        if kind == "reward":
            cfg = copy.deepcopy(cfg)
            cfg.num_labels, cfg.pad_token_id = 1, PAD
        m = cls.from_config(cfg)
        for n, p in m.named_parameters():
            with torch.no_grad():
                r = torch.randn(p.shape, generator=g)
                p.copy_(1 + 0.1 * r if "norm" in n and n.endswith("weight") else 0.1 * r if p.dim() == 1 else
                        0.5 * r if "embed" in n or "score" in n else 0.2 * r)
        m.save_pretrained(f"{out}/{kind}")
        tok.save_pretrained(f"{out}/{kind}")


def script():
    g = torch.Generator().manual_seed(5)
    f = torch.randint(3, V - 5, (B, T), generator=g)  # no EOS, no PAD
    def put(r, *at):
        for pos, tokid in at:
            f[r, pos] = tokid
    # row 0: no EOS at all
    put(1, (0, EOS))                # EOS first: truncates to [EOS, PAD...]; "all pad after 1"
    put(2, (T - 1, EOS))            # EOS last: nothing after it, score lands on seq_len itself
    put(3, (T - 2, EOS))            # EOS before last: score lands on the last index
    put(4, (0, PAD))                # PAD sampled first, no EOS: sequence_length -1
    put(5, (0, PAD), (5, EOS))      # PAD sampled first, EOS later: sequence_length -1 and contain_eos True
    put(6, (4, PAD), (8, EOS))      # PAD sampled before EOS
    put(7, (4, EOS), (7, EOS))      # EOS twice: num_eos_tokens counts both
    put(8, (1, EOS))
    put(9, (0, EOS), (1, EOS))
    put(10, (T - 1, PAD))           # PAD sampled last, no EOS
    put(11, (3, EOS), (5, PAD))     # PAD after EOS
    if B > 12:
        put(12, (6, EOS))
    return f                        # later rows: no EOS


def run(case, out, dtype):
    args = PPOv2Config(output_dir=tempfile.mkdtemp(), total_episodes=2 * B, **variant["ppo"],
                       response_length=T, stop_token=None if case == "nostop" else "eos",
                       missing_eos_penalty=None if case == "nostop" else 1.0, learning_rate=2e-3,
                       whiten_rewards=case == "whiten", num_sample_generations=0,
                       seed=3, use_cpu=True, report_to=[], save_strategy="no", logging_steps=1, disable_tqdm=True)
    from transformers import AutoTokenizer
    tok = AutoTokenizer.from_pretrained(out + "/policy", padding_side="left")
    L = lambda c, k: c.from_pretrained(f"{out}/{k}").to(dtype)
    pol, ref = L(AutoModelForCausalLM, "policy"), L(AutoModelForCausalLM, "policy")
    val, rew = L(AutoModelForSequenceClassification, "reward"), L(AutoModelForSequenceClassification, "reward")
    inv_freq_dtype = str(next(b.dtype for n, b in pol.named_buffers() if "inv_freq" in n))
    # ref differs a little from the policy, so that KL is not zero in update 1: a deterministic shift of embed_out
    with torch.no_grad():
        w = ref.embed_out.weight
        w.add_(0.05 * torch.sin(torch.arange(w.numel(), dtype=dtype)).view_as(w))
    ref.save_pretrained(f"{out}/ref")
    rng = np.random.RandomState(1)
    n = B if case == "lastbatch" else 3 * B
    rows = [[int(x) for x in rng.randint(3, V - 5, rng.randint(1, 11))] for _ in range(n)]
    ds = Dataset.from_dict({"input_ids": rows})
    np.random.seed(args.seed)  # TRL does not seed numpy; the permutations come from it
    tr = PPOv2Trainer(config=args, tokenizer=tok, policy=pol, ref_policy=ref, reward_model=rew, value_model=val,
                      train_dataset=ds, eval_dataset=ds)
    D, J = {}, {"case": case, "dtype": str(dtype), "inv_freq_dtype": inv_freq_dtype, "updates": [], "events": [],
                "config": {k: getattr(args, k) for k in (
                    "per_device_train_batch_size gradient_accumulation_steps num_mini_batches num_ppo_epochs batch_size"
                    " mini_batch_size response_length stop_token stop_token_id missing_eos_penalty learning_rate"
                    " whiten_rewards local_rollout_forward_batch_size seed kl_coef temperature cliprange"
                    " cliprange_value vf_coef gamma lam weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm"
                    " total_episodes num_total_batches").split()},
                "ref": "folder ref/: policy with embed_out.weight shifted by c*sin(arange), so that KL is not zero; in the run's dtype", "eos": EOS, "pad": PAD, "rows": rows}
    S = {"u": 0, "roll": 0, "whiten": 0, "mb": None, "nstep": 0, "grads": False}

    def put(name, x):
        D[f"u{S['u']}/{name}"] = (torch.as_tensor(x).detach().clone().contiguous())

    def frame():
        f = sys._getframe(2)
        while f.f_code.co_name != "train":
            f = f.f_back
        return f.f_locals

    bg, gr, mw = tm.batch_generation, tm.get_reward, tm.masked_whiten
    perm, mult, tfloat = np.random.permutation, torch.multinomial, torch.Tensor.float
    forced = script()

    def my_bg(*a, **k):
        S.update(u=S["u"] + 1, roll=0, whiten=0)
        st = {"t": 0, "row": 0}
        def my_mult(p, num_samples, **kw):
            if S["u"] != 1:
                return mult(p, num_samples, **kw)
            r = forced[st["row"]:st["row"] + p.shape[0], st["t"]]
            st["t"] += 1
            if st["t"] == T:
                st.update(t=0, row=st["row"] + p.shape[0])
            return r[:, None].clone()
        torch.multinomial = my_mult
        try:
            qr, lg = bg(*a, **k)
        finally:
            torch.multinomial = mult
        put("queries", a[1]); put("query_responses", qr)
        put("gen_scores_first8", lg[:, :, :8])
        put("gen_scores_lse", lg.logsumexp(-1))
        J["events"].append(f"update {S['u']}: generation; GradientState.end_of_dataloader="
                           f"{tr.accelerator.gradient_state.end_of_dataloader}")
        return qr, lg

    def my_gr(model, *a, **k):
        r = gr(model, *a, **k)
        f = frame()
        if model is rew:
            i = S["roll"]
            S["roll"] += 1
            put("context_length", f["context_length"])
            for nm, x in (("logprobs_unmasked", f["logprob"]), ("ref_logprobs_unmasked", f["ref_logprob"]),
                          ("values_unmasked", f["value"]), ("scores_raw", r[1]), ("reward_seq_index", r[2]),
                          ("full_value", f["full_value"].squeeze(-1))):
                key = f"u{S['u']}/{nm}"
                D[key] = x.detach().clone() if i == 0 else torch.cat([D[key], x.detach()], 0)
        return r

    def my_mw(values, mask, shift_mean=True):
        r = mw(values, mask, shift_mean)
        nm = "rewards" if not shift_mean else "advantages"
        put(nm + "_before_whiten", values); put(nm + "_after_whiten_unmasked", r); put(nm + "_whiten_mask", mask)
        return r

    def my_perm(n):
        r = perm(n)
        f = frame()
        if f["ppo_epoch_idx"] == 0:  # the whole rollout is done: snapshot it
            for nm in ("responses postprocessed_responses logprobs ref_logprobs values scores sequence_lengths"
                       " contain_eos_token padding_mask padding_mask_p1 kl non_score_reward rewards actual_end"
                       " advantages returns").split():
                put(nm, f[nm])
        put(f"b_inds_epoch{f['ppo_epoch_idx']}", r)
        return r

    ob, os_, og, olog = tr.accelerator.backward, tr.optimizer.step, tr.accelerator.gather, tr.log
    pars = lambda: {n: p for n, p in tr.model.named_parameters()}
    gnorm = lambda: float(torch.sqrt(sum((p.grad.double() ** 2).sum() for p in pars().values() if p.grad is not None)))

    def my_backward(loss, **k):
        f = frame()
        mb = f"mb{f['ppo_epoch_idx']}_{f['minibatch_idx']}_{f['gradient_accumulation_idx']}"
        for nm in ("micro_batch_inds new_logprobs vpred vpredclipped ratio logprobs_diff pg_loss vf_loss vf_clipfrac"
                   " loss pg_losses pg_losses2 vf_losses1 vf_losses2").split():
            put(f"{mb}/{nm}", f[nm])
        ob(loss, **k)
        put(f"{mb}/grad_norm_accumulated", torch.tensor(gnorm(), dtype=torch.float64))
        S["mb"] = mb

    def my_step(*a, **k):
        sync = tr.accelerator.gradient_state.sync_gradients
        put(f"{S['mb']}/did_step", torch.tensor(int(sync)))
        if sync and not S["grads"] and case == "base":
            S["grads"] = True
            for n, p in pars().items():
                D["first_step_grad/" + n] = torch.zeros_like(p) if p.grad is None else p.grad.detach().clone()
        r = os_(*a, **k)
        S["nstep"] += int(sync)
        return r

    def my_gather(x):
        return og(x)

    def my_log(m):
        f = frame()
        for nm in "approxkl pg_clipfrac pg_loss vf_loss vf_clipfrac entropy ratio".split():
            put("stats/" + nm, f[nm + "_stats"])
        u = {"metrics": {k: v for k, v in m.items() if k != "eps"}, "optimizer_steps_so_far": S["nstep"],
             "lr_now": tr.optimizer.param_groups[0]["lr"], "checksums": {}}
        for n, p in pars().items():
            x = p.detach().double()
            u["checksums"][n] = [x.sum().item(), (x * x).sum().item(), x.abs().max().item()]
            if case == "base" and S["u"] == 1:
                D["after_u1/" + n] = p.detach().clone()
        J["updates"].append(u)
        return olog(m)

    tm.batch_generation, tm.get_reward, tm.masked_whiten, np.random.permutation = my_bg, my_gr, my_mw, my_perm
    tr.accelerator.backward, tr.optimizer.step, tr.log = my_backward, my_step, my_log
    if dtype == torch.float64:
        torch.Tensor.float = lambda self, *a, **k: self.double()
    try:
        tr.train()
    finally:
        tm.batch_generation, tm.get_reward, tm.masked_whiten, np.random.permutation = bg, gr, mw, perm
        torch.Tensor.float = tfloat
    J["lr_after_last_scheduler_step"] = tr.lr_scheduler.get_last_lr()[0]
    J["param_order"] = list(pars())
    J["optimizer_groups"] = [{"lr": g["lr"], "weight_decay": g["weight_decay"], "n": len(g["params"])}
                             for g in tr.optimizer.param_groups]
    D = {k: (v.to(torch.uint8) if v.dtype == torch.bool else v.to(torch.int32) if v.dtype == torch.int64 else v)
         for k, v in D.items()}
    save_file({k: v.contiguous() for k, v in D.items()}, f"{out}/golden_{case}.safetensors")
    json.dump(J, open(f"{out}/golden_{case}.json", "w"))
    m = J["updates"][0]["metrics"]
    print(case, "steps", [u["optimizer_steps_so_far"] for u in J["updates"]], {k: round(v, 5) for k, v in m.items()})


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("--dtype", default="float64")
    ap.add_argument("--variant", default="parallel", choices=VARIANTS)
    ap.add_argument("--cases", nargs="*", default=["base", "whiten", "nostop", "lastbatch"])
    a = ap.parse_args()
    variant = VARIANTS[a.variant]
    T, B = variant["T"], variant["B"]
    torch.set_num_threads(1)
    os.makedirs(a.out, exist_ok=True)
    make(a.out)  # weights drawn in float32
    dt = getattr(torch, a.dtype)
    tf = torch.Tensor.float
    if dt == torch.float64:
        torch.set_default_dtype(dt)
        torch.Tensor.float = lambda self, *x, **k: self.double()  # inv_freq is built in __init__
    for c in a.cases:
        if dt == torch.float64:
            torch.Tensor.float = lambda self, *x, **k: self.double()
        run(c, a.out, dt)
