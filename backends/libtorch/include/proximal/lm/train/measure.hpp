// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/distributed/reduce_metrics.hpp>
#include <proximal/lm/train/row_mean.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/lm/train/unread_metrics.hpp>
#include <proximal/lm/train/update_statistics.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// How much of the returns' variance a critic's values explain, over the steps of a mask: 1 − Var(R − V) / Var(R). 1 is
/// a critic that foresees all, 0 one that says the mean, below 0 one that misleads. NaN where all returns are equal.
/// Source: Stable-Baselines3, explained_variance.
/// [] of doubles on their device; waits for nothing.
inline at::Tensor explained_variance(at::Tensor const& returns, at::Tensor const& values, at::Tensor const& mask) {
    auto const counted = mask.ne(0);
    auto const count = counted.sum().to(at::kDouble);
    auto const of_counted = [&](at::Tensor const& x) { return at::where(counted, x, 0.0); };
    auto const variance = [&](at::Tensor const& x) {  // where nothing counts it is 0 / 0
        return of_counted((x - of_counted(x).sum() / count).square()).sum() / count;
    };
    auto const of = returns.to(at::kDouble);
    auto const all = variance(of), left = variance(of - values.to(at::kDouble));
    auto const rounding = 1e-28 * of_counted(of.square()).sum() / count;  // what equal returns leave
    return at::where(all.gt(rounding), 1.0 - left / all, std::nan(""));
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
    auto const mask = libtorch::upload(batch.mask, recorded.logprobs.tensor.device());
    auto const counts = mask.sum(1);
    auto const steps = static_cast<double>(batch.response_length());
    auto const mean = [&](at::Tensor const& x) { return row_mean(x, scored.scored); };
    auto const minus_logprobs = at::where(mask, -recorded.logprobs.tensor, 0.0).sum(1);
    unread_metrics logged;
    if (!absent(recorded.ref_logprobs))
        logged.set("objective/kl",
                   mean(at::where(mask, recorded.logprobs.tensor - recorded.ref_logprobs.tensor, 0.0).sum(1)));
    logged.set("objective/entropy", mean(minus_logprobs - (steps - counts)));  // TRL fills padding with logprob 1
    at::Tensor const scores = mean(evaluated.judged.scores.tensor);
    at::Tensor const non_score = absent(evaluated.charged) ? at::zeros_like(scores) : mean(evaluated.charged.tensor);
    logged.set("objective/non_score_reward", non_score);
    logged.set("objective/rlhf_reward", non_score.to(at::kDouble) + scores.to(at::kDouble));
    logged.set("objective/scores", scores);
    std::array const first{"policy/approxkl_avg", "policy/clipfrac_avg", "loss/policy_avg", "loss/value_avg",
                           "val/clipfrac_avg",    "policy/entropy_avg",  "val/ratio"};
    for (char const* name : first)
        if (statistics.series.contains(name)) logged.set(name, statistics.mean(name));
    for (auto const& [name, series] : statistics.series)  // what other parts measure, and the twins
        if (std::find(first.begin(), first.end(), name) == first.end()) logged.set(name, statistics.mean(name));
    if (!absent(recorded.values) && !absent(evaluated.judged.returns))
        logged.set("value/explained_variance", explained_variance(evaluated.judged.returns.tensor,
                                                                  recorded.values.tensor, recorded.value_mask.tensor));
    logged.set("objective/entropy_masked", mean(minus_logprobs));
    logged.set("objective/response_length", mean(counts));
    logged.set("objective/eos_rate", mean(recorded.has_eos.tensor));
    for (auto const& [name, part] : scored.reward_parts) logged.set("rewards/" + name, mean(part.to(at::kDouble)));
    if (scored.scored.defined())
        logged.set("rewards/unscored", static_cast<double>(batch.size() - scored.scored.sum().item<std::int64_t>()));

    run::metrics own;
    for (auto const& [name, value] : logged.read())
        if (name != "value/explained_variance" || std::isfinite(value)) own.set(name, value);
    run::metrics result = reduce_metrics(own, world);
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
