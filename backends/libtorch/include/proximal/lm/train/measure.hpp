// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <proximal/libtorch/field.hpp>
#include <proximal/lm/distributed/reduce_metrics.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/update_statistics.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// How much of the returns' variance a critic's values explain, over the steps of a mask: 1 − Var(R − V) / Var(R). 1 is
/// a critic that foresees all, 0 one that says the mean, below 0 one that misleads. NaN where all returns are equal.
/// Source: Stable-Baselines3, explained_variance.
inline double explained_variance(at::Tensor const& returns, at::Tensor const& values, at::Tensor const& mask) {
    auto const counted = mask.ne(0);
    auto const of = returns.masked_select(counted).to(at::kDouble);
    auto const left = of - values.masked_select(counted).to(at::kDouble);
    auto const variance = [](at::Tensor const& x) { return at::var(x, /*unbiased=*/false).item<double>(); };
    if (of.numel() == 0) return std::nan("");
    double const all = variance(of);
    return all > 0.0 ? 1.0 - variance(left) / all : std::nan("");
}

/// The numbers of an update under TRL's names and with TRL's values, then corrected twins under names of our own.
///
/// | TRL's name                 | value                                                                              |
/// |----------------------------|------------------------------------------------------------------------------------|
/// | objective/kl               | mean over rows of Σ_t (log π − log π_ref): k1, may be negative                      |
/// | objective/entropy          | mean over rows of Σ_t (−log π), where each of the row's T − L − 1 pads adds −1      |
/// | objective/non_score_reward | mean over rows of what shapers gave beside the score: Σ_t −β · kl                   |
/// | objective/scores           | mean score after the EOS penalty                                                    |
/// | objective/rlhf_reward      | the sum of the last two                                                             |
/// | policy/…, loss/…, val/…_avg| means over the update's micro-batches of what the parts measure                     |
/// | val/ratio_var              | unbiased variance of the micro-batches' mean ratios; NaN where there is one         |
/// | val/num_eos_tokens         | EOS tokens sampled in the batch it is given                                         |
///
/// Source: TRL v0.11.4; what misleads in them is told in docs/metrics.md. Twins: objective/entropy_masked,
/// objective/response_length, objective/eos_rate, value/explained_variance, and trl_metrics' masked ones.
/// An episode that the reward gave no score counts in none of the means over rows; rewards/unscored tells how many
/// there were. rewards/NAME are the means of what scores are made of.
/// Means over all processes: see reduce_metrics.
inline run::metrics measure(scored_rollout const& scored, evaluation const& evaluated, episodes const& batch,
                            token_roles const& roles, update_statistics const& statistics, communicator& world) {
    auto const& recorded = scored.recorded;
    auto const mask = batch.mask;
    auto const counts = mask.sum(1);
    auto const steps = static_cast<double>(batch.response_length());
    auto const mean = [&](at::Tensor const& x) {
        auto const rows = scored.scored.defined() ? x.masked_select(scored.scored.to(x.device())) : x;
        return rows.to(at::promoteTypes(rows.scalar_type(), at::kFloat)).mean().item<double>();
    };
    auto const minus_logprobs = at::where(mask, -recorded.logprobs.tensor, 0.0).sum(1);
    run::metrics logged;
    if (!absent(recorded.ref_logprobs))
        logged.set("objective/kl",
                   mean(at::where(mask, recorded.logprobs.tensor - recorded.ref_logprobs.tensor, 0.0).sum(1)));
    logged.set("objective/entropy", mean(minus_logprobs - (steps - counts)));  // TRL fills padding with logprob 1
    double const non_score = absent(evaluated.charged) ? 0.0 : mean(evaluated.charged.tensor);
    double const scores = mean(evaluated.judged.scores.tensor);
    logged.set("objective/non_score_reward", non_score);
    logged.set("objective/rlhf_reward", non_score + scores);
    logged.set("objective/scores", scores);
    for (char const* name : {"policy/approxkl_avg", "policy/clipfrac_avg", "loss/policy_avg", "loss/value_avg",
                             "val/clipfrac_avg", "policy/entropy_avg", "val/ratio"})
        if (statistics.series.contains(name)) logged.set(name, statistics.mean(name));
    for (auto const& [name, series] : statistics.series)  // what other parts measure, and the twins
        if (logged.find(name) == nullptr) logged.set(name, statistics.mean(name));
    if (!absent(recorded.values) && !absent(evaluated.judged.returns))
        if (double const share =
                explained_variance(evaluated.judged.returns.tensor, recorded.values.tensor, recorded.value_mask.tensor);
            std::isfinite(share))
            logged.set("value/explained_variance", share);
    logged.set("objective/entropy_masked", mean(minus_logprobs));
    logged.set("objective/response_length", mean(counts));
    logged.set("objective/eos_rate", mean(recorded.has_eos.tensor));
    for (auto const& [name, part] : scored.reward_parts) logged.set("rewards/" + name, mean(part.to(at::kDouble)));
    if (scored.scored.defined())
        logged.set("rewards/unscored", static_cast<double>(batch.size() - scored.scored.sum().item<std::int64_t>()));

    run::metrics result = reduce_metrics(logged, world);
    if (auto const ratios = statistics.series.find("val/ratio"); world.world_size() == 1)
        result.set("val/ratio_var", statistics.variance("val/ratio"));
    else
        result.set("val/ratio_var",
                   variance_over(ratios == statistics.series.end() ? std::vector<double>() : ratios->second, world));
    auto const sampled_eos =
        roles.eos ? batch.responses().eq(*roles.eos).logical_and(batch.sampled).sum().item<std::int64_t>() : 0;
    result.set("val/num_eos_tokens", static_cast<double>(sampled_eos));
    return result;
}

}  // namespace proximal::lm
