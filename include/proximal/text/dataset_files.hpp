// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <fnmatch.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/io/hub.hpp>
#include <proximal/text/record_file.hpp>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// Which splits of a dataset are trained on and held out. Without a name for the second: validation, else test, where
/// one is there.
struct split_names {
    std::string train = "train";
    std::optional<std::string> test{};
};

/// A dataset's files by split, each split's in order.
using split_files = std::map<std::string, std::vector<std::filesystem::path>>;

/// The files of the two splits; `test` is empty where none is there. And how many rows the dataset's card says that
/// each has, where it does.
struct dataset_files {
    std::vector<std::filesystem::path> train, test{};
    std::optional<std::size_t> train_rows{}, test_rows{};
};

namespace detail {
inline constexpr std::array<std::string_view, 4> data_extensions{".jsonl", ".json", ".csv", ".parquet"};

inline bool is_data_file(std::filesystem::path const& path) {
    static std::set<std::string> const others{"dataset_info.json", "dataset_infos.json", "dataset_dict.json",
                                              "state.json",        "config.json",        "package.json"};
    auto const extension = data_extension(path);
    return std::find(data_extensions.begin(), data_extensions.end(), extension) != data_extensions.end() &&
           !others.contains(path.filename().string());
}

/// The one name of a split that has several: "validation" of dev, val and valid; of another name nothing.
inline std::optional<std::string> split_keyword(std::string_view word) {
    static std::map<std::string_view, std::string> const keywords{
        {"train", "train"},      {"training", "train"}, {"validation", "validation"},
        {"valid", "validation"}, {"val", "validation"}, {"dev", "validation"},
        {"test", "test"},        {"testing", "test"},   {"eval", "test"},
        {"evaluation", "test"}};
    auto const found = keywords.find(word);
    return found == keywords.end() ? std::nullopt : std::optional(found->second);
}

/// The split that a file's place in its dataset says: a folder's name, the name before `-00000-of-00002`, a word of the
/// name, or all of it.
inline std::string split_of(std::filesystem::path const& relative) {
    std::vector<std::string> folders;
    for (auto const& part : relative.parent_path()) folders.push_back(part.string());
    for (auto const& folder : folders)
        if (auto keyword = split_keyword(folder)) return *keyword;
    auto name = relative.filename().string();
    name = name.substr(0, name.find('.'));
    static std::regex const shard("(.+)-[0-9]{5}-of-[0-9]{5}(-[0-9a-f]+)?");
    if (std::smatch match; std::regex_match(name, match, shard)) return match[1];
    if (auto keyword = split_keyword(name)) return *keyword;
    bool const is_number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (is_number && !folders.empty()) return folders.back();
    std::string word;
    for (char const c : name + '-') {
        if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
            word += c;
            continue;
        }
        if (auto keyword = split_keyword(word)) return *keyword;
        word.clear();
    }
    return name;
}

