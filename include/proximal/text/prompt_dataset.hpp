// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <proximal/io/hub.hpp>
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
    std::vector<nlohmann::json>
        records{};  // the data's lines, one for each prompt: a reward sees its own; may be empty

    /// The record that a prompt comes from; null where there are none.
    nlohmann::json record(std::size_t i) const { return i < records.size() ? records[i] : nlohmann::json(); }
};

/// What a run trains on, and what its sample tables are drawn from.
struct prompt_split {
    prompt_dataset train, eval;
};

/// Told the bytes read and the bytes in all, now and then and at the end.
using load_progress = std::function<void(std::size_t done, std::size_t total)>;

/// The ids of one record: its `prompt`, with the tokenizer's special tokens, or its `messages`, which bring their own.
inline std::vector<std::int64_t> prompt_ids(nlohmann::json const& record, tokenizer const& tokenizer) {
    auto const is = [&](char const* key, auto kind) {
        return record.is_object() && record.contains(key) && (record[key].*kind)();
    };
    std::vector<std::int64_t> ids;
    if (is("prompt", &nlohmann::json::is_string))
        ids = tokenizer.encode(record["prompt"].get_ref<std::string const&>());
    else if (is("messages", &nlohmann::json::is_array))
        ids = tokenizer.encode(tokenizer.chat(record["messages"]), false);
    else throw std::invalid_argument("it holds neither a text \"prompt\" nor a list \"messages\"");
    if (ids.empty()) throw std::invalid_argument("its prompt has no tokens");
    return ids;
}

/// Reads JSON lines {"prompt": "..."} or {"messages": [{"role": ..., "content": ...}, ...]}; blank lines are passed
/// over. Of a folder, its train.jsonl. Throws std::runtime_error naming the file, and the line where one is broken.
inline prompt_dataset load_prompts(std::filesystem::path const& path, tokenizer const& tokenizer,
                                   load_progress const& progress = {}) {
    if (std::filesystem::is_directory(path)) return load_prompts(path / "train.jsonl", tokenizer, progress);
    if (!std::filesystem::exists(path)) {
        if (io::hub::is_id(path.string()) && path.has_parent_path())
            throw std::runtime_error(
                fmt::format("{0} is no local file or folder, and datasets are not fetched from the Hub; write it as "
                            "JSON lines first, in "
                            "Python: load_dataset(\"{0}\")[\"train\"].to_json(\"train.jsonl\")",
                            path.string()));
        throw std::runtime_error(
            fmt::format("{} does not exist; give a file of JSON lines with a field \"prompt\"", path.string()));
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(fmt::format("{} cannot be read; check its permissions", path.string()));
    auto const total = static_cast<std::size_t>(std::filesystem::file_size(path));
    prompt_dataset dataset;
    std::string line;
    for (std::size_t number = 1, done = 0; std::getline(in, line); ++number) {
        done += line.size() + 1;
        if (line.find_first_not_of(" \t\r") != std::string::npos) try {
                auto record = nlohmann::json::parse(line);
                dataset.prompts.push_back(prompt_ids(record, tokenizer));
                dataset.records.push_back(std::move(record));
            } catch (std::exception const& error) {
                throw std::runtime_error(
                    fmt::format("{} line {} cannot be used: {}", path.string(), number, error.what()));
            }
        if (progress && number % 256 == 0) progress(std::min(done, total), total);
    }
    if (dataset.prompts.empty())
        throw std::runtime_error(fmt::format("{} holds no prompts; it needs one JSON object a line", path.string()));
    if (progress) progress(total, total);
    return dataset;
}

/// Puts a share of the prompts, drawn by the seed alone, aside for evaluation; both parts keep the file's order.
/// The share is rounded down, but at least one prompt if eval_fraction > 0.
/// Throws std::invalid_argument for a fraction outside [0, 1) and where no prompt would be left to train on.
inline prompt_split split(prompt_dataset dataset, double eval_fraction, std::uint64_t seed) {
    if (!(eval_fraction >= 0.0 && eval_fraction < 1.0))
        throw std::invalid_argument(fmt::format("eval_fraction is {} but must lie in [0, 1)", eval_fraction));
    auto const n = dataset.prompts.size();
    auto aside = static_cast<std::size_t>(eval_fraction * static_cast<double>(n));
    if (eval_fraction > 0.0) aside = std::max<std::size_t>(aside, 1);
    if (aside >= n)
        throw std::invalid_argument(fmt::format("{} prompts are too few to set some aside; use eval_fraction 0", n));
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 draw(seed);  // its numbers are the same everywhere; those of std::shuffle are not
    for (std::size_t i = 0; i < aside; ++i) std::swap(order[i], order[i + draw() % (n - i)]);
    std::vector<bool> chosen(n);
    for (std::size_t i = 0; i < aside; ++i) chosen[order[i]] = true;
    prompt_split parts;
    for (std::size_t i = 0; i < n; ++i) {
        auto& part = chosen[i] ? parts.eval : parts.train;
        part.prompts.push_back(std::move(dataset.prompts[i]));
        if (i < dataset.records.size()) part.records.push_back(std::move(dataset.records[i]));
    }
    return parts;
}

/// A dataset with prompts to evaluate on: of a folder, train.jsonl and validation.jsonl, else test.jsonl, where one is
/// there; otherwise a share of the file is set aside.
inline prompt_split load_prompt_split(std::filesystem::path const& path, tokenizer const& tokenizer,
                                      double eval_fraction, std::uint64_t seed, load_progress const& progress = {}) {
    for (auto const* const name : {"validation.jsonl", "test.jsonl"})
        if (std::filesystem::exists(path / name))
            return {load_prompts(path, tokenizer, progress), load_prompts(path / name, tokenizer, progress)};
    return split(load_prompts(path, tokenizer, progress), eval_fraction, seed);
}

}  // namespace proximal::text
