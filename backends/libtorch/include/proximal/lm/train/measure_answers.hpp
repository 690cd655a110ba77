// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <proximal/lm/train/row_mean.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/lm/train/unread_metrics.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// What a policy's answers to evaluation prompts come to, scored.
///
/// | metric               | value: means over the rows that were scored                          |
/// |----------------------|----------------------------------------------------------------------|
/// | eval/scores          | the score, before any penalty                                         |
/// | eval/rewards/NAME    | each part that the reward gives a score of                            |
/// | eval/kl              | Σ_t (log π − log π_ref), where there is a reference                   |
/// | eval/response_length | tokens up to the stop token                                           |
/// | eval/eos_rate        | the share of answers with an EOS                                      |
/// | eval/scored          | how many rows were scored                                             |
inline run::metrics measure_answers(scored_rollout const& scored, episodes const& batch) {
    auto const& recorded = scored.recorded;
    auto const mean = [&](at::Tensor const& x) { return row_mean(x.to(at::kDouble), scored.scored); };
    unread_metrics measured;
    measured.set("eval/scores", mean(recorded.scores.tensor));
    for (auto const& [name, part] : scored.reward_parts) measured.set("eval/rewards/" + name, mean(part));
    if (!absent(recorded.ref_logprobs))
        measured.set("eval/kl", mean(at::where(libtorch::upload(batch.mask, recorded.logprobs.tensor.device()),
                                               recorded.logprobs.tensor - recorded.ref_logprobs.tensor, 0.0)
                                         .sum(1)));
    measured.set("eval/response_length", mean(batch.mask.sum(1)));
    measured.set("eval/eos_rate", mean(batch.has_eos));
    measured.set("eval/scored", static_cast<double>(scored.scored.defined() ? scored.scored.sum().item<std::int64_t>()
                                                                            : batch.size()));
    return measured.read();
}

/// The names that measure_answers gives; "eval/rewards/" stands for those of the reward's parts.
inline std::vector<std::string> evaluated_metrics(bool has_reference) {
    std::vector<std::string> names{"eval/scores", "eval/rewards/", "eval/response_length", "eval/eos_rate",
                                   "eval/scored"};
    if (has_reference) names.emplace_back("eval/kl");
    return names;
}

}  // namespace proximal::lm
