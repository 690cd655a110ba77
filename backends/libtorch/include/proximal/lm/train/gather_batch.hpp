// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>
#include <proximal/lm/distributed/gather_text.hpp>
#include <proximal/lm/train/episodes.hpp>
#include <proximal/lm/train/score.hpp>
#include <proximal/rows.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// The episodes of all processes, in their order: prompts padded on the left to the longest of all.
inline episodes gather_episodes(episodes const& own, std::int64_t pad, communicator& world) {
    if (world.world_size() == 1) return own;
    at::Tensor longest = at::full({}, own.context_length, at::kLong);
    world.all_reduce_max(longest);
    auto const context = longest.item<std::int64_t>(), more = context - own.context_length;
    auto const widened = [&](at::Tensor const& x, auto fill) {
        return gather_rows(at::cat({at::full({x.size(0), more}, fill, x.options()), x}, 1), world);
    };
    auto const all = [&](at::Tensor const& x) { return gather_rows(x, world); };
    return {.query_responses = widened(own.query_responses, pad),
            .context_length = context,
            .query_mask = widened(own.query_mask, false),
            .postprocessed = all(own.postprocessed),
            .sampled = all(own.sampled),
            .mask = all(own.mask),
            .value_mask = all(own.value_mask),
            .has_eos = all(own.has_eos)};
}

/// What all processes recorded of their episodes, in their order: every array, scores and their parts. A part that a
/// process's rewards did not name is 0 in its rows, as it is in the rows of one process.
///
/// These are numbers of tokens, not logits: 43 bytes a response token with a critic, once an update. Each process then
/// judges the whole batch, so that whitening, group means and running moments are those of one process.
inline scored_rollout gather_rollout(scored_rollout const& own, communicator& world) {
    if (world.world_size() == 1) return own;
    auto const all = [&](at::Tensor const& x) { return gather_rows(x, world); };
    scored_rollout result{
        each_array(own.recorded, [&](libtorch::field const& x) { return libtorch::field(all(x.tensor)); })};
    auto const& mask = own.recorded.mask.tensor;
    at::Tensor any_unscored = at::full({}, own.scored.defined() ? 1 : 0, at::kLong);
    world.all_reduce_max(any_unscored);
    if (any_unscored.item<std::int64_t>() > 0)
        result.scored =
            all(own.scored.defined() ? own.scored : at::ones({mask.size(0)}, at::kBool));  // on the host, everywhere
    std::vector<std::string> names;
    for (auto const& [name, part] : own.reward_parts) names.push_back(name);
    for (auto const& name : gather_names(names, world)) {
        auto const found = std::find_if(own.reward_parts.begin(), own.reward_parts.end(),
                                        [&](auto const& part) { return part.first == name; });
        result.reward_parts.emplace_back(
            name, all(found == own.reward_parts.end() ? at::zeros({mask.size(0)}, mask.options().dtype(at::kDouble))
                                                      : found->second.to(mask.device(), at::kDouble)));
    }
    return result;
}

}  // namespace proximal::lm
