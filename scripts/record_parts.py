#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what public libraries compute where we have a part of our own: the values that tests/reference compares.

    scripts/record_parts.py [OUT] [--only rlax verl trl]      OUT: tests/data/parts

Needs an environment of its own (Python 3.11):

    pip install torch==2.11.0 numpy==2.4.6 jax==0.10.2 rlax==0.1.9 trl==1.16.0
    pip install --no-deps verl==0.9.1
    pip install "tensordict<=0.10" omegaconf ray codetiming hydra-core torchdata pybind11 pylatexenc peft tensorboard

Everything runs in float64 on the CPU. The libraries run unedited: rlax's functions row by row, since they know no mask
(each row as long as it counts, bootstrapped with 0, as our arrays end with the response); verl's functions of core_algos;
TRL's trainers by their method _compute_loss, on a stand-in for the trainer whose model says the log-probs given here.
Not recorded: TRL's advantages, which are computed amid generation, and its losses that are none of ours (vespo, luspo).

Each OUT/<library>.json holds the library's version, the inputs, and cases: a function, its arguments, its results.
"""
import argparse, contextlib, importlib.metadata, io, json, os, types
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import warnings
warnings.filterwarnings("ignore")
import numpy as np


def batch(B, T, lengths, seed):
    """Log-probs, values, rewards: half of the tokens tie with the old policy, some ratios are clipped, some far out."""
    g = np.random.default_rng(seed)
    mask = (np.arange(T) < np.array(lengths)[:, None]).astype(float)
    old = g.normal(-2.0, 0.7, (B, T))
    moved = g.random((B, T)) < 0.6
    far = g.random((B, T)) < 0.2
    logprobs = old + moved * (g.normal(0.0, 0.3, (B, T)) + far * 1.5)
    return dict(mask=mask, old_logprobs=old, logprobs=logprobs, ref_logprobs=old + g.normal(0.0, 0.4, (B, T)),
                rewards=g.normal(0.0, 1.0, (B, T)) * mask, values=g.normal(0.0, 1.0, (B, T)))


def record_rlax():
    import jax
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import rlax
    from rlax._src import vtrace
    B, T, lengths = 8, 8, [8, 1, 5, 3, 8, 2, 7, 4]
    x = batch(B, T, lengths, 1)
    x = {"mask": x["mask"], "rewards": x["rewards"], "values": x["values"], "logprobs": x["logprobs"],
         "behaviour_logprobs": x["old_logprobs"]}

    def rows(f):
        """f(r_t, v_tm1, v_t, log_rho) of each row, as arrays [B, T] with 0 behind a row's end."""
        out = {}
        for b, n in enumerate(lengths):
            r, v = jnp.array(x["rewards"][b, :n]), jnp.array(x["values"][b, :n])
            log_rho = jnp.array(x["logprobs"][b, :n] - x["behaviour_logprobs"][b, :n])
            for name, row in f(r, v, jnp.append(v[1:], 0.0), log_rho).items():
                assert row.dtype == jnp.float64, name
                out.setdefault(name, np.zeros((B, T)))[b, :n] = row
        return out

    def full(like, value):
        return jnp.full(like.shape, value)

    cases = []
    def case(function, f, **arguments):
        cases.append({"function": function, **arguments, **rows(f)})

    for gamma, lam in ((1.0, 0.95), (0.9, 0.7), (0.97, 0.0), (0.97, 1.0)):
        case("truncated_generalized_advantage_estimation", lambda r, v, v1, rho: {
            "advantages": rlax.truncated_generalized_advantage_estimation(r, full(r, gamma), lam, jnp.append(v, 0.0))},
            gamma=gamma, lam=lam)
        case("lambda_returns", lambda r, v, v1, rho: {"returns": rlax.lambda_returns(r, full(r, gamma), v1, lam)},
             gamma=gamma, lam=lam)
    for gamma, n in ((0.9, 1), (0.9, 3), (1.0, 5), (0.97, 8)):
        case("n_step_bootstrapped_returns", lambda r, v, v1, rho: {
            "returns": rlax.n_step_bootstrapped_returns(r, full(r, gamma), v1, n)}, gamma=gamma, n_step=n)
    case("discounted_returns", lambda r, v, v1, rho: {
        "returns": rlax.discounted_returns(r, full(r, 0.9), jnp.zeros_like(r))}, gamma=0.9)
    for gamma, lam, clip_rho, clip_pg_rho in ((1.0, 1.0, 1.0, 1.0), (0.9, 0.8, 1.5, 0.8), (0.97, 0.5, 0.7, 3.0)):
        def v_trace(r, v, v1, rho):
            out = rlax.vtrace_td_error_and_advantage(v, v1, r, full(r, gamma), jnp.exp(rho), lam, clip_rho, clip_pg_rho)
            return {"returns": out.errors + v, "advantages": out.pg_advantage}
        case("vtrace_td_error_and_advantage", v_trace, gamma=gamma, lam=lam, clip_rho=clip_rho, clip_pg_rho=clip_pg_rho)
        for alpha in (1.0, 0.6, 0.0):
            def leaky(r, v, v1, rho):
                out = vtrace.leaky_vtrace_td_error_and_advantage(v, v1, r, full(r, gamma), jnp.exp(rho), alpha, lam,
                                                                 clip_rho, clip_pg_rho)
                return {"returns": out.errors + v, "advantages": out.pg_advantage,
                        "errors": rlax.leaky_vtrace(v, v1, r, full(r, gamma), jnp.exp(rho), alpha, lam, clip_rho)}
            case("leaky_vtrace", leaky, alpha=alpha, gamma=gamma, lam=lam, clip_rho=clip_rho, clip_pg_rho=clip_pg_rho)
    for gamma, lam in ((1.0, 0.95), (0.9, 0.7)):  # V(s) stands for Q(s, a) too: our critic knows states alone
        case("retrace_continuous", lambda r, v, v1, rho: {
            "advantages": rlax.retrace_continuous(v, v[1:], v1, r, full(r, gamma), rho[1:], lam)}, gamma=gamma, lam=lam)
        case("general_off_policy_returns_from_q_and_v", lambda r, v, v1, rho: {
            "returns": rlax.general_off_policy_returns_from_q_and_v(v[1:], v1, r, full(r, gamma),
                                                                    lam * jnp.minimum(1.0, jnp.exp(rho[1:])))},
            gamma=gamma, lam=lam)
    return x, cases


