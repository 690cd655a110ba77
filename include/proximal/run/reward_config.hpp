// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <proximal/run/config/data_options.hpp>
#include <proximal/run/config/reward_options.hpp>
#include <proximal/run/training_options.hpp>

namespace proximal::run {

/// What training of a reward model can be told: transformers' TrainingArguments with their defaults, the data, and what
/// is its own. Each member is a flag, a key of a configuration file and a key of the run's config_reward.json.
/// Departure: with no data given nothing is trained; TRL's scripts have a data set by default.
struct RewardConfig : reward_options, data_options, training_options {
    static constexpr auto knobs = boost::hana::flatten(
        boost::hana::make_tuple(reward_options::knobs, data_options::knobs, training_options::knobs));
    using training_options::check_knobs;

    RewardConfig() {
        output_dir = "models/minimal/reward";
        exp_name = "reward";
        max_grad_norm = 1.0;  // acts in these trainers, and in transformers
        num_sample_generations = 0;
    }
};

}  // namespace proximal::run
