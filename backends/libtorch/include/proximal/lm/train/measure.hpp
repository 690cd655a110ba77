// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <proximal/libtorch/field.hpp>
#include <proximal/lm/train/update.hpp>
#include <proximal/run/communicator.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// The numbers of an update under TRL's names and with TRL's values, then corrected twins under names of our own.
///
/// | TRL's name                 | value                                                                              |
/// |----------------------------|------------------------------------------------------------------------------------|
/// | objective/kl               | mean over rows of Σ_t (log π − log π_ref): k1, may be negative                      |
/// | objective/entropy          | mean over rows of Σ_t (−log π), where each of the row's T − L − 1 pads adds −1      |
/// | objective/non_score_reward | mean over rows of Σ_t −β · kl                                                       |
/// | objective/scores           | mean score after the EOS penalty                                                    |
/// | objective/rlhf_reward      | the sum of the last two                                                             |
/// | policy/…, loss/…, val/…_avg| means over the update's micro-batches of what the parts measure                     |
/// | val/ratio_var              | unbiased variance of the micro-batches' mean ratios; NaN where there is one         |
/// | val/num_eos_tokens         | EOS tokens sampled (on this process)                                                |
///
/// Source: TRL v0.11.4; what misleads in them is told in docs/metrics.md. Twins: objective/entropy_masked,
/// objective/response_length, objective/eos_rate, and trl_metrics' masked ones.
/// `kl_coef` is β of the penalty in the rewards, 0 where there is none.
/// Reduced over all processes in one call.
inline run::metrics measure(double kl_coef, rollout<libtorch::field> const& recorded,
                            experience<libtorch::field> const& judged, episodes const& batch, token_roles const& roles,
                            update_statistics const& statistics, run::communicator& world) {
    auto const mask = recorded.mask.tensor, counts = mask.sum(1);
    double const steps = static_cast<double>(batch.response_length());
    auto const mean = [](at::Tensor const& x) { return x.mean().item<double>(); };
    auto const minus_logprobs = at::where(mask.ne(0), -recorded.logprobs.tensor, 0.0).sum(1);
    run::metrics logged;
    if (!absent(recorded.ref_logprobs)) {
        double const kl =
            mean(at::where(mask.ne(0), recorded.logprobs.tensor - recorded.ref_logprobs.tensor, 0.0).sum(1));
        logged.set("objective/kl", kl);
    }
    logged.set("objective/entropy", mean(minus_logprobs - (steps - counts)));  // TRL fills padding with logprob 1
    if (auto const* const kl = logged.find("objective/kl")) logged.set("objective/non_score_reward", -kl_coef * *kl);
    double const scores = mean(judged.scores.tensor);
    auto const* const non_score = logged.find("objective/non_score_reward");
    logged.set("objective/rlhf_reward", (non_score != nullptr ? *non_score : 0.0) + scores);
    logged.set("objective/scores", scores);
    for (char const* name : {"policy/approxkl_avg", "policy/clipfrac_avg", "loss/policy_avg", "loss/value_avg",
                             "val/clipfrac_avg", "policy/entropy_avg", "val/ratio"})
        if (statistics.series.contains(name)) logged.set(name, statistics.mean(name));
    for (auto const& [name, series] : statistics.series)  // what other parts measure, and the twins
        if (logged.find(name) == nullptr) logged.set(name, statistics.mean(name));
    logged.set("objective/entropy_masked", mean(minus_logprobs));
    logged.set("objective/response_length", mean(counts));
    logged.set("objective/eos_rate", mean(recorded.has_eos.tensor));

    std::vector<double> reduced;
    for (auto const& [name, value] : logged) reduced.push_back(value);
    world.all_reduce_sum(reduced);
    std::size_t i = 0;
    run::metrics result;
    for (auto const& [name, value] : logged) result.set(name, reduced[i++] / world.world_size());
    result.set("val/ratio_var", statistics.variance("val/ratio"));
    auto const sampled_eos =
        roles.eos ? batch.responses().eq(*roles.eos).logical_and(batch.sampled).sum().item<std::int64_t>() : 0;
    result.set("val/num_eos_tokens", static_cast<double>(sampled_eos));
    return result;
}

}  // namespace proximal::lm
