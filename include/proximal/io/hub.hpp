// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/process.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

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

/// The cached snapshot of a model's main branch, if there is one; it may lack files.
inline std::optional<std::filesystem::path> cached_snapshot(std::string_view id) {
    std::string folder = "models--";
    for (char const c : id) folder += c == '/' ? std::string("--") : std::string(1, c);
    std::string revision;
    std::ifstream(cache_folder() / folder / "refs" / "main") >> revision;
    auto const snapshot = cache_folder() / folder / "snapshots" / revision;
    bool const found =
        !revision.empty() && revision.find('/') == std::string::npos && std::filesystem::is_directory(snapshot);
    return found ? std::optional(snapshot) : std::nullopt;
}

/// Lets the program `hf` (or `huggingface-cli`) fetch a model; it prints where.
inline std::filesystem::path download(std::filesystem::path const& program, std::string const& id, content asked) {
    auto const [status, output] = run_program(program, {"download", id});
    auto const end = output.find_last_not_of(" \r\n");
    auto const line = output.substr(0, end == std::string::npos ? 0 : end + 1);
    std::filesystem::path folder = line.substr(line.find_last_of('\n') + 1);  // npos + 1 is 0
    auto const hint = fmt::format("run `{} download {}` yourself to see why", program.filename().string(), id);
    if (status != 0)
        throw std::runtime_error(
            fmt::format("{} could not download {} (status {}); {}", program.string(), id, status, hint));
    if (!std::filesystem::is_directory(folder))
        throw std::runtime_error(fmt::format("{} printed no folder for {}; {}", program.string(), id, hint));
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

}  // namespace proximal::io
