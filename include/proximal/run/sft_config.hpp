// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <proximal/run/config/data_options.hpp>
#include <proximal/run/config/sft_options.hpp>
#include <proximal/run/training_options.hpp>

namespace proximal::run {

/// What supervised fine-tuning can be told: transformers' TrainingArguments with their defaults, the data, and what is
/// its own. Each member is a flag, a key of a configuration file and a key of the run's config_sft.json.
/// Departure: with no data given nothing is trained; TRL's scripts have a data set by default.
struct SFTConfig : sft_options, data_options, training_options {
    static constexpr auto knobs =
        boost::hana::flatten(boost::hana::make_tuple(sft_options::knobs, data_options::knobs, training_options::knobs));
    using training_options::check_knobs;

    /// Tells which options would do nothing, as idle(name, whether, because).
    void tell_idle(auto&& idle) const {
        for (auto const* const option : {"response_length", "eval_temperature"})
            idle(option, eval_generations == 0, "--eval_generations 0 asks for no answers");
        idle("eval_generations", eval_generations > 0 && eval_strategy == "no" && !eval_on_start,
             "there are no evaluations; give --eval_strategy steps or epoch");
    }

    SFTConfig() {
        output_dir = "models/minimal/sft";
        exp_name = "sft";
        max_grad_norm = 1.0;  // acts in these trainers, and in transformers
        num_sample_generations = 0;
    }
};

}  // namespace proximal::run
