// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <proximal/cache_folder.hpp>
#include <proximal/io/hub.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/check_padding.hpp>
#include <proximal/lm/reward/command_reward.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/train/check_aliases.hpp>
#include <proximal/lm/train/memory_plan.hpp>
#include <proximal/lm/train/ppo_trainer_arguments.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/launch.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/progress_bar.hpp>
#include <string>
#include <utility>

namespace proximal::lm {

/// The models, the reward and the data of a run.
struct run_inputs {
    text::tokenizer tokenizer;
    causal_lm policy;
    std::optional<causal_lm> reference{};         // none where the algorithm reads none
    std::optional<sequence_classifier> critic{};  // the same
    reward_function reward{};
    text::prompt_dataset train{}, eval{};
};

/// The reward that --reward_command names.
inline reward_function configured_command(run::PPOv2Config const& config) {
    fmt::print("reward     {}\n", *config.reward_command);
    return command_reward(*config.reward_command, std::chrono::duration<double>(config.reward_timeout));
}

/// The format of prompts that --query_format names.
inline std::optional<text::query_format> configured_query(run::data_options const& config) {
    if (!config.query_format) return std::nullopt;
    return *config.query_format == "tldr" ? text::tldr_query() : text::query_format{*config.query_format};
}

/// How a run's texts become tokens: in parallel, shown on `bar`, kept between runs.
inline text::encoding configured_encoding(run::data_options const& config, run::progress_bar& bar) {
    return {.threads = static_cast<std::size_t>(config.dataset_num_proc.value_or(0)),
            .progress =
                [&bar](std::size_t done, std::size_t total) {
                    bar.set_total(static_cast<std::int64_t>(total)), bar.show(static_cast<std::int64_t>(done));
                },
            .cache = cache_folder()};
}

/// The data that --dataset_name names, with progress; `formats` are read besides those that always are.
inline text::prompt_split configured_data(run::PPOv2Config const& config, text::tokenizer const& tokenizer,
                                          std::vector<text::record_format> const& formats = {}) {
    run::progress_bar bar("tokenizing", 0, !config.disable_tqdm);
    auto splits =
        text::load_prompt_split(*config.dataset_name, tokenizer,
                                text::prompt_options{.splits = {config.dataset_train_split, config.dataset_test_split},
                                                     .eval_fraction = config.eval_fraction,
                                                     .seed = config.seed,
                                                     .max_prompt_length = config.max_prompt_length,
                                                     .query = configured_query(config),
                                                     .formats = formats,
                                                     .how = configured_encoding(config, bar)});
    bar.finish();
    return splits;
}

/// Refuses a configuration that names some of a run's models and not all that its algorithm reads: no model is taken
/// that nobody named. Throws std::invalid_argument with the missing flag. Departure: TRL takes EleutherAI/pythia-160m.
inline void check_named(run::PPOv2Config const& config, trainable const& algorithm) {
    if (!config.sft_model_path)
        throw std::invalid_argument("--sft_model_path is missing: it names the folder or Hub id of the policy");
    if (config.reward_model_path) return;
    if (!config.reward_command)
        throw std::invalid_argument("there is no reward: give --reward_model_path, or --reward_command with a program");
    if (algorithm.needs_critic())
        throw std::invalid_argument(config.algorithm +
                                    " needs a critic: give --reward_model_path, which it starts as, or choose an "
                                    "--algorithm without one (rloo, "
                                    "grpo)");
}

/// Says what a data set left out, and leaves out the prompts that a response does not fit behind.
inline text::prompt_dataset fitting(text::prompt_dataset const& data, std::int64_t positions,
                                    std::int64_t response_length, std::string const& name) {
    auto kept = text::leave_out_long(data, positions - response_length);
    if (!data.note.empty()) fmt::print("note       {}\n", data.note);
    if (data.left_out > 0) fmt::print("note       {} prompts of {} are empty and left out\n", data.left_out, name);
    if (data.too_long > 0)
        fmt::print("note       {} prompts of {} are longer than --max_prompt_length and left out\n", data.too_long,
                   name);
    if (auto const longer = kept.left_out - data.left_out; longer > 0)
        fmt::print(
            "note       {} of {} prompts of {} are left out: with --response_length {} they exceed the models' {} "
            "positions\n",
            longer, data.prompts.size(), name, response_length, positions);
    if (kept.prompts.empty() && !data.prompts.empty())
        throw std::runtime_error(fmt::format(
            "all {} prompts of {} are too long: with --response_length {} they exceed the models' {} positions",
            data.prompts.size(), name, response_length, positions));
    return kept;
}

/// Gives a tokenizer a pad token of its own, where it has none or EOS in its place. After the data were read: the text
/// "[PAD]" in them is text.
inline void give_pad_token(text::tokenizer& tokenizer) {
    if (!tokenizer.pad_token_id() || tokenizer.pad_token_id() == tokenizer.eos_token_id())
        tokenizer.add_pad_token("[PAD]");
}

/// The models and the reward that a configuration names, as far as an algorithm reads them, in float32; says on stdout
/// what was taken. The data are left empty where none are named; prompts that do not fit are left out.
inline run_inputs configured_inputs(run::PPOv2Config const& config, at::Device device, trainable const& algorithm,
                                    std::vector<text::record_format> const& formats = {}) {
    check_named(config, algorithm);
    auto const sft = io::resolve_model(*config.sft_model_path);
    auto const tokenizer_path =
        config.model_name_or_path ? io::resolve_model(*config.model_name_or_path, io::hub::content::tokenizer) : sft;
    run_inputs inputs{.tokenizer = text::tokenizer::load(tokenizer_path),
                      .policy = load_causal_lm(sft, at::kFloat, device)};
    auto& tokenizer = inputs.tokenizer;
    auto positions = inputs.policy.body->max_positions();
    if (algorithm.needs_reference()) inputs.reference = clone(inputs.policy);
    fmt::print("policy     {}\n", sft.string());
    if (config.reward_command) inputs.reward = configured_command(config);
    if (!config.reward_command || algorithm.needs_critic()) {
        auto const path = io::resolve_model(*config.reward_model_path);
        bool head_was_made = false;
        auto const model = load_sequence_classifier(path, at::kFloat, device, config.seed, &head_was_made);
        if (head_was_made && !config.reward_command)
            throw std::runtime_error(path.string() +
                                     " has no score head, so its rewards would be random: give a reward model "
                                     "(AutoModelForSequenceClassification with one label)");
        if (head_was_made)
            fmt::print("note       {} has no score head: the critic's was drawn at random\n", path.string());
        positions = std::min(positions, model.body->max_positions());
        if (algorithm.needs_critic()) inputs.critic = config.reward_command ? model : clone(model);
        if (!config.reward_command) {
            inputs.reward = model_reward(model, config.local_rollout_forward_batch_size);
            fmt::print("reward     {}\n", path.string());
        }
    }
    if (config.dataset_name) {
        auto const splits = configured_data(config, tokenizer, formats);
        inputs.train = fitting(splits.train, positions, config.response_length, *config.dataset_name);
        inputs.eval = fitting(splits.eval, positions, config.response_length, *config.dataset_name);
    }
    for (auto const& model : models_behind(inputs.reward))
        check_padding(model, inputs.train.prompts, tokenizer.eos_token_id());
    give_pad_token(tokenizer);
    return inputs;
}

/// What each process of a run of these inputs will need.
inline memory_plan plan_memory(run::PPOv2Config const& config, run_inputs const& inputs, std::int64_t processes = 1) {
    std::size_t longest = 0;
    for (auto const& prompt : inputs.train.prompts) longest = std::max(longest, prompt.size());
    return plan_memory(config,
                       {.policy = &inputs.policy,
                        .reference = inputs.reference ? &*inputs.reference : nullptr,
                        .critic = inputs.critic ? &*inputs.critic : nullptr,
                        .rewards = models_behind(inputs.reward)},
                       static_cast<std::int64_t>(longest), processes);
}

/// Says on stdout what memory a process of a run will need, and on the CPU what to do where the machine has less for
/// those that are on it.
inline void tell_memory(run::PPOv2Config const& config, run_inputs const& inputs, at::Device device,
                        run::launch const& launch = {}) {
    auto const plan = plan_memory(config, inputs, launch.world_size);
    fmt::print("memory     {}{}\n", launch.world_size > 1 ? "of each process: " : "", plan.text());
    double const there = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (device.is_cpu() && plan.peak() * static_cast<double>(launch.local_world_size) > there)
        fmt::print(
            "note       this machine has {:.0f} MB: lower --per_device_train_batch_size and raise "
            "--gradient_accumulation_steps, give --gradient_checkpointing{}\n",
            there / 1e6, launch.world_size > 1 ? ", a further --sharding, or start fewer processes on it" : "");
}

/// A trainer's arguments from a configuration and what it named.
inline ppo_trainer_arguments arguments_of(run::PPOv2Config const& config, run_inputs const& inputs,
                                          run::callback_list callbacks) {
    return {.config = config,
            .tokenizer = inputs.tokenizer,
            .policy = inputs.policy,
            .ref_policy = inputs.reference,
            .reward_model = inputs.reward,
            .train_dataset = inputs.train,
            .value_model = inputs.critic,
            .eval_dataset = inputs.eval,
            .callbacks = std::move(callbacks)};
}

}  // namespace proximal::lm
