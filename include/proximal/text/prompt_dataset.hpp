// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <proximal/io/hub.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/tokenizer.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// Queries to respond to, as token ids.
struct prompt_dataset {
    std::vector<std::vector<std::int64_t>> prompts;
    std::vector<nlohmann::json> records{};  // what each prompt comes from: a reward sees its own; may be empty
    std::vector<std::size_t> lines{};       // the file's line of each; may be empty
    std::size_t left_out = 0;               // records whose prompt was empty or too long

    /// The record that a prompt comes from; null where there are none.
    nlohmann::json record(std::size_t i) const { return i < records.size() ? records[i] : nlohmann::json(); }
};

/// What a run trains on, and what its sample tables are drawn from.
struct prompt_split {
    prompt_dataset train, eval;
};

/// Told the bytes read and the bytes in all, now and then and at the end.
using load_progress = std::function<void(std::size_t done, std::size_t total)>;

/// The ids of one record: its text `prompt`, with the tokenizer's special tokens, or its conversation, `messages` or a
/// list `prompt` (TRL's conversational format), which brings its own; an answer at a conversation's end is left out.
/// A `prompt` that was rendered by a chat template already brings its BOS: it is not doubled.
/// Throws std::invalid_argument where there is neither.
inline std::vector<std::int64_t> prompt_ids(nlohmann::json const& record, tokenizer const& tokenizer) {
    for (auto const* const key : {"prompt", "messages"}) {
        if (!record.is_object() || !record.contains(key)) continue;
        auto const& prompt = record[key];
        if (prompt.is_array()) return tokenizer.encode(tokenizer.chat(without_answer(prompt)), false);
        if (!prompt.is_string() || std::string_view(key) == "messages") continue;
        auto ids = tokenizer.encode(prompt.get_ref<std::string const&>());
        bool const doubled = ids.size() > 1 && ids[0] == ids[1] && tokenizer.bos_token_id() == ids[0];
        if (doubled) ids.erase(ids.begin());
        return ids;
    }
    throw std::invalid_argument("it holds neither a text \"prompt\" nor a list \"messages\"");
}

namespace detail {
/// The first character of a JSON text, at which the stream then stands; a byte order mark and blanks are passed over.
/// What is no JSON is refused by its first bytes, saying what it is and how it becomes JSON lines. Counts the lines
/// passed over.
inline char first_of_json(std::istream& in, std::filesystem::path const& path, std::size_t& blank_lines) {
    std::string start(4, '\0');
    in.read(start.data(), 4);
    start.resize(static_cast<std::size_t>(in.gcount()));
    auto const refuse = [&](std::string_view what, std::string const& python) {
        throw std::runtime_error(
            fmt::format("{} is {}; write it as JSON lines first, in Python: {}", path.string(), what, python));
    };
    auto const quoted = '"' + path.string() + '"';
    std::string const to_lines = ".to_json(\"train.jsonl\")";
    if (start == "PAR1")
        refuse("a Parquet file", "import datasets; datasets.Dataset.from_parquet(" + quoted + ")" + to_lines);
    if (start.starts_with("\x1f\x8b"))
        refuse("compressed (gzip)",
               "import gzip; open(\"train.jsonl\", \"wb\").write(gzip.open(" + quoted + ").read())");
    if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff"))
        refuse("text in UTF-16",
               "open(\"train.jsonl\", \"w\").write(open(" + quoted + ", encoding=\"utf-16\").read())");
    in.clear();
    in.seekg(start.starts_with("\xef\xbb\xbf") ? 3 : 0);
    while (std::isspace(in.peek()) != 0) blank_lines += in.get() == '\n';
    auto const first = in.peek();
    if (first != std::char_traits<char>::eof() && first != '{' && first != '[')
        refuse("no list of JSON objects but other text (CSV?)",
               "import datasets; datasets.Dataset.from_csv(" + quoted + ")" + to_lines);
    return first == std::char_traits<char>::eof() ? '\0' : static_cast<char>(first);
}
}  // namespace detail

