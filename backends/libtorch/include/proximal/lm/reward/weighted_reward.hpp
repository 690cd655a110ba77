// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <proximal/lm/reward/reward_function.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward and its share in a sum.
struct reward_share {
    double weight;
    reward_function reward;
    std::string name{};  // under which its scores are logged; none: reward_1, reward_2, ...
};

/// What weighted_reward makes: a type of its own, so that a trainer can see whom it asks.
struct weighted_reward_function {
    std::vector<reward_share> shares;

    /// [B] scores, in double on the CPU.
    reward_scores operator()(std::vector<finished_episode> const& episodes) const {
        auto const count = static_cast<std::int64_t>(episodes.size());
        reward_scores sum(at::zeros({count}, at::kDouble));
        for (std::size_t i = 0; i < shares.size(); ++i) {
            auto const& [weight, reward, name] = shares[i];
            auto const one = reward(episodes);
            at::Tensor scores = one.scores.to(at::kCPU, at::kDouble);
            if (scores.dim() != 1)
                throw std::runtime_error(fmt::format(
                    "reward {} of {} gave a tensor of {} dimensions; it must give one score for each episode, [B]",
                    i + 1, shares.size(), scores.dim()));
            if (scores.size(0) != count)
                throw std::runtime_error(
                    fmt::format("reward {} of {} gave {} scores for {} episodes; it must give one each, in their order",
                                i + 1, shares.size(), scores.size(0), count));
            if (one.scored.defined()) {
                auto const scored = one.scored.cpu();
                scores = at::where(scored, scores, 0.0);
                sum.scored = sum.scored.defined() ? sum.scored.logical_and(scored) : scored;
            }
            if (!at::isfinite(scores).all().item<bool>())
                throw std::runtime_error(fmt::format(
                    "reward {} of {} gave a score that is not finite; check its model or rule", i + 1, shares.size()));
            sum.scores.add_(scores, weight);
            sum.parts.emplace_back(name, scores);
            for (auto const& [inner, part] : one.parts) sum.parts.emplace_back(name + "/" + inner, part);
        }
        return sum;
    }
};

/// A weighted sum of rewards, in double on the CPU: a model's taste and a rule, say. Each is a part of the score,
/// logged as rewards/NAME, and its own parts as rewards/NAME/PART. An episode that one of them gives no score has none.
///
///     s[b] = Σᵢ wᵢ sᵢ[b]
///
/// A weight may be negative; 0 still asks its reward. Throws std::invalid_argument where there is no reward, one is
/// empty or a weight is not finite; when called, std::runtime_error where one does not give a score for each episode
/// or gives one that is not finite. Each names which, counted from 1.
inline reward_function weighted_reward(std::vector<reward_share> shares) {
    if (shares.empty()) throw std::invalid_argument("a weighted reward of no rewards; give one at least");
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (!shares[i].reward)
            throw std::invalid_argument(fmt::format("reward {} of {} is empty; give a function", i + 1, shares.size()));
        if (!std::isfinite(shares[i].weight))
            throw std::invalid_argument(fmt::format("the weight of reward {} of {} is {}; it must be a finite number",
                                                    i + 1, shares.size(), shares[i].weight));
        if (shares[i].name.empty()) shares[i].name = fmt::format("reward_{}", i + 1);
    }
    return weighted_reward_function{std::move(shares)};
}

}  // namespace proximal::lm
