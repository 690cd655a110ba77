// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/reward/reward_function.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <proximal/lm/train/predict.hpp>
#include <proximal/rollout.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What scores an episode. A null model is not asked: the algorithm reads nothing of what it would say.
struct scoring_models {
    causal_lm const* reference = nullptr;
    sequence_classifier const* critic = nullptr;
    reward_function const* reward = nullptr;
    double temperature = 1.0;           // divides the reference's logits, as it did the policy's when it sampled
    std::int64_t chunk = 64;            // rows per forward pass
    causal_lm const* policy = nullptr;  // given where what sampled counts as another policy: see needs_behaviour
    std::int64_t group_size = 1;        // responses to each prompt, in rows in succession
    std::int64_t logits_rows = libtorch::default_chunk;  // tokens whose logits are there at a time
};

/// Where the text of episodes comes from, for rewards that read text.
struct episode_texts {
    text::tokenizer const* tokenizer = nullptr;            // none: episodes are tokens alone
    std::vector<nlohmann::json> const* records = nullptr;  // the data's line of each episode
};

/// A rollout with its rewards.
struct scored_rollout {
    rollout<libtorch::field> recorded;
    at::Tensor scored{};  // [B] bool, on the host: which episodes got a score; undefined: all
    std::vector<std::pair<std::string, at::Tensor>> reward_parts{};  // [B] each
};

/// The episodes as lists of tokens, as a reward function takes them.
inline std::vector<finished_episode> finished(episodes const& batch) {
    auto const ids = batch.query_responses.slice(1, 0, batch.context_length).contiguous();
    auto const real = batch.query_mask.contiguous();
    auto const responses = batch.postprocessed.contiguous();
    auto const lengths = batch.mask.sum(1);
    std::vector<finished_episode> result(static_cast<std::size_t>(batch.size()));
    for (std::int64_t b = 0; b < batch.size(); ++b) {
        auto const* query = ids.const_data_ptr<std::int64_t>() + b * ids.size(1);
        auto const* response = responses.const_data_ptr<std::int64_t>() + b * responses.size(1);
        auto& episode = result[static_cast<std::size_t>(b)];
        for (std::int64_t c = 0; c < ids.size(1); ++c)
            if (real.const_data_ptr<bool>()[b * ids.size(1) + c]) episode.query.push_back(query[c]);
        episode.response.assign(response, response + lengths.const_data_ptr<std::int64_t>()[b]);
    }
    return result;
}

/// Puts rewards into a rollout; they are as many as its episodes, and finite, or std::runtime_error says what is wrong.
///
/// An episode without a score is left out: its masks become 0, and its score the mean of its group's others, so that
/// the group's mean stays what they say (of the batch's, where its group has none). A reward per token, [B, T], is
/// counted on response tokens.
inline void add_rewards(scored_rollout& result, reward_scores const& rewards, episodes const& batch,
                        std::int64_t group_size) {
    auto& recorded = result.recorded;
    auto const like = recorded.logprobs.tensor.options();
    auto const there = [&](at::Tensor const& x) { return libtorch::upload(x, like.device()); };
    at::Tensor scores = rewards.scores.to(at::kCPU, c10::typeMetaToScalarType(like.dtype()));
    if (scores.dim() == 2 && scores.sizes().equals(batch.mask.sizes())) {
        at::Tensor const per_token = at::where(batch.mask, scores, 0.0);
        recorded.rewards = there(per_token);
        scores = per_token.sum(1);
    }
    if (scores.dim() != 1 || scores.size(0) != batch.size())
        throw std::runtime_error("the reward function gave " +
                                 (scores.dim() == 1 ? std::to_string(scores.numel()) + " scores"
                                                    : "scores of shape " + c10::str(scores.sizes())) +
                                 " for " + std::to_string(batch.size()) +
                                 " episodes: it must give one each, [B], in their order, or one a token, [B, T]");
    if (rewards.scored.defined()) {
        result.scored = rewards.scored.cpu();
        if (!result.scored.any().item<bool>())
            throw std::runtime_error("the reward function gave none of " + std::to_string(batch.size()) +
                                     " episodes a score: check what it answers, or its time-out");
        auto const known = at::where(result.scored, scores, 0.0).view({-1, group_size});
        auto const count = result.scored.view({-1, group_size}).sum(1, true);  // [groups, 1]
        auto const mean = at::where(count.gt(0), known.sum(1, true) / count.clamp_min(1), known.sum() / count.sum());
        scores = at::where(result.scored, scores, mean.expand({-1, group_size}).reshape({-1}));
        for (auto* mask : {&recorded.mask, &recorded.value_mask})
            *mask = mask->tensor * there(result.scored.to(scores.scalar_type())).unsqueeze(1);
    }
    if (!at::isfinite(scores).all().item<bool>())
        throw std::runtime_error("the reward function gave a score that is not finite: check the reward model or rule");
    recorded.scores = there(scores);
    result.reward_parts = rewards.parts;
}

/// Asks models and the reward about sampled episodes. `logprobs` [B, T] are the policy's own, taken while it sampled.
///
/// With a policy among the models `logprobs` are those of what sampled (behaviour_logprobs), and the policy is asked
/// anew. A reward function may give one score per response, [B], or a reward per token, [B, T], counted on response
/// tokens; then a response's score is their sum, and the algorithm's shaper should be unshaped or leave scores unpaid.
/// Values are asked for one step longer than the response; what no mask counts is 0. Scores are before any penalty.
/// Throws std::runtime_error where a score is not finite or their number is wrong.
inline scored_rollout score(scoring_models const& models, episodes const& batch, at::Tensor const& logprobs,
                            std::int64_t pad, episode_texts const& texts = {}) {
    auto const like = logprobs.options();
    auto const there = [&](at::Tensor const& x) {
        return libtorch::upload(x.to(logprobs.scalar_type()), logprobs.device());
    };
    scored_rollout result{{.logprobs = logprobs,
                           .rewards = at::zeros_like(logprobs),
                           .mask = there(batch.mask),
                           .value_mask = there(batch.value_mask),
                           .has_eos = there(batch.has_eos)}};
    auto& recorded = result.recorded;
    if (models.reference != nullptr)
        recorded.ref_logprobs = in_chunks(batch, models.chunk, [&](episodes const& chunk) {
            return predict_logprobs(*models.reference, chunk, chunk.mask, pad, models.temperature, models.logits_rows)
                .to(like);
        });
    if (models.policy != nullptr) {
        recorded.behaviour_logprobs = logprobs;
        recorded.logprobs = in_chunks(batch, models.chunk, [&](episodes const& chunk) {
            return predict_logprobs(*models.policy, chunk, chunk.mask, pad, models.temperature, models.logits_rows)
                .to(like);
        });
    }
    if (models.critic != nullptr)
        recorded.values = in_chunks(batch, models.chunk, [&](episodes const& chunk) {
            return predict_values(*models.critic, chunk, chunk.value_mask, pad).to(like);
        });
    if (models.reward != nullptr) {
        auto asked = finished(batch);
        if (texts.tokenizer != nullptr)
            with_text(asked, *texts.tokenizer,
                      texts.records != nullptr ? *texts.records : std::vector<nlohmann::json>{});
        add_rewards(result, (*models.reward)(asked), batch, models.group_size);
    }
    return result;
}

}  // namespace proximal::lm
