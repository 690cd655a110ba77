// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <proximal/lm/reward/reward.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward and its share in a sum.
struct reward_share {
    double weight;
    reward_function reward;
};

/// A weighted sum of rewards, in double on the CPU: a model's taste and a rule, say.
///
///     s[b] = Σᵢ wᵢ sᵢ[b]
///
/// A weight may be negative; 0 still asks its reward. Throws std::invalid_argument where there is no reward, one is
/// empty or a weight is not finite; when called, std::runtime_error where one does not give a score for each episode
/// or gives one that is not finite. Each names which, counted from 1.
inline reward_function weighted_reward(std::vector<reward_share> parts) {
    if (parts.empty()) throw std::invalid_argument("a weighted reward of no rewards; give one at least");
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!parts[i].reward)
            throw std::invalid_argument(fmt::format("reward {} of {} is empty; give a function", i + 1, parts.size()));
        if (!std::isfinite(parts[i].weight))
            throw std::invalid_argument(fmt::format("the weight of reward {} of {} is {}; it must be a finite number",
                                                    i + 1, parts.size(), parts[i].weight));
    }
    return [parts = std::move(parts)](std::vector<finished_episode> const& episodes) {
        auto const count = static_cast<std::int64_t>(episodes.size());
        at::Tensor total = at::zeros({count}, at::kDouble);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            at::Tensor const scores = parts[i].reward(episodes).to(at::kCPU, at::kDouble);
            if (scores.dim() != 1)
                throw std::runtime_error(fmt::format(
                    "reward {} of {} gave a tensor of {} dimensions; it must give one score for each episode, [B]",
                    i + 1, parts.size(), scores.dim()));
            if (scores.size(0) != count)
                throw std::runtime_error(
                    fmt::format("reward {} of {} gave {} scores for {} episodes; it must give one each, in their order",
                                i + 1, parts.size(), scores.size(0), count));
            if (!at::isfinite(scores).all().item<bool>())
                throw std::runtime_error(fmt::format(
                    "reward {} of {} gave a score that is not finite; check its model or rule", i + 1, parts.size()));
            total.add_(scores, parts[i].weight);
        }
        return total;
    };
}

}  // namespace proximal::lm
