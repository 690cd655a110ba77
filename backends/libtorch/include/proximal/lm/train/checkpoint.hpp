// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/io/running_hash.hpp>
#include <proximal/io/safetensors_folder.hpp>
#include <proximal/lm/distributed/same_run.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/stored_weights.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// The fields that a resumed run must have as the interrupted one had them: those that what was saved depends on, and
/// those that would make the rest of the run another one. All else may change: how long the run is, the learning rate
/// and its schedule, logging, saving, evaluation, the machine.
inline constexpr std::array<std::string_view, 15> fields_kept_on_resume{"num_ppo_epochs",
                                                                        "num_mini_batches",
                                                                        "per_device_train_batch_size",
                                                                        "batch_scope",
                                                                        "seed",
                                                                        "response_length",
                                                                        "temperature",
                                                                        "stop_token",
                                                                        "stop_token_id",
                                                                        "data_seed",
                                                                        "group_by_length",
                                                                        "optim",
                                                                        "weight_decay",
                                                                        "adam_beta1",
                                                                        "adam_beta2"};

/// Under which name an identity holds the rows of an optimizer step, over all processes.
inline constexpr char const* rows_of_a_step = "the rows of an optimizer step";

/// Where a run goes on from a checkpoint with another number of processes, its accumulation becomes what keeps the rows
/// of an optimizer step, and with them the run; whether it changed. Throws std::invalid_argument where they do not
/// divide.
inline bool keep_rows_of_a_step(run::training_options& config, std::filesystem::path const& checkpoint,
                                std::int64_t world_size) {
    std::int64_t rows = 0;
    try {
        auto const saved = io::read_json(checkpoint / "identity.json").get<run_identity>();
        if (auto const found = saved.find(rows_of_a_step); found != saved.end()) rows = std::stoll(found->second);
    } catch (std::exception const&) {  // resume() says what is wrong
    }
    auto const at_once = config.per_device_train_batch_size * world_size;
    if (rows == 0 || rows == at_once * config.gradient_accumulation_steps) return false;
    if (rows % at_once != 0)
        throw std::invalid_argument(
            fmt::format("the checkpoint {} is of steps of {} rows, and {} processes of --per_device_train_batch_size "
                        "{} take {} at a "
                        "time: go on with a number of processes that divides them",
                        checkpoint.string(), rows, world_size, config.per_device_train_batch_size, at_once));
    config.gradient_accumulation_steps = rows / at_once;
    return true;
}

/// A number that two lists of rows of tokens share only if they are equal.
inline std::string fingerprint(std::vector<std::vector<std::int64_t>> const& rows, char const* kind = "prompts") {
    io::running_hash hash;
    for (auto const& row : rows) {
        hash.add(row.size());
        for (auto const token : row) hash.add(token);
    }
    return fmt::format("{} {} ({:016x})", rows.size(), kind, hash.value());
}

/// The same for a model's parameters: the sum of their bits as whole numbers, which no order of adding changes.
inline std::string fingerprint(std::vector<named_tensor> const& parameters) {
    io::running_hash hash;
    for (auto const& parameter : parameters) {
        auto const& x = parameter.tensor.detach();
        auto const width = x.element_size();
        auto const bits = x.contiguous().view(width == 8 ? at::kLong : width == 4 ? at::kInt : at::kShort);
        hash.add(bits.sum(at::kLong).item<std::int64_t>());
    }
    return fmt::format("{} parameters ({:016x})", parameters.size(), hash.value());
}

/// What a run is told and given, as far as a checkpoint depends on it.
inline run_identity identity_of(run::PPOv2Config config, trainable algorithm, text::prompt_dataset const& data,
                                std::optional<causal_lm> const& reference) {
    run_identity identity{{"--algorithm", config.algorithm}, {"the training data", fingerprint(data.prompts)}};
    for (auto const& knob : run::any_knobs(config))
        for (auto const kept : fields_kept_on_resume)
            if (knob.name == kept) identity["--" + knob.name] = knob.text();
    for (auto const& knob : algorithm.knobs()) identity["--" + knob.name] = knob.text();
    if (reference) identity["the reference model"] = fingerprint(reference->parameters());
    return identity;
}

/// Throws std::invalid_argument, naming all that differs, where a checkpoint is of another run.
inline void check_identity(run_identity const& ours, run_identity const& saved, std::filesystem::path const& folder) {
    if (ours.at("--algorithm") != (saved.contains("--algorithm") ? saved.at("--algorithm") : "none"))
        throw std::invalid_argument("the checkpoint " + folder.string() + " is of another run: --algorithm is not " +
                                    ours.at("--algorithm") + " there; begin a new run in a new folder");
    std::string differences;
    auto const text_in = [](run_identity const& identity, std::string const& name) {
        auto const found = identity.find(name);
        return found == identity.end() ? std::string("absent") : found->second;
    };
    auto all = ours;
    all.insert(saved.begin(), saved.end());
    // The seed draws which rows are held out: another one is told, not what it leads to.
    bool const is_other_draw = text_in(ours, "--seed") != text_in(saved, "--seed");
    auto const rows = [](std::string const& text) { return text.substr(0, text.find(" (")); };
    for (auto const& [name, text] : all)
        if (auto const now = text_in(ours, name), then = text_in(saved, name);
            now != then && !(is_other_draw && name == "the training data" && rows(now) == rows(then)))
            differences += fmt::format("{}{} was {} and is {}", differences.empty() ? "" : ", ", name, then, now);
    if (!differences.empty())
        throw std::invalid_argument("the checkpoint " + folder.string() + " is of another run: " + differences +
                                    "; resume with what it was saved with, or begin a new run in a new folder");
}

/// Reads the weights of a folder that save_model wrote into a model's parameters, in place, every bit.
/// Throws std::runtime_error naming the folder and the tensor where one is missing or of another shape or dtype.
inline void load_weights(std::filesystem::path const& folder, std::vector<named_tensor> const& parameters) {
    at::NoGradGuard const no_gradient;
    io::safetensors_folder const files(folder);
    for (auto const& parameter : parameters) {
        auto const found = files.tensors().find(parameter.name);
        auto const refuse = [&](std::string const& why) {
            throw std::runtime_error(folder.string() + " " + why + " " + parameter.name +
                                     ": it is the checkpoint of another model");
        };
        if (found == files.tensors().end()) refuse("has no tensor");
        at::Tensor const stored = to_tensor(found->second);
        if (!stored.sizes().equals(parameter.tensor.sizes())) refuse("has another shape of");
        if (stored.scalar_type() != parameter.tensor.scalar_type()) refuse("has another dtype of");
        parameter.tensor.detach().copy_(stored);
    }
}

}  // namespace proximal::lm
