// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <proximal/io/hub.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/shift_reward.hpp>
#include <proximal/lm/train/demonstration_objective.hpp>
#include <proximal/lm/train/preference_objective.hpp>
#include <proximal/lm/train/run_inputs.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/reward_config.hpp>
#include <proximal/run/sft_config.hpp>
#include <proximal/text/dataset_files.hpp>
#include <proximal/text/demonstrations.hpp>
#include <proximal/text/held_out.hpp>
#include <proximal/text/preferences.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Rows to train on, and rows held out.
template <class Row>
struct supervised_split {
    std::vector<Row> train, eval;
};

namespace detail {
inline void require_named(std::optional<std::string> const& value, char const* flag, char const* what) {
    if (!value) throw std::invalid_argument(fmt::format("--{} is missing: it names {}", flag, what));
}
inline void tell_left_out(text::left_out_counts const& counts, std::string const& name) {
    auto const tell = [&](std::size_t count, char const* why) {
        if (count > 0) fmt::print("note       {} rows of {} are left out: {}\n", count, name, why);
    };
    tell(counts.long_prompts, "their prompts are longer than --max_prompt_length");
    tell(counts.long_texts, "they are longer than the model's positions, or than was asked for");
    tell(counts.equal_pairs, "their chosen answer equals their rejected one");
}
/// The rows that `of(table, options)` makes of the data that a configuration names, and those held out: of the data's
/// own split, else a share of the rows.
template <class Config, class Of>
auto rows_of(Config const& config, text::completion_options options, std::vector<text::record_format> const& formats,
             Of const& of) {
    require_named(config.dataset_name, "dataset_name", "the data: a file, a folder or a Hub id");
    run::progress_bar bar("tokenizing", 0, !config.disable_tqdm);
    options.max_prompt_length = config.max_prompt_length;
    options.query = configured_query(config);
    options.how = configured_encoding(config, bar);
    auto const files =
        text::find_dataset(*config.dataset_name, {config.dataset_train_split, config.dataset_test_split});
    using rows = decltype(of(text::record_table(), options));
    supervised_split<typename rows::value_type> split;
    std::vector<std::string> notes;
    auto const read = [&](auto const& paths, std::optional<std::size_t> said, std::string const& name) {
        auto table = text::read_all(paths, formats);
        if (auto note = text::missing_rows(said, table.records.size(), name); !note.empty())
            notes.push_back(std::move(note));
        return of(std::move(table), options);
    };
    split.train = read(files.train, files.train_rows, *config.dataset_name);
    if (!files.test.empty()) {
        split.eval = read(files.test, files.test_rows, *config.dataset_name + "'s held-out split");
    } else if (config.eval_fraction > 0.0) {
        auto const chosen = text::held_out(split.train.size(), config.eval_fraction, config.seed);
        rows kept;
        for (std::size_t i = 0; i < chosen.size(); ++i)
            (chosen[i] ? split.eval : kept).push_back(std::move(split.train[i]));
        split.train = std::move(kept);
    }
    bar.finish();
    for (auto const& note : notes) fmt::print("note       {}\n", note);
    fmt::print("data       {} rows to train on, {} held out\n", split.train.size(), split.eval.size());
    return split;
}
inline std::int64_t longest(std::optional<std::int64_t> asked, backbone const& body) {
    return std::min(asked.value_or(body.max_positions()), body.max_positions());
}
}  // namespace detail