/// A folder's data files, as paths within it, in order; hidden ones are passed over.
inline std::vector<std::filesystem::path> data_files_in(std::filesystem::path const& folder) {
    std::vector<std::filesystem::path> files;
    for (auto entry = std::filesystem::recursive_directory_iterator(
             folder, std::filesystem::directory_options::follow_directory_symlink);
         entry != std::filesystem::recursive_directory_iterator(); ++entry) {
        auto const first = entry->path().filename().string().front();
        bool const hidden = first == '.' || first == '_';
        if (hidden && entry->is_directory()) entry.disable_recursion_pending();
        else if (!hidden && !entry->is_directory() && is_data_file(entry->path()))
            files.push_back(entry->path().lexically_relative(folder));
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// A dataset's card, the YAML at the head of its README.md; null where it has none.
inline YAML::Node card_of(std::filesystem::path const& folder) {
    std::ifstream in(folder / "README.md", std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    auto const end = text.find("\n---", 3);
    if (!text.starts_with("---") || end == std::string::npos) return {};
    try {
        return YAML::Load(text.substr(3, end - 3));
    } catch (YAML::Exception const&) {
        return {};  // files' names tell the splits too
    }
}

/// The configuration of a list of them that is the default or the only one; null where none is.
inline YAML::Node default_config(YAML::Node const& configs) {
    YAML::Node chosen;
    for (auto const& config : configs)
        if (configs.size() == 1 || config["config_name"].as<std::string>("default") == "default" ||
            config["default"].as<bool>(false))
            chosen.reset(config);
    return chosen;
}

/// The splits that a dataset's card gives patterns for, in its default configuration; nothing where it gives none.
inline std::optional<std::map<std::string, std::vector<std::string>>> split_patterns(
    std::filesystem::path const& folder) {
    std::map<std::string, std::vector<std::string>> patterns;
    try {
        auto const card = card_of(folder);
        if (!card.IsMap() || !card["configs"].IsSequence() || card["configs"].size() == 0) return std::nullopt;
        auto const chosen = default_config(card["configs"]);
        if (chosen.IsNull()) {
            std::string names;
            for (auto const& config : card["configs"])
                names += (names.empty() ? "" : ", ") + config["config_name"].as<std::string>();
            throw std::runtime_error(
                fmt::format("{} has the configurations {} and none is the default: give one's folder or file",
                            folder.string(), names));
        }
        auto const add = [&](std::string const& split, YAML::Node const& paths) {
            if (paths.IsScalar()) patterns[split].push_back(paths.as<std::string>());
            else
                for (auto const& path : paths) patterns[split].push_back(path.as<std::string>());
        };
        auto const files = chosen["data_files"];
        bool const named = files.IsSequence() && files.size() > 0 && files[0].IsMap();
        if (!named && files.IsDefined()) add("train", files);
        if (named)
            for (auto const& file : files) add(file["split"].as<std::string>(), file["path"]);
    } catch (YAML::Exception const&) {
        return std::nullopt;
    }
    return patterns.empty() ? std::nullopt : std::optional(patterns);
}

/// How many rows a dataset's card says that each split has, in its default configuration; of other splits nothing.
inline std::map<std::string, std::size_t> rows_of_card(std::filesystem::path const& folder) {
    std::map<std::string, std::size_t> rows;
    try {
        auto const card = card_of(folder);
        if (!card.IsMap()) return rows;
        YAML::Node info;  // to assign a node would change the card: reset
        info.reset(card["dataset_info"]);
        if (info.IsSequence()) {
            auto const all = card["dataset_info"];
            info.reset(default_config(all));
            auto const chosen = card["configs"].IsDefined() ? default_config(card["configs"]) : info;
            for (auto const& one : all)
                if (chosen.IsMap() &&
                    one["config_name"].as<std::string>("default") == chosen["config_name"].as<std::string>("default"))
                    info.reset(one);
        }
        if (info.IsMap() && info["splits"].IsSequence())
            for (auto const& split : info["splits"])
                rows[split["name"].as<std::string>()] = split["num_examples"].as<std::size_t>();
    } catch (YAML::Exception const&) {  // a card that is no card says nothing
    }
    return rows;
}

inline bool matches_pattern(std::string const& path, std::string const& pattern) {
    bool const across = pattern.find("**") != std::string::npos;
    return ::fnmatch(pattern.c_str(), path.c_str(), across ? 0 : FNM_PATHNAME) == 0;
}

inline std::string names_of(split_files const& splits) {
    std::string names;
    for (auto const& [name, files] : splits) names += (names.empty() ? "" : ", ") + name;
    return names;
}
}  // namespace detail

/// A folder's data files by split: as the YAML of its README.md says, else by the names of folders and files
/// (`train/…`, `data/train-00000-of-00002.parquet`, `my_validation.csv.gz`).
/// Throws std::runtime_error where there are none, and where a split's files are of several formats.
inline split_files splits_in(std::filesystem::path const& folder) {
    auto const files = detail::data_files_in(folder);
    split_files splits;
    if (auto const patterns = detail::split_patterns(folder))
        for (auto const& [split, paths] : *patterns)
            for (auto const& file : files)
                if (std::any_of(paths.begin(), paths.end(),
                                [&](auto const& pattern) { return detail::matches_pattern(file.string(), pattern); }))
                    splits[split].push_back(folder / file);
    if (splits.empty())
        for (auto const& file : files) splits[detail::split_of(file)].push_back(folder / file);
    if (splits.empty()) {
        bool const arrow =
            std::filesystem::exists(folder / "dataset_dict.json") || std::filesystem::exists(folder / "state.json");
        throw std::runtime_error(fmt::format(
            "the folder {} holds no data files: {}", folder.string(),
            arrow ? "it is one of save_to_disk; write its splits in Python: load_from_disk(...).to_parquet(...)"
                  : "give JSON lines (.jsonl), JSON, CSV or Parquet, as train.jsonl and validation.jsonl"));
    }
    for (auto const& [split, paths] : splits)
        for (auto const& path : paths)
            if (detail::data_extension(path) != detail::data_extension(paths.front()))
                throw std::runtime_error(
                    fmt::format("the folder {} holds its split \"{}\" in two formats, {} and {}: name one of the files",
                                folder.string(), split, paths.front().filename().string(), path.filename().string()));
    return splits;
}

/// What is under a split's name, or else under one that means the same (dev: validation).
template <class Value>
typename std::map<std::string, Value>::const_iterator find_split(std::map<std::string, Value> const& splits,
                                                                 std::string const& name) {
    auto found = splits.find(name);
    auto const meant = detail::split_keyword(name);
    for (auto i = splits.begin(); i != splits.end() && found == splits.end() && meant; ++i)
        if (detail::split_keyword(i->first) == meant) found = i;
    return found;
}

/// What a folder lacks of a dataset: data files, one that a broken link stands for, or a part of `-00000-of-00003`.
inline std::optional<std::string> missing_data(std::filesystem::path const& folder) {
    auto const files = detail::data_files_in(folder);
    if (files.empty()) return "data files (.jsonl, .json, .csv, .parquet)";
    static std::regex const shard("(.*)-([0-9]{5})-of-([0-9]{5})(.*)");
    for (auto const& file : files) {
        if (!std::filesystem::exists(folder / file)) return file.string();
        std::smatch match;
        auto const name = file.filename().string();
        if (!std::regex_match(name, match, shard) || match[4].str().starts_with('-')) continue;
        for (int part = 0; part < std::stoi(match[3]); ++part)
            if (auto const other = file.parent_path() / fmt::format("{}-{:05}-of-{}{}", match[1].str(), part,
                                                                    match[3].str(), match[4].str());
                !std::filesystem::exists(folder / other))
                return other.string();
    }
    return std::nullopt;
}

/// The files of a dataset: a file, which is the train split; a folder, whose splits are told by splits_in; or an id of
/// the Hub, organisation/name, as io::resolve_dataset finds it. A lone split that is no held-out one is trained on,
/// whatever its name, where no other was asked for.
/// Throws std::runtime_error where a split is missing, naming those that are there.
inline dataset_files find_dataset(std::string const& name, split_names const& names = {}) {
    auto folder = io::expand_user(name);
    std::error_code ignored;
    bool const is_folder = std::filesystem::is_directory(folder, ignored);
    if (!is_folder && std::filesystem::exists(folder, ignored)) {
        if (names.train != "train" || names.test)
            throw std::runtime_error(fmt::format("{} is one file and has no split \"{}\": give a folder of splits",
                                                 name, names.test ? *names.test : names.train));
        return {{folder}, {}};
    }
    bool const is_id = name.find('/') != std::string::npos && io::hub::is_id(name) && !detail::is_data_file(folder);
    if (!is_folder && !is_id)
        throw std::runtime_error(
            fmt::format("{} does not exist; give a file or folder of JSON lines, CSV or Parquet, or a dataset's id of "
                        "the form organisation/name",
                        name));
    if (!is_folder) folder = io::resolve_dataset(name, missing_data);

    auto const splits = splits_in(folder);
    auto const missing = [&](std::string const& split, std::string_view flag) {
        throw std::runtime_error(fmt::format("{} has no split \"{}\"; it has {}: give one in --{}", name, split,
                                             detail::names_of(splits), flag));
    };
    auto train = find_split(splits, names.train);
    if (train == splits.end() && splits.size() == 1 && names.train == "train" &&
        !detail::split_keyword(splits.begin()->first))
        train = splits.begin();
    if (train == splits.end()) missing(names.train, "dataset_train_split");
    dataset_files found{train->second, {}};
    auto held_out = splits.end();
    if (names.test) {
        auto const test = find_split(splits, *names.test);
        if (test == splits.end()) missing(*names.test, "dataset_test_split");
        if (test == train)
            throw std::runtime_error(
                fmt::format("{} cannot train on its split \"{}\" and hold it out too: give "
                            "another in --dataset_test_split",
                            name, *names.test));
        held_out = test;
    } else {
        for (auto const* const name : {"validation", "test"})
            if (auto const test = find_split(splits, name);
                held_out == splits.end() && test != splits.end() && test != train)
                held_out = test;
    }
    auto const rows = detail::rows_of_card(folder);
    auto const counted = [&](std::string const& split) {
        auto const row = find_split(rows, split);
        return row == rows.end() ? std::nullopt : std::optional(row->second);
    };
    found.train_rows = counted(train->first);
    if (held_out != splits.end()) found.test = held_out->second, found.test_rows = counted(held_out->first);
    return found;
}

/// What is to be said where a dataset's files hold fewer rows than its card says; empty where they do not.
inline std::string missing_rows(std::optional<std::size_t> said, std::size_t held, std::string const& name) {
    if (!said || held >= *said) return {};
    return fmt::format(
        "{} holds {} rows and its card says {}: the files may be incomplete; fetch them again if all are "
        "wanted",
        name, held, *said);
}

/// All records of some files, in order. `more`: formats besides text_formats().
inline record_table read_all(std::vector<std::filesystem::path> const& files,
                             std::vector<record_format> const& more = {}) {
    record_table all;
    for (auto const& file : files) all.append(read_records(file, more));
    return all;
}

}  // namespace proximal::text
