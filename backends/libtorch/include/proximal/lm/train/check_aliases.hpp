// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <proximal/lm/model/parameter.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/reward/hosted_reward.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/weighted_reward.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// The tensors of a model that takes part in training, under the name that a message gives it.
struct training_model {
    std::string name;
    std::vector<named_tensor> parameters;
    std::vector<named_tensor> learning = {};  // those of them that are trained; none: the model stays as it is
};

/// The reward models that a reward asks: of model_reward, and of a weighted_reward or hosted_reward of such. What a
/// function of another kind asks cannot be seen.
inline std::vector<sequence_classifier> models_behind(reward_function const& reward) {
    if (auto const* const one = reward.target<model_reward_function>()) return {one->model};
    if (auto const* const hosted = reward.target<hosted_reward_function>()) return models_behind(hosted->reward);
    std::vector<sequence_classifier> all;
    if (auto const* const sum = reward.target<weighted_reward_function>())
        for (auto const& share : sum->shares)
            for (auto const& model : models_behind(share.reward)) all.push_back(model);
    return all;
}

/// Refuses models that share a tensor which one of them learns: the other would change with it, or step it twice.
/// Frozen tensors may be shared.
/// Throws std::invalid_argument, naming both models, the parameter and the remedy.
inline void check_aliases(std::vector<training_model> const& models) {
    auto const storage = [](named_tensor const& parameter) {
        return static_cast<void const*>(parameter.tensor.storage().unsafeGetStorageImpl());
    };
    for (std::size_t i = 0; i < models.size(); ++i) {
        std::set<void const*> learnt;
        for (auto const& parameter : models[i].learning) learnt.insert(storage(parameter));
        for (std::size_t j = 0; j < models.size(); ++j)
            for (auto const& parameter : models[j].parameters)
                if (i != j && learnt.contains(storage(parameter)))
                    throw std::invalid_argument(models[j].name + " shares " + parameter.name + " with " +
                                                models[i].name + ", which learns it: give a model of its own as " +
                                                models[j].name + ", clone(...)");
    }
}

}  // namespace proximal::lm