/// What `sft` trains: the model and the demonstrations that a configuration names; says on stdout what was taken.
/// Throws, one sentence, for what is missing or does not fit.
inline std::shared_ptr<demonstration_objective> configured_objective(
    run::SFTConfig const& config, at::Device device, std::vector<text::record_format> const& formats = {}) {
    detail::require_named(config.model_name_or_path, "model_name_or_path", "the folder or Hub id of the model");
    auto const path = io::resolve_model(*config.model_name_or_path);
    auto tokenizer = text::tokenizer::load(path);
    auto const model = load_causal_lm(path, at::kFloat, device);
    fmt::print("model      {}\n", path.string());
    auto split = detail::rows_of(config,
                                 {.completion_prefix = config.completion_prefix,
                                  .max_length = detail::longest(config.max_seq_length, *model.body)},
                                 formats, [&](text::record_table table, text::completion_options const& options) {
                                     auto read = text::demonstrations_of(std::move(table), tokenizer, options,
                                                                         *config.dataset_name);
                                     detail::tell_left_out(read.left_out, *config.dataset_name);
                                     std::vector<demonstration> rows;
                                     for (auto& row : read.examples)
                                         rows.push_back({std::move(row.prompt), std::move(row.completion)});
                                     return rows;
                                 });
    give_pad_token(tokenizer);
    return std::make_shared<demonstration_objective>(model, tokenizer, std::move(split.train), std::move(split.eval),
                                                     config.prompt_loss_weight,
                                                     written_evaluation{.rows = config.eval_generations,
                                                                        .max_new_tokens = config.response_length,
                                                                        .temperature = config.eval_temperature,
                                                                        .seed = config.seed});
}

/// What `reward` trains: the model, with a new head where it has none, and the preferences that a configuration names.
inline std::shared_ptr<preference_objective> configured_objective(
    run::RewardConfig const& config, at::Device device, std::vector<text::record_format> const& formats = {}) {
    detail::require_named(config.model_name_or_path, "model_name_or_path",
                          "the folder or Hub id of the model that becomes a reward model");
    auto const path = io::resolve_model(*config.model_name_or_path);
    auto tokenizer = text::tokenizer::load(path);
    bool head_was_made = false;
    auto model = load_sequence_classifier(path, at::kFloat, device, config.seed, &head_was_made);
    if (head_was_made && config.reward_head == "n_plus")
        model = make_sequence_classifier(*model.body, model.config, config.seed, reward_head_deviation(*model.body));
    fmt::print("model      {}{}\n", path.string(), head_was_made ? ", with a new score head" : "");
    auto split = detail::rows_of(
        config,
        {.completion_prefix = config.completion_prefix, .max_length = detail::longest(config.max_length, *model.body)},
        formats, [&](text::record_table table, text::completion_options const& options) {
            auto read = text::preferences_of(std::move(table), tokenizer, options, *config.dataset_name);
            detail::tell_left_out(read.left_out, *config.dataset_name);
            std::vector<preference> rows;
            for (auto& row : read.pairs)
                rows.push_back({std::move(row.prompt), std::move(row.chosen), std::move(row.rejected)});
            return rows;
        });
    give_pad_token(tokenizer);
    return std::make_shared<preference_objective>(model, tokenizer, std::move(split.train), std::move(split.eval),
                                                  config.center_rewards_coefficient);
}

/// Shifts a reward model's rewards, so that those of the completions of --reference_dataset_name are 0 on average, over
/// its first 512 demonstrations; gives the shift. Source: the N+ paper's reward bias.
inline double center_rewards(sequence_classifier const& model, run::RewardConfig const& config,
                             text::tokenizer const& tokenizer, std::vector<text::record_format> const& formats = {}) {
    auto const& name = *config.reference_dataset_name;
    auto table = text::read_all(text::find_dataset(name, {config.dataset_train_split, {}}).train, formats);
    constexpr std::size_t most = 512;
    if (table.records.size() > most) table.records.resize(most);
    auto const read = text::demonstrations_of(std::move(table), tokenizer,
                                              {.completion_prefix = config.completion_prefix,
                                               .max_prompt_length = config.max_prompt_length,
                                               .max_length = detail::longest(config.max_length, *model.body),
                                               .query = configured_query(config)},
                                              name);
    std::vector<finished_episode> references;
    for (auto const& row : read.examples) references.push_back({row.prompt, row.completion});
    double const mean = model_reward(model)(references).scores.to(at::kDouble).mean().item<double>();
    shift_reward(model, -mean);
    return -mean;
}

}  // namespace proximal::lm
