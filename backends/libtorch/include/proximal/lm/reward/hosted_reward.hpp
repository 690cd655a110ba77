// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <proximal/lm/model/hosted_parameters.hpp>
#include <proximal/lm/reward/reward_function.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A reward whose models are in the host's memory but while it is asked (`--offload_reward`). A type of its own, so
/// that a trainer can see which model scores.
struct hosted_reward_function {
    reward_function reward;
    std::shared_ptr<hosted_parameters> models;

    reward_scores operator()(std::vector<finished_episode> const& episodes) const {
        held_on_device const held(models);
        return reward(episodes);
    }
};

/// `reward`, of whose models these are the parameters.
inline reward_function hosted_reward(reward_function reward, std::vector<named_tensor> const& parameters) {
    return hosted_reward_function{std::move(reward), std::make_shared<hosted_parameters>(parameters)};
}

}  // namespace proximal::lm