/// Reads JSON lines {"prompt": "..."} or {"messages": [{"role": ..., "content": ...}, ...]}, or one JSON array of such
/// objects; blank lines are passed over, and so are records whose prompt has no token, which are counted. Of a folder,
/// its train.jsonl. Throws std::runtime_error naming the file, and the line (of an array the place) where one is
/// broken.
inline prompt_dataset load_prompts(std::filesystem::path const& path, tokenizer const& tokenizer,
                                   load_progress const& progress = {}) {
    if (std::filesystem::is_directory(path)) {
        if (!std::filesystem::exists(path / "train.jsonl"))
            throw std::runtime_error(
                fmt::format("the folder {} holds no train.jsonl: name the file of JSON lines itself", path.string()));
        return load_prompts(path / "train.jsonl", tokenizer, progress);
    }
    if (!std::filesystem::exists(path)) {
        if (io::hub::is_id(path.string()) && path.has_parent_path() && !path.extension().string().starts_with(".json"))
            throw std::runtime_error(fmt::format(
                "{0} is no local file or folder, and datasets are not fetched from the Hub; write it as "
                "JSON lines first, in "
                "Python: from datasets import load_dataset; load_dataset(\"{0}\")[\"train\"].to_json(\"train.jsonl\")",
                path.string()));
        throw std::runtime_error(
            fmt::format("{} does not exist; give a file of JSON lines with a field \"prompt\"", path.string()));
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(fmt::format("{} cannot be read; check its permissions", path.string()));
    auto const total = static_cast<std::size_t>(std::filesystem::file_size(path));
    prompt_dataset dataset;
    auto const take = [&](nlohmann::json record, std::size_t line) {
        auto ids = prompt_ids(record, tokenizer);
        if (ids.empty()) {
            ++dataset.left_out;
            return;
        }
        dataset.prompts.push_back(std::move(ids));
        dataset.records.push_back(std::move(record));
        dataset.lines.push_back(line);
    };
    auto const refuse = [&](std::string_view kind, std::size_t number, std::string_view why) {
        throw std::runtime_error(fmt::format("{} {} {} cannot be used: {}", path.string(), kind, number, why));
    };
    std::size_t blank_lines = 0;
    if (detail::first_of_json(in, path, blank_lines) == '[') {
        std::string const text(std::istreambuf_iterator<char>(in), {});
        nlohmann::json all;
        try {
            all = io::parse_json(text);
        } catch (std::invalid_argument const& error) {
            throw std::runtime_error(fmt::format("{} {}; fetch or write it again", path.string(), error.what()));
        }
        std::size_t number = 0;
        for (auto& record : all) try {
                take(std::move(record), ++number);
            } catch (std::invalid_argument const& error) {
                refuse("object", number, error.what());
            }
    } else {
        std::string line;
        std::size_t number = blank_lines, done = 0;
        while (std::getline(in, line)) {
            ++number;
            done += line.size() + 1;
            if (line.find_first_not_of(" \t\r") != std::string::npos) try {
                    take(io::parse_json(line), number);
                } catch (std::invalid_argument const& error) {
                    refuse("line", number, error.what());
                }
            if (progress && number % 256 == 0) progress(std::min(done, total), total);
        }
    }
    if (dataset.prompts.empty())
        throw std::runtime_error(fmt::format("{} holds no prompts; it needs one JSON object a line", path.string()));
    if (progress) progress(total, total);
    return dataset;
}

/// Leaves out the prompts of more than `longest` tokens, and counts them; the order stays.
inline prompt_dataset leave_out_long(prompt_dataset const& dataset, std::int64_t longest) {
    prompt_dataset kept;
    kept.left_out = dataset.left_out;
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
        if (i < dataset.lines.size()) part.lines.push_back(dataset.lines[i]);
    }
    parts.train.left_out = dataset.left_out;
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
