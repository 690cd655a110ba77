// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <proximal/io/running_hash.hpp>
#include <proximal/text/dataset_files.hpp>
#include <proximal/text/encode_rows.hpp>
#include <proximal/text/held_out.hpp>
#include <proximal/text/prompt_text.hpp>
#include <proximal/text/query_format.hpp>
#include <proximal/text/record_file.hpp>
#include <proximal/text/tokenizer.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::text {

/// Queries to respond to, as token ids.
struct prompt_dataset {
    std::vector<std::vector<std::int64_t>> prompts;
    std::vector<nlohmann::json> records{};  // what each prompt comes from: a reward sees its own; may be empty
    std::vector<std::size_t> lines{};       // the file's line of each; may be empty
    std::size_t left_out = 0;               // records whose prompt was empty, or that leave_out_long left out
    std::size_t too_long = 0;               // records whose prompt exceeds max_prompt_length
    std::string note{};                     // of missing_rows; empty where the dataset's card says nothing else

    /// The record that a prompt comes from; null where there are none.
    nlohmann::json record(std::size_t i) const { return i < records.size() ? records[i] : nlohmann::json(); }
};

/// What a run trains on, and what its sample tables are drawn from.
struct prompt_split {
    prompt_dataset train, eval;
};

/// How a dataset is read.
struct prompt_options {
    split_names splits{};
    double eval_fraction = 0.05;  // held out where the data have no held-out split
    std::uint64_t seed = 0;       // draws what is held out
    std::optional<std::int64_t> max_prompt_length{};
    std::optional<query_format> query{};   // a prompt of several fields
    std::vector<record_format> formats{};  // besides text_formats()
    encoding how{};
};

/// The prompts of records, in their order: those of no token, and those of more than max_prompt_length, are left out
/// and counted. Throws std::runtime_error with a record's place where it has no prompt, and naming `name` where no
/// prompt is left.
inline prompt_dataset prompts_of(record_table table, tokenizer const& tokenizer, prompt_options const& options,
                                 std::string const& name) {
    auto const count = table.records.size();
    auto const longest = options.max_prompt_length;
    std::vector<prompt_source> sources(count);
    io::running_hash hash;
    for (std::size_t i = 0; i < count; ++i) {
        at_place(table, i, [&] { sources[i] = prompt_text(table.records[i], tokenizer, options.query); });
        hash_prompt(hash, sources[i], longest);
    }
    auto rows = encode_rows(
        count,
        [&](std::size_t i) {
            return at_place(table, i, [&] { return encode_prompt(sources[i], tokenizer, longest); });
        },
        hash, tokenizer, options.how);
    prompt_dataset dataset;
    for (std::size_t i = 0; i < count; ++i) {
        if (rows[i].empty()) ++dataset.left_out;
        else if (longest && std::ssize(rows[i]) > *longest) ++dataset.too_long;
        else {
            dataset.prompts.push_back(std::move(rows[i]));
            dataset.records.push_back(std::move(table.records[i]));
            dataset.lines.push_back(table.lines[i]);
        }
    }
    if (dataset.prompts.empty() && dataset.too_long > 0)
        throw std::runtime_error(
            fmt::format("all prompts of {} have more than --max_prompt_length {} tokens: raise it", name, *longest));
    if (dataset.prompts.empty())
        throw std::runtime_error(
            fmt::format("{} holds no prompts; it needs records with a text \"prompt\" or a list \"messages\"", name));
    return dataset;
}

/// The prompts of a file, or of the train split of a folder or of a dataset of the Hub (find_dataset), in any format
/// that is read (read_records). Throws std::runtime_error naming the file, and the place where a record is broken.
inline prompt_dataset load_prompts(std::filesystem::path const& path, tokenizer const& tokenizer,
                                   load_progress const& progress = {}) {
    return prompts_of(read_all(find_dataset(path.string()).train), tokenizer, {.how = {.progress = progress}},
                      path.string());
}

/// Leaves out the prompts of more than `longest` tokens, and counts them; the order stays.
inline prompt_dataset leave_out_long(prompt_dataset const& dataset, std::int64_t longest) {
    prompt_dataset kept;
    kept.left_out = dataset.left_out;
    kept.too_long = dataset.too_long;
    kept.note = dataset.note;
    for (std::size_t i = 0; i < dataset.prompts.size(); ++i) {
        if (std::ssize(dataset.prompts[i]) > longest) {
            ++kept.left_out;
            continue;
        }
        kept.prompts.push_back(dataset.prompts[i]);
        if (i < dataset.records.size()) kept.records.push_back(dataset.records[i]);
        if (i < dataset.lines.size()) kept.lines.push_back(dataset.lines[i]);
    }
    return kept;
}

/// Puts a share of the prompts, drawn by the seed alone, aside for evaluation; both parts keep the file's order.
/// The share is rounded down, but at least one prompt if eval_fraction > 0.
/// Throws std::invalid_argument for a fraction outside [0, 1) and where no prompt would be left to train on.
inline prompt_split split(prompt_dataset dataset, double eval_fraction, std::uint64_t seed) {
    auto const n = dataset.prompts.size();
    auto const chosen = held_out(n, eval_fraction, seed);
    prompt_split parts;
    for (std::size_t i = 0; i < n; ++i) {
        auto& part = chosen[i] ? parts.eval : parts.train;
        part.prompts.push_back(std::move(dataset.prompts[i]));
        if (i < dataset.records.size()) part.records.push_back(std::move(dataset.records[i]));
        if (i < dataset.lines.size()) part.lines.push_back(dataset.lines[i]);
    }
    parts.train.left_out = dataset.left_out;
    parts.train.too_long = dataset.too_long;
    parts.train.note = std::move(dataset.note);
    return parts;
}

/// A dataset with prompts to evaluate on: those of its held-out split (find_dataset), else a share of the train split
/// that is set aside. `name` is a file, a folder or an id of the Hub.
inline prompt_split load_prompt_split(std::string const& name, tokenizer const& tokenizer,
                                      prompt_options const& options) {
    auto const files = find_dataset(name, options.splits);
    auto const prompts = [&](auto const& paths, std::optional<std::size_t> said, std::string const& called) {
        auto table = read_all(paths, options.formats);
        auto note = missing_rows(said, table.records.size(), called);
        auto dataset = prompts_of(std::move(table), tokenizer, options, called);
        dataset.note = std::move(note);
        return dataset;
    };
    auto train = prompts(files.train, files.train_rows, name);
    if (files.test.empty()) return split(std::move(train), options.eval_fraction, options.seed);
    return {std::move(train), prompts(files.test, files.test_rows, name + "'s held-out split")};
}

/// The same with the options that are asked for most.
inline prompt_split load_prompt_split(std::filesystem::path const& path, tokenizer const& tokenizer,
                                      double eval_fraction, std::uint64_t seed, load_progress const& progress = {}) {
    return load_prompt_split(
        path.string(), tokenizer,
        prompt_options{.eval_fraction = eval_fraction, .seed = seed, .how = {.progress = progress}});
}

}  // namespace proximal::text
