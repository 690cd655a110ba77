// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <proximal/lm/reward/finished_episode.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Verdicts on B episodes.
struct reward_scores {
    at::Tensor scores;                                      // [B], or [B, T] for a reward per token; floating
    std::vector<std::pair<std::string, at::Tensor>> parts;  // [B] each: what a score is made of; logged as rewards/NAME
    at::Tensor scored;  // [B] bool: false is "no score", and the episode is left out of training; undefined: all true

    reward_scores() = default;
    reward_scores(at::Tensor scores, std::vector<std::pair<std::string, at::Tensor>> parts = {}, at::Tensor scored = {})
        : scores(std::move(scores)), parts(std::move(parts)), scored(std::move(scored)) {}
};

/// What rewards finished episodes: a model, a rule, anything callable that returns reward_scores or a tensor.
using reward_function = std::function<reward_scores(std::vector<finished_episode> const&)>;

}  // namespace proximal::lm