def record_verl():
    import torch
    torch.set_default_dtype(torch.float64)
    from verl.trainer.config import AlgoConfig
    from verl.trainer.ppo import core_algos as verl
    from verl.utils import torch_functional as F
    from verl.workers.config import ActorConfig
    B, T = 8, 6
    x = batch(B, T, [6, 1, 4, 3, 6, 2, 5, 4], 2)
    g = np.random.default_rng(3)
    holes = x["mask"] * (g.random((B, T)) < 0.7)
    holes[:, 0] = 1.0
    last = np.zeros((B, T))
    last[np.arange(B), x["mask"].sum(1).astype(int) - 1] = 1.0
    right = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])  # the second group teaches nothing
    x |= {"mask_with_holes": holes, "mask_with_empty_rows": x["mask"] * np.array([1, 1, 0, 1, 1, 1, 0, 1])[:, None],
          "scores": g.normal(0.0, 1.0, B), "tied_scores": np.array([2.0, 1.0, 2.0, 0.5, 0.1, 0.9, 0.2, 0.3]),
          "right": right, "partly_right": np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
          "baseline_scores": g.normal(0.0, 1.0, B), "advantages": g.normal(0.0, 1.0, (B, T)),
          "row_advantages": g.normal(0.0, 1.0, B), "new_values": x["values"] + g.normal(0.0, 0.3, (B, T)),
          "returns": g.normal(0.0, 1.0, (B, T))}
    x["advantages"][0, 2] = 0.0
    t = {k: torch.tensor(v) for k, v in x.items()}
    mask, index = t["mask"], np.repeat(np.arange(2), 4)
    terminal = lambda scores: torch.tensor(last) * t[scores][:, None]
    cases = []
    def case(function, results, **arguments):
        for name, value in results.items():
            assert value.dtype == torch.float64, (function, name, value.dtype)
        cases.append({"function": function, **arguments, **{k: v.detach().numpy() for k, v in results.items()}})

    for which in ("mask", "mask_with_holes"):
        for gamma, lam in ((1.0, 0.95), (0.9, 0.7)):
            advantages, returns = verl.compute_gae_advantage_return(t["rewards"], t["values"], t[which], gamma, lam)
            case("compute_gae_advantage_return", {"whitened": advantages, "returns": returns}, mask=which, gamma=gamma, lam=lam)
    for scores in ("scores", "tied_scores", "right", "partly_right"):
        r = terminal(scores)
        both = lambda f, **k: {"advantages": f(r.clone(), mask, index=index, **k)[0]}
        case("compute_grpo_outcome_advantage", both(verl.compute_grpo_outcome_advantage, epsilon=1e-4), scores=scores,
             norm_adv_by_std_in_grpo=True, epsilon=1e-4)
        case("compute_grpo_outcome_advantage",
             both(verl.compute_grpo_outcome_advantage, norm_adv_by_std_in_grpo=False), scores=scores,
             norm_adv_by_std_in_grpo=False)
        case("compute_rloo_outcome_advantage", both(verl.compute_rloo_outcome_advantage), scores=scores)
        case("compute_opo_outcome_advantage", both(verl.compute_opo_outcome_advantage), scores=scores)
        case("compute_gpg_outcome_advantage", both(verl.compute_gpg_outcome_advantage), scores=scores)
        case("compute_reinforce_plus_plus_baseline_outcome_advantage",
             both(verl.compute_reinforce_plus_plus_baseline_outcome_advantage), scores=scores)
        for norm in (False, True):
            config = AlgoConfig(norm_adv_by_std_in_grpo=norm)
            case("compute_grpo_passk_outcome_advantage",
                 both(verl.compute_grpo_passk_outcome_advantage, config=config, epsilon=1e-4), scores=scores,
                 norm_adv_by_std_in_grpo=norm, epsilon=1e-4)
    for which in ("mask", "mask_with_holes"):
        for gamma in (1.0, 0.9):
            advantages, returns = verl.compute_reinforce_plus_plus_outcome_advantage(t["rewards"], t[which],
                                                                                     AlgoConfig(gamma=gamma))
            case("compute_reinforce_plus_plus_outcome_advantage", {"advantages": advantages, "returns": returns},
                 mask=which, gamma=gamma)
    advantages, returns = verl.compute_remax_outcome_advantage(t["rewards"], t["baseline_scores"], mask)
    case("compute_remax_outcome_advantage", {"advantages": advantages, "returns": returns})
    for shift in (True, False):
        case("masked_whiten", {"whitened": F.masked_whiten(t["advantages"], mask, shift)}, shift_mean=shift)

    modes = {"token-mean": {}, "seq-mean-token-sum": {}, "seq-mean-token-mean": {},
             "seq-mean-token-sum-norm": {"loss_scale_factor": 10}}
    for which in ("mask", "mask_with_empty_rows"):
        for mode, more in modes.items():
            losses = t["advantages"].clone().requires_grad_()
            loss = verl.agg_loss(losses, t[which], mode, **more)
            case("agg_loss", {"loss": loss, "weights": torch.autograd.grad(loss, losses)[0]}, mask=which, mode=mode, **more)
    for kind in ("k1", "k2", "k3", "abs", "k3+"):
        logprobs = t["logprobs"].clone().requires_grad_()
        kl = verl.kl_penalty(logprobs, t["ref_logprobs"], kind)
        case("kl_penalty", {"kl": kl, "d_logprobs": torch.autograd.grad(kl.sum(), logprobs)[0]}, kind=kind)

    def policy_loss(name, advantages, mode, **knobs):
        config = ActorConfig(strategy="fsdp", rollout_n=4, use_dynamic_bsz=True, **knobs)
        logprobs = t["logprobs"].clone().requires_grad_()
        A = t[advantages] if t[advantages].dim() == 2 else t[advantages][:, None].expand(B, T)
        loss, metrics = verl.get_policy_loss_fn(name)(t["old_logprobs"], logprobs, A, mask, mode, config)
        case("policy_loss", {"loss": loss, "d_logprobs": torch.autograd.grad(loss, logprobs)[0]}, name=name,
             advantages=advantages, mode=mode, clipfrac=metrics.get("actor/pg_clipfrac"),
             clipfrac_lower=metrics.get("actor/pg_clipfrac_lower"), **knobs)
    policy_loss("vanilla", "advantages", "token-mean", clip_ratio_low=0.2, clip_ratio_high=0.28, clip_ratio_c=3.0)
    policy_loss("vanilla", "advantages", "token-mean", clip_ratio_low=0.1, clip_ratio_high=0.1, clip_ratio_c=1.5)
    policy_loss("vanilla", "advantages", "seq-mean-token-sum", clip_ratio_low=0.2, clip_ratio_high=0.2, clip_ratio_c=1e6)
    for advantages in ("advantages", "row_advantages"):
        policy_loss("gspo", advantages, "seq-mean-token-mean", clip_ratio_low=0.05, clip_ratio_high=0.1)
        policy_loss("gspo", advantages, "token-mean", clip_ratio_low=3e-4, clip_ratio_high=4e-4)
    policy_loss("geo_mean", "row_advantages", "token-mean", clip_ratio_low=0.4, clip_ratio_high=0.4)
    policy_loss("geo_mean", "row_advantages", "token-mean", clip_ratio_low=0.1, clip_ratio_high=0.2)
    policy_loss("cispo", "advantages", "token-mean", clip_ratio_low=0.2, clip_ratio_high=0.28)
    policy_loss("cispo", "advantages", "token-mean", clip_ratio_low=1.0, clip_ratio_high=0.2)
    policy_loss("sapo", "advantages", "seq-mean-token-mean", tau_pos=1.0, tau_neg=1.05)
    policy_loss("sapo", "advantages", "seq-mean-token-mean", tau_pos=0.7, tau_neg=3.0)
    policy_loss("gpg", "advantages", "token-mean")
    for clip in (0.2, 0.05):
        values = t["new_values"].clone().requires_grad_()
        loss, _ = verl.compute_value_loss(values, t["returns"], t["values"], mask, clip)
        case("compute_value_loss", {"loss": loss, "d_values": torch.autograd.grad(loss, values)[0]}, cliprange_value=clip)
    return x, cases


