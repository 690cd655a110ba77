// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/process.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace proximal::io::hub {

/// `name` or `organisation/name`, of letters, digits, `-`, `_` and `.`.
inline bool is_id(std::string_view id) {
    auto const is_name = [](std::string_view name) {
        if (name.empty() || name.size() > 96 || name.find("..") != std::string_view::npos) return false;
        for (unsigned char const c : name)
            if (!std::isalnum(c) && c != '-' && c != '_' && c != '.') return false;
        return name.front() != '-' && name.front() != '.' && name.back() != '-' && name.back() != '.';
    };
    auto const slash = id.find('/');
    return slash == std::string_view::npos ? is_name(id)
                                           : is_name(id.substr(0, slash)) && is_name(id.substr(slash + 1));
}

/// HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub; `~` and $NAME in them are read as Python does.
inline std::filesystem::path cache_folder() {
    auto const variable = [](char const* name) -> std::optional<std::filesystem::path> {
        auto const* const value = std::getenv(name);
        return value == nullptr || *value == '\0' ? std::nullopt
                                                  : std::optional<std::filesystem::path>(expand_variables(value));
    };
    if (auto const cache = variable("HF_HUB_CACHE")) return *cache;
    if (auto const home = variable("HF_HOME")) return *home / "hub";
    if (auto const home = variable("XDG_CACHE_HOME")) return *home / "huggingface" / "hub";
    return variable("HOME").value_or("/") / ".cache" / "huggingface" / "hub";
}

inline bool is_offline() {
    auto const* const value = std::getenv("HF_HUB_OFFLINE");
    std::string text = value == nullptr ? "" : value;
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

/// What a folder is asked for.
enum class content { model, tokenizer };

/// What an id of the Hub names.
enum class repository { model, dataset };

/// The first file that a folder lacks of what it is asked for: tokenizer.json; or config.json and model.safetensors, or
/// all parts that its model.safetensors.index.json names.
inline std::optional<std::string> missing_file(std::filesystem::path const& folder, content asked = content::model) {
    auto const lacks = [&](char const* name) { return !std::filesystem::exists(folder / name); };
    if (asked == content::tokenizer)
        return lacks("tokenizer.json") ? std::optional<std::string>("tokenizer.json") : std::nullopt;
    if (lacks("config.json")) return "config.json";
    auto const index = folder / "model.safetensors.index.json";
    if (!std::filesystem::exists(index))
        return lacks("model.safetensors") ? std::optional<std::string>("model.safetensors") : std::nullopt;
    auto const weights = io::value_or(read_json(index), "weight_map", nlohmann::json::object());
    for (auto const& file : weights)
        if (auto const name = file.get<std::string>(); !std::filesystem::exists(folder / name)) return name;
    return std::nullopt;
}

/// Where the cache keeps what an id names: datasets--org--name.
inline std::filesystem::path cached_repository(std::string_view id, repository kind = repository::model) {
    std::string folder = kind == repository::model ? "models--" : "datasets--";
    for (char const c : id) folder += c == '/' ? std::string("--") : std::string(1, c);
    return cache_folder() / folder;
}

/// The cached snapshot of the main branch, if there is one; it may lack files.
inline std::optional<std::filesystem::path> cached_snapshot(std::string_view id, repository kind = repository::model) {
    auto const folder = cached_repository(id, kind);
    std::string revision;
    std::ifstream(folder / "refs" / "main") >> revision;
    auto const snapshot = folder / "snapshots" / revision;
    bool const found =
        !revision.empty() && revision.find('/') == std::string::npos && std::filesystem::is_directory(snapshot);
    return found ? std::optional(snapshot) : std::nullopt;
}

/// Lets the program `hf` (or `huggingface-cli`) fetch what an id names; it prints the folder.
inline std::filesystem::path fetch(std::filesystem::path const& program, std::string const& id, repository kind) {
    std::vector<std::string> arguments{"download"};
    if (kind == repository::dataset) arguments.insert(arguments.end(), {"--repo-type", "dataset"});
    arguments.push_back(id);
    auto const [status, output] = run_program(program, arguments);
    auto const end = output.find_last_not_of(" \r\n");
    auto const line = output.substr(0, end == std::string::npos ? 0 : end + 1);
    std::filesystem::path folder = line.substr(line.find_last_of('\n') + 1);  // npos + 1 is 0
    auto const hint =
        fmt::format("run `{} {}` yourself to see why", program.filename().string(), fmt::join(arguments, " "));
    if (status != 0)
        throw std::runtime_error(
            fmt::format("{} could not download {} (status {}); {}", program.string(), id, status, hint));
    if (!std::filesystem::is_directory(folder))
        throw std::runtime_error(fmt::format("{} printed no folder for {}; {}", program.string(), id, hint));
    return folder;
}

/// Fetches a model or a tokenizer, all that is asked for.
inline std::filesystem::path download(std::filesystem::path const& program, std::string const& id, content asked) {
    auto folder = fetch(program, id, repository::model);
    if (auto const missing = missing_file(folder, asked))
        throw std::runtime_error(
            fmt::format("{} downloaded {} without {}; is it a model of transformers, with its weights as safetensors?",
                        program.string(), id, *missing));
    return folder;
}

}  // namespace proximal::io::hub

