// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/field.hpp>
#include <proximal/lm/reward/reward.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/rollout.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// Who judges an episode. A null model is not asked: the algorithm reads nothing of what it would say.
struct judges {
    causal_lm const* reference = nullptr;
    sequence_classifier const* critic = nullptr;
    reward_function const* reward = nullptr;
    double temperature = 1.0;           // divides the reference's logits, as it did the policy's when it sampled
    std::int64_t chunk = 64;            // rows per forward pass
    causal_lm const* policy = nullptr;  // given where what sampled counts as another policy: see needs_behaviour
};

/// The episodes as lists of tokens, as a reward function takes them.
inline std::vector<finished_episode> finished(episodes const& batch, std::int64_t pad) {
    auto const ids = batch.query_responses.slice(1, 0, batch.context_length).cpu().contiguous();
    auto const responses = batch.postprocessed.cpu().contiguous();
    auto const lengths = batch.mask.sum(1).cpu();
    std::vector<finished_episode> result(static_cast<std::size_t>(batch.size()));
    for (std::int64_t b = 0; b < batch.size(); ++b) {
        auto const* query = ids.const_data_ptr<std::int64_t>() + b * ids.size(1);
        auto const* response = responses.const_data_ptr<std::int64_t>() + b * responses.size(1);
        auto& episode = result[static_cast<std::size_t>(b)];
        for (std::int64_t c = 0; c < ids.size(1); ++c)
            if (query[c] != pad) episode.query.push_back(query[c]);
        episode.response.assign(response, response + lengths.const_data_ptr<std::int64_t>()[b]);
    }
    return result;
}

/// Asks the judges about sampled episodes. `logprobs` [B, T] are the policy's own, taken while it sampled.
///
/// With a policy among the judges `logprobs` are those of what sampled (behaviour_logprobs), and the policy is asked
/// anew. A reward function may give one score per response, [B], or a reward per token, [B, T], counted on response
/// tokens; then a response's score is their sum, and the algorithm's shaper should be unshaped or leave scores unpaid.
/// Values are asked for one step longer than the response; what no mask counts is 0. Scores are before any penalty.
/// Throws std::runtime_error where a score is not finite or their number is wrong.
inline rollout<libtorch::field> score(judges const& who, episodes const& batch, at::Tensor const& logprobs,
                                      std::int64_t pad) {
    auto const like = logprobs.options();
    rollout<libtorch::field> recorded{.logprobs = logprobs,
                                      .rewards = at::zeros_like(logprobs),
                                      .mask = batch.mask.to(like),
                                      .value_mask = batch.value_mask.to(like),
                                      .has_eos = batch.has_eos.to(like)};
    if (who.reference != nullptr)
        recorded.ref_logprobs = in_chunks(batch, who.chunk, [&](episodes const& chunk) {
            return judge_logprobs(*who.reference, chunk, chunk.mask, pad, who.temperature).to(like);
        });
    if (who.policy != nullptr) {
        recorded.behaviour_logprobs = logprobs;
        recorded.logprobs = in_chunks(batch, who.chunk, [&](episodes const& chunk) {
            return judge_logprobs(*who.policy, chunk, chunk.mask, pad, who.temperature).to(like);
        });
    }
    if (who.critic != nullptr)
        recorded.values = in_chunks(batch, who.chunk, [&](episodes const& chunk) {
            return judge_values(*who.critic, chunk, chunk.value_mask, pad).to(like);
        });
    if (who.reward != nullptr) {
        auto scores = (*who.reward)(finished(batch, pad)).to(like);
        if (scores.dim() == 2 && scores.sizes().equals(batch.mask.sizes())) {
            recorded.rewards = at::where(batch.mask, scores, 0.0);
            scores = recorded.rewards.tensor.sum(1);
        }
        if (scores.dim() != 1 || scores.size(0) != batch.size())
            throw std::runtime_error("the reward function gave " + std::to_string(scores.numel()) + " scores for " +
                                     std::to_string(batch.size()) + " episodes: it must give one each, in their order");
        if (!at::isfinite(scores).all().item<bool>())
            throw std::runtime_error(
                "the reward function gave a score that is not finite: check the reward model or rule");
        recorded.scores = scores;
    }
    return recorded;
}

}  // namespace proximal::lm