def record_trl():
    import torch
    torch.set_default_dtype(torch.float64)
    from collections import defaultdict
    from trl import GRPOTrainer, RLOOTrainer
    from trl.experimental.gmpo import GMPOTrainer
    B, T = 8, 6
    x = batch(B, T, [6, 1, 4, 3, 6, 2, 5, 4], 4)
    del x["values"], x["rewards"]
    x["row_advantages"] = np.random.default_rng(5).normal(0.0, 1.0, B)
    t = {k: torch.tensor(v) for k, v in x.items()}
    whole = types.SimpleNamespace(num_processes=1, gather=lambda v: v, gather_for_metrics=lambda v: v,
                                  reduce=lambda v, reduction: v, sync_gradients=True)
    cases = []
    def case(trainer, loss_type=None, at_old=False, level="token", low=0.2, high=0.2, delta=None, beta=0.0, tau=(1.0, 1.05)):
        logprobs = (t["old_logprobs"] if at_old else t["logprobs"]).clone().requires_grad_()
        args = types.SimpleNamespace(delta=delta, use_bias_correction_kl=False, steps_per_generation=1,
                                     sapo_temperature_pos=tau[0], sapo_temperature_neg=tau[1])
        stand_in = types.SimpleNamespace(
            _get_per_token_logps_and_entropies=lambda *a, **k: (logprobs, torch.zeros(B, T), None), args=args, beta=beta,
            aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None, use_vllm=False,
            importance_sampling_level=level, loss_type=loss_type, epsilon_low=low, epsilon_high=high,
            max_completion_length=10, current_gradient_accumulation_steps=1, accelerator=whole,
            model=types.SimpleNamespace(training=True), _entropy_bonus_enabled=False,
            _metrics={"train": defaultdict(list)})
        nothing = torch.zeros(B, 1, dtype=torch.long)
        inputs = {"prompt_ids": nothing, "prompt_mask": nothing, "completion_ids": torch.zeros(B, T, dtype=torch.long),
                  "completion_mask": t["mask"], "advantages": t["row_advantages"],
                  "old_per_token_logps": t["old_logprobs"], "ref_per_token_logps": t["ref_logprobs"],
                  "old_logps": (t["old_logprobs"] * t["mask"]).sum(1), "num_items_in_batch": t["mask"].sum()}
        loss = trainer._compute_loss(stand_in, None, inputs)
        assert loss.dtype == torch.float64
        cases.append({"function": trainer.__name__ + "._compute_loss", "loss_type": loss_type, "at_old": at_old,
                      "level": level, "epsilon_low": low, "epsilon_high": high, "delta": delta, "beta": beta,
                      "tau_pos": tau[0], "tau_neg": tau[1], "max_completion_length": 10, "loss": loss.item(),
                      "d_logprobs": torch.autograd.grad(loss, logprobs)[0].numpy()})
    for loss_type in ("grpo", "bnpo", "dr_grpo", "dapo"):
        case(GRPOTrainer, loss_type)
        case(GRPOTrainer, loss_type, high=0.28)
    case(GRPOTrainer, "grpo", delta=2.0)
    case(GRPOTrainer, "grpo", beta=0.04)
    case(GRPOTrainer, "grpo", level="sequence", low=0.05, high=0.1)
    case(GRPOTrainer, "grpo", level="sequence", low=3e-4, high=4e-4)
    case(GRPOTrainer, "cispo", high=1.2)
    case(GRPOTrainer, "cispo", high=5.0)
    case(GRPOTrainer, "sapo")
    case(GRPOTrainer, "sapo", tau=(0.7, 3.0))
    case(GMPOTrainer, low=0.4, high=0.4)
    case(GMPOTrainer, low=0.1, high=0.2)
    case(RLOOTrainer, at_old=True)
    return x, cases


