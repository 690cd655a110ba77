// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/libtorch/upload.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <proximal/lm/reward/reward_function.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What model_reward makes: a type of its own, so that a trainer can see which model scores.
struct model_reward_function {
    sequence_classifier model;
    std::int64_t chunk = 64;

    /// [B] scores, without gradient.
    reward_scores operator()(std::vector<finished_episode> const& episodes) const {
        at::NoGradGuard const no_gradient;
        auto const device = model.score.device();
        std::vector<at::Tensor> scores;
        for (std::size_t begin = 0; begin < episodes.size(); begin += static_cast<std::size_t>(chunk)) {
            std::vector<std::vector<std::int64_t>> rows;
            std::vector<std::int64_t> lasts;
            std::int64_t total = 0;
            for (std::size_t i = begin; i < std::min(episodes.size(), begin + static_cast<std::size_t>(chunk)); ++i) {
                rows.push_back(episodes[i].query);
                rows.back().insert(rows.back().end(), episodes[i].response.begin(), episodes[i].response.end());
                total += static_cast<std::int64_t>(rows.back().size());
                lasts.push_back(total - 1);
            }
            auto const hidden = model.body->forward(pack_tokens(rows, device));  // [N, H]
            scores.push_back(
                model.values(hidden.index_select(0, libtorch::upload(at::tensor(lasts, at::kLong), device))));
        }
        return at::cat(scores);
    }
};

/// A reward model: the classifier's output at the last token of the episode (of the query, if the response is empty),
/// `chunk` rows a forward pass.
///
/// Source: TRL v0.11.4, get_reward. The model must share the policy's vocabulary.
inline reward_function model_reward(sequence_classifier model, std::int64_t chunk = 64) {
    if (chunk < 1)
        throw std::invalid_argument("proximal: a forward pass takes at least 1 row, not " + std::to_string(chunk));
    return model_reward_function{std::move(model), chunk};
}

}  // namespace proximal::lm