namespace proximal::io {

/// The folder of a model or a tokenizer: a local folder, with `~` for the home folder; else the Hugging Face cache's
/// snapshot of that id; else, or where that lacks a file of what is asked for, unless HF_HUB_OFFLINE is set, what
/// `hf download` (or `huggingface-cli download`) fetches.
/// Throws std::runtime_error with the remedy where none of these has it.
inline std::filesystem::path resolve_model(std::string const& name_or_path, hub::content asked = hub::content::model) {
    if (auto folder = expand_user(name_or_path); std::filesystem::is_directory(folder)) {
        if (hub::is_id(name_or_path) && std::filesystem::is_empty(folder))
            throw std::runtime_error(
                fmt::format("the local folder {0} is empty, and hides the Hub's {0}: remove it, or start "
                            "elsewhere",
                            name_or_path));
        return folder;
    }
    if (!hub::is_id(name_or_path))
        throw std::runtime_error(fmt::format(
            "{} is neither a folder nor a model id of the form organisation/name; check the path", name_or_path));
    auto const snapshot = hub::cached_snapshot(name_or_path);
    auto const missing = snapshot ? hub::missing_file(*snapshot, asked) : std::nullopt;
    if (snapshot && !missing) return *snapshot;

    auto const state = missing
                           ? fmt::format("lacks {} in the cache {}", *missing, hub::cache_folder().string())
                           : fmt::format("is no local folder and not in the cache {}", hub::cache_folder().string());
    if (hub::is_offline())
        throw std::runtime_error(
            fmt::format("{} {}, and HF_HUB_OFFLINE is set; unset it or give a local folder", name_or_path, state));
    for (auto const* const program : {"hf", "huggingface-cli"})
        if (auto const path = find_program(program)) return hub::download(*path, name_or_path, asked);
    throw std::runtime_error(fmt::format(
        "{} {}; install the program hf (pip install huggingface_hub) or download the model and give its folder",
        name_or_path, state));
}

/// The folder of a dataset of the Hub, by its id: the cache's snapshot, if no download of it was cut short and
/// `missing`, which names what a folder lacks, finds nothing; else, unless HF_HUB_OFFLINE is set, what `hf download
/// --repo-type dataset` fetches. Throws std::runtime_error with the remedy where neither has it.
inline std::filesystem::path resolve_dataset(
    std::string const& id, std::function<std::optional<std::string>(std::filesystem::path const&)> const& missing) {
    auto const snapshot = hub::cached_snapshot(id, hub::repository::dataset);
    auto lacks = snapshot ? missing(*snapshot) : std::nullopt;
    std::error_code none;
    for (auto const& blob :
         std::filesystem::directory_iterator(hub::cached_repository(id, hub::repository::dataset) / "blobs", none))
        if (blob.path().extension() == ".incomplete")
            lacks = "a file whose download was cut short (" + blob.path().string() + ")";
    if (snapshot && !lacks) return *snapshot;

    auto const state =
        snapshot ? fmt::format("lacks {} in the cache", *lacks)
                 : fmt::format("is no local file or folder and not in the cache {}", hub::cache_folder().string());
    if (hub::is_offline())
        throw std::runtime_error(
            fmt::format("{} {}, and HF_HUB_OFFLINE is set; unset it or give a local file or folder", id, state));
    for (auto const* const program : {"hf", "huggingface-cli"})
        if (auto const path = find_program(program)) {
            auto folder = hub::fetch(*path, id, hub::repository::dataset);
            if (auto const still = missing(folder))
                throw std::runtime_error(
                    fmt::format("{} downloaded {} without {}; is it a dataset of JSON, CSV or Parquet files?",
                                path->string(), id, *still));
            return folder;
        }
    throw std::runtime_error(fmt::format(
        "{} {}; install the program hf (pip install huggingface_hub) or download the dataset and give its folder", id,
        state));
}

}  // namespace proximal::io