def plain(value):
    if hasattr(value, "tolist"):
        value = np.asarray(value).tolist()
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def write(out, library, versions, inputs, cases):
    line = lambda value: json.dumps(plain(value), separators=(",", ":"), allow_nan=False)
    head = {"library": library, "versions": {v: importlib.metadata.version(v) for v in versions}, "precision": "float64"}
    with open(os.path.join(out, library + ".json"), "w") as file:
        file.write(json.dumps(head)[:-1] + ",\n\"inputs\":{\n")
        file.write(",\n".join(f"{json.dumps(k)}:{line(v)}" for k, v in inputs.items()))
        file.write("},\n\"cases\":[\n" + ",\n".join(map(line, cases)) + "]}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", default=os.path.join(here, "..", "tests", "data", "parts"))
    parser.add_argument("--only", nargs="+", choices=("rlax", "verl", "trl"), default=("rlax", "verl", "trl"))
    given = parser.parse_args()
    os.makedirs(given.out, exist_ok=True)
    for library, record, versions in (("rlax", record_rlax, ("rlax", "jax", "numpy")),
                                      ("verl", record_verl, ("verl", "torch", "numpy")),
                                      ("trl", record_trl, ("trl", "torch", "numpy"))):
        if library in given.only:
            inputs, cases = record()
            write(given.out, library, versions, inputs, cases)
            print(f"{library}: {len(cases)} cases")
