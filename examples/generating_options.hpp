// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/hana/flatten.hpp>
#include <boost/hana/tuple.hpp>
#include <cstdint>
#include <optional>
#include <proximal/judge/judge_options.hpp>
#include <proximal/knob.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/config/data_options.hpp>
#include <proximal/run/flags.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace examples {

/// Which model answers, and how.
struct generating_options {
    std::optional<std::string> model_name_or_path;
    std::int64_t response_length = 53;
    double temperature = 0.7;
    std::int64_t batch_size = 64;
    bool use_cpu = false;

    static constexpr std::string_view concern = "generation";
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"model_name_or_path">(&generating_options::model_name_or_path,
                                             "folder or Hub id of the model that answers"),
        proximal::knob<"response_length">(&generating_options::response_length, "tokens of an answer, at most",
                                          proximal::at_least(1)),
        proximal::knob<"temperature">(&generating_options::temperature, "sampling temperature; 0: the likeliest token",
                                      proximal::at_least(0)),
        proximal::knob<"batch_size">(&generating_options::batch_size, "prompts at a time", proximal::at_least(1),
                                     "It changes no answer: draws depend on the seed and the prompt's place."),
        proximal::knob<"use_cpu">(&generating_options::use_cpu, "stay on the CPU where there is a GPU"));
};

/// The data's options that no answer depends on, and why.
inline proximal::run::refused_flags idle_data_options() {
    return {{"dataset_test_split", {"the prompts of --dataset_train_split are answered", "none"}},
            {"data_seed", {"prompts are answered in their order", "none"}},
            {"group_by_length", {"prompts are answered in their order", "false"}},
            {"eval_fraction", {"nothing is held out", "0.05"}}};
}

/// The flags of `generate` or `judge_tldr`: the knobs of its configuration that act.
template <class Config>
std::vector<proximal::run::any_knob> acting_knobs(Config& config) {
    auto knobs = proximal::run::any_knobs(config);
    std::erase_if(knobs, [](auto const& knob) { return idle_data_options().contains(knob.name); });
    return knobs;
}

/// What `generate` can be told.
struct generate_config : generating_options, proximal::run::data_options {
    std::string output_file = "generated.jsonl";
    std::optional<std::int64_t> num_examples;
    std::uint64_t seed = 42;

    static constexpr auto knobs = boost::hana::flatten(boost::hana::make_tuple(
        generating_options::knobs, proximal::run::data_options::knobs,
        proximal::reflect(
            proximal::knob<"output_file">(&generate_config::output_file,
                                          "JSON lines: prompt, completion, and the data's record", {},
                                          "A file that an interrupted call left is gone on with."),
            proximal::knob<"num_examples">(&generate_config::num_examples, "prompts to answer, the first; default: all",
                                           proximal::at_least(1)),
            proximal::knob<"seed">(&generate_config::seed, "of the draws"))));
};

/// What `judge_tldr` can be told: greedy answers of at most 200 tokens, as TRL's script has it.
struct judge_tldr_config : generating_options, proximal::run::data_options, proximal::judge::judge_options {
    std::string output_dir = "models/judge_tldr";
    std::optional<std::string> reward_model_path;

    judge_tldr_config() {
        response_length = 200;
        temperature = 0.0;
        dataset_name = "trl-lib/tldr";
        dataset_train_split = "validation";
    }
    static constexpr auto knobs = boost::hana::flatten(boost::hana::make_tuple(
        generating_options::knobs, proximal::run::data_options::knobs, proximal::judge::judge_options::knobs,
        proximal::reflect(
            proximal::knob<"output_dir">(&judge_tldr_config::output_dir, "where answers and verdicts are written"),
            proximal::knob<"reward_model_path">(&judge_tldr_config::reward_model_path,
                                                "the judge of --judge reward_model: a folder or Hub id"))));
    void check_knobs() const {
        proximal::judge::judge_options::check_knobs();
        if (reward_model_path && judge != "reward_model")
            throw std::invalid_argument(
                "--reward_model_path would do nothing: it is read by --judge reward_model, and this "
                "is --judge " +
                judge);
    }
};

}  // namespace examples
