// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/run/config_file.hpp>
#include <proximal/run/edit_distance.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/launch.hpp>
#include <proximal/run/sharding_keys.hpp>
#include <proximal/run/sharding_stage.hpp>
#include <proximal/run/training_options.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

namespace detail {
/// A value of DeepSpeed's or FSDP's configuration, under which name and where it stands.
struct sharding_entry {
    std::string name;  // "zero_optimization.stage"
    YAML::Node value;
    std::string place;  // "ds.json:3"

    nlohmann::json json() const {
        std::int64_t most = 10'000;
        return json_of(value, most);
    }
    std::string text() const {
        auto const known = json();
        return known.is_string() ? known.get<std::string>() : known.dump();
    }
    [[noreturn]] void refuse(std::string_view why) const {
        throw std::invalid_argument(fmt::format("{}: {}{}", place, name, why));
    }
};

/// The keys of a mapping in order, each once.
inline std::vector<sharding_entry> sharding_entries(YAML::Node const& mapping, std::string const& file,
                                                    std::string const& under) {
    std::vector<sharding_entry> entries;
    std::set<std::string> known;
    for (auto const& item : mapping) {
        auto const place = fmt::format("{}:{}", file, item.first.Mark().line + 1);
        if (!item.first.IsScalar()) throw std::invalid_argument(place + ": a key must be a name");
        entries.push_back({under + item.first.Scalar(), item.second, place});
        if (!known.insert(item.first.Scalar()).second) entries.back().refuse(" stands twice: keep one of them");
    }
    return entries;
}

/// A configuration that an option names by its file, or is.
inline std::vector<sharding_entry> read_sharding_file(std::string const& option, std::string const& value) {
    auto const first = value.find_first_not_of(" \t\r\n");
    std::string const remedy = "write keys and values, as {\"key\": value}";
    if (first != std::string::npos && value[first] == '{')
        return sharding_entries(mapping_of(value, option, option, remedy), option, "");
    auto const path = io::expand_user(value);
    auto const name = path.filename().string();
    return sharding_entries(mapping_of(config_text_of(path, option), name, option + " " + value, remedy), name, "");
}

/// Whether a value asks for nothing: it is unset, off or "auto", all that it holds asks for nothing, or it is switched
/// off by `enabled`, or by `device`.
inline bool asks_for_nothing(nlohmann::json const& value, std::string_view nothing) {
    if (value.is_object())
        for (auto const* const master : {"enabled", "device"})
            if (value.contains(master)) return asks_for_nothing(value[master], nothing);
    if (value.is_structured())
        return std::all_of(value.begin(), value.end(),
                           [&](nlohmann::json const& one) { return asks_for_nothing(one, nothing); });
    auto const text = value.is_string() ? value.get<std::string>() : value.dump();
    return value.is_null() || text == "auto" || same_value(text, "none") || same_value(text, "false") ||
           (!nothing.empty() && same_value(text, nothing));
}

inline bool is_auto(sharding_entry const& entry) { return entry.value.IsNull() || entry.text() == "auto"; }

/// What is known of a configuration once it is read: what goes into the note.
struct mapped_keys {
    std::string sharding = "none";
    std::vector<std::string> tuning;  // names of keys that are taken and not read
};

/// A key that is in no way mapped: it tunes, is refused, or is not known.
template <std::size_t N>
void take_unmapped(sharding_entry const& entry, std::string_view key, std::array<sharding_key, N> const& keys,
                   mapped_keys& mapped) {
    std::string_view nearest;
    std::size_t distance = 3;  // farther names are no misspellings
    for (auto const& row : keys) {
        if (row.name == key) {
            if (row.because.empty()) mapped.tuning.push_back(entry.name);
            else if (!asks_for_nothing(entry.json(), row.nothing))
                entry.refuse(fmt::format(" is not supported: {}", row.because));
            return;
        }
        if (auto const edits = edit_distance(row.name, key); edits < distance) nearest = row.name, distance = edits;
    }
    entry.refuse(nearest.empty() ? std::string(" is a key that is not known: remove it")
                                 : fmt::format(" is a key that is not known: did you mean {}?", nearest));
}

/// Refuses a value that is another than the flag's.
inline void must_agree(sharding_entry const& entry, std::string_view flag, std::string const& of_flag) {
    if (is_auto(entry) || same_value(entry.text(), of_flag)) return;
    entry.refuse(fmt::format(" is {} and --{} is {}: give --{} {}, or write \"auto\"", entry.text(), flag, of_flag,
                             flag, entry.text()));
}

/// A section of DeepSpeed's that switches a precision on.
inline void take_precision(sharding_entry const& section, std::string const& file, std::string_view flag, bool is_on,
                           mapped_keys& mapped) {
    if (is_auto(section)) return;
    if (!section.value.IsMap()) section.refuse(" must be a section, as {\"enabled\": true}");
    bool enabled = false;
    auto const entries = sharding_entries(section.value, file, section.name + ".");
    for (auto const& entry : entries)
        if (entry.name.ends_with(".enabled")) {
            must_agree(entry, flag, is_on ? "true" : "false");
            enabled = is_on;
        }
    for (auto const& entry : entries) {
        auto const key = std::string_view(entry.name).substr(section.name.size() + 1);
        mapped_keys unread;
        if (key != "enabled") take_unmapped(entry, key, half_keys, enabled ? mapped : unread);
    }
}

/// Whether a section asks for the host's memory, as {"device": "cpu"} does.
inline bool is_cpu_offload(sharding_entry const& section) {
    auto const value = section.json();
    return value.is_object() && value.value("device", nlohmann::json()) == "cpu";
}

inline mapped_keys map_deepspeed(training_options const& config, std::int64_t world_size) {
    std::string const option = "--deepspeed";
    mapped_keys mapped;
    auto const rows = config.per_device_train_batch_size * config.gradient_accumulation_steps * world_size;
    for (auto const& entry : read_sharding_file(option, *config.deepspeed)) {
        auto const& key = entry.name;
        auto const file = entry.place.substr(0, entry.place.rfind(':'));
        if (key == "zero_optimization") {
            if (is_auto(entry)) continue;
            if (!entry.value.IsMap()) entry.refuse(" must be a section, as {\"stage\": 2}");
            for (auto const& one : sharding_entries(entry.value, file, "zero_optimization.")) {
                auto const inner = std::string_view(one.name).substr(key.size() + 1);
                if (inner == "stage") {
                    auto const stage = one.json();
                    if (is_auto(one)) continue;
                    if (!stage.is_number_integer() || stage < 0 || stage > 3)
                        one.refuse(" is " + one.text() + ", and must be 0, 1, 2 or 3");
                    mapped.sharding = sharding_stages[stage.get<std::size_t>()];
                } else if (inner.starts_with("stage3_")) {
                    mapped.tuning.push_back(one.name);
                } else if (inner == "offload_optimizer" && is_cpu_offload(one)) {
                    if (!config.offload_optimizer)
                        one.refuse(
                            " keeps the optimizer's state in the host's memory: give --offload_optimizer true, too");
                } else {
                    take_unmapped(one, inner, zero_keys, mapped);
                }
            }
        } else if (key == "bf16" || key == "bfloat16") {
            take_precision(entry, file, "bf16", config.bf16, mapped);
        } else if (key == "fp16") {
            take_precision(entry, file, "fp16", config.fp16, mapped);
        } else if (key == "gradient_clipping") {
            bool const is_none = same_value(entry.text(), "0") && !config.max_grad_norm;
            if (!is_none) must_agree(entry, "max_grad_norm", flag_text(config.max_grad_norm));
        } else if (key == "train_micro_batch_size_per_gpu") {
            must_agree(entry, "per_device_train_batch_size", flag_text(config.per_device_train_batch_size));
        } else if (key == "gradient_accumulation_steps") {
            must_agree(entry, key, flag_text(config.gradient_accumulation_steps));
        } else if (key == "train_batch_size") {
            if (is_auto(entry) || same_value(entry.text(), std::to_string(rows))) continue;
            entry.refuse(
                fmt::format(" is {}, and --per_device_train_batch_size x --gradient_accumulation_steps x processes is "
                            "{} x {} x {} = {}: change these, or write \"auto\"",
                            entry.text(), config.per_device_train_batch_size, config.gradient_accumulation_steps,
                            world_size, rows));
        } else if (key == "optimizer") {
            auto const value = entry.json();
            auto const type = value.is_object() && value.contains("type") ? value["type"] : nlohmann::json();
            bool const is_ours = (type == "AdamW" || type == "Adam") && config.optim.starts_with("adamw") &&
                                 asks_for_nothing(value.value("params", nlohmann::json()), "");
            if (!is_ours && !asks_for_nothing(value, ""))
                entry.refuse(
                    " is not read: give --optim, --learning_rate, --weight_decay and --adam_beta1, and leave it out, "
                    "or "
                    "write AdamW with \"auto\" for each of its params");
        } else {
            take_unmapped(entry, key, deepspeed_keys, mapped);
        }
    }
    return mapped;
}

inline mapped_keys map_fsdp(training_options const& config) {
    auto const refuse = [](std::string const& why) { throw std::invalid_argument(why); };
    mapped_keys mapped;
    std::optional<std::string> chosen;
    auto words = config.fsdp.value_or("");
    std::replace(words.begin(), words.end(), ',', ' ');
    std::istringstream list(words);
    std::string first;
    for (std::string word; list >> word;) {
        if (word == "auto_wrap" || same_value(word, "false") || same_value(word, "none")) continue;
        if (word == "offload") refuse(fmt::format("--fsdp offload is not supported: {}", stays_on_device));
        if (word == "hybrid_shard" || word == "hybrid_shard_zero2")
            refuse(fmt::format("--fsdp {} is not supported: {}; give {}", word, one_level,
                               word == "hybrid_shard" ? "full_shard" : "shard_grad_op"));
        auto const sharding = word == "full_shard" || same_value(word, "true") ? "zero3"
                              : word == "shard_grad_op"                        ? "zero2"
                              : word == "no_shard"                             ? "none"
                                                                               : "";
        if (*sharding == '\0')
            refuse(
                fmt::format("--fsdp {} is not known: give full_shard, shard_grad_op or no_shard, with auto_wrap or "
                            "without",
                            word));
        if (chosen && *chosen != sharding)
            refuse(fmt::format("--fsdp {} and {} exclude each other: give one", first, word));
        chosen = sharding, first = word;
    }
    if (!chosen && words.find("auto_wrap") != std::string::npos)
        refuse("--fsdp auto_wrap does not say what is split: add full_shard, shard_grad_op or no_shard");
    if (config.fsdp_config && !config.fsdp_config->empty())
        for (auto const& entry : read_sharding_file("--fsdp_config", *config.fsdp_config)) {
            auto const key = std::string_view(entry.name).substr(entry.name.starts_with("fsdp_") ? 5 : 0);
            if (key == "activation_checkpointing")
                must_agree(entry, "gradient_checkpointing", flag_text(config.gradient_checkpointing));
            else take_unmapped(entry, key, fsdp_keys, mapped);
        }
    if (!chosen && !mapped.tuning.empty())
        refuse("--fsdp_config would do nothing: give --fsdp full_shard, shard_grad_op or no_shard with it");
    mapped.sharding = chosen.value_or("");
    return mapped;
}
}  // namespace detail

/// Sets --sharding as --deepspeed or --fsdp, with --fsdp_config, ask for it:
///
///     zero_optimization.stage 0, 1, 2, 3              none, zero1, zero2, zero3
///     --fsdp no_shard, shard_grad_op, full_shard      none, zero2, zero3
///
/// Gives a note that says so, "--deepspeed ds.json: --sharding zero2", with the keys that were taken and not read since
/// they change no number; an empty one where none of the options is given. Other keys must ask for nothing, be "auto"
/// or say what the flags say; `world_size` is the number of processes.
/// Throws std::invalid_argument with file and line where they do not, or where what is asked for is not supported or
/// contradicts --sharding; as read_config_file does where a file cannot be read.
inline std::string map_sharding(training_options& config, given_flags const& given, std::int64_t world_size) {
    bool const by_deepspeed = config.deepspeed && !config.deepspeed->empty();
    auto const by_fsdp = detail::map_fsdp(config);
    if (by_deepspeed && !by_fsdp.sharding.empty())
        throw std::invalid_argument("--deepspeed and --fsdp exclude each other: give one, or --sharding alone");
    if (!by_deepspeed && by_fsdp.sharding.empty()) return "";
    auto const mapped = by_deepspeed ? detail::map_deepspeed(config, world_size) : by_fsdp;
    auto const option = by_deepspeed && config.deepspeed->find('{') == std::string::npos
                            ? "--deepspeed " + *config.deepspeed
                        : by_deepspeed ? std::string("--deepspeed")
                                       : "--fsdp " + *config.fsdp;
    bool const is_chosen_too = is_chosen(given, "sharding") || config.sharding != "none";
    if (is_chosen_too && config.sharding != mapped.sharding)
        throw std::invalid_argument(
            fmt::format("{} asks for --sharding {}, and --sharding {} is given: give one of them", option,
                        mapped.sharding, config.sharding));
    config.sharding = mapped.sharding;
    auto note = fmt::format("{}: --sharding {}", option, mapped.sharding);
    for (auto const& key : mapped.tuning)
        note += (&key == &mapped.tuning.front() ? "; taken and not read, as no number depends on them: " : ", ") + key;
    return note;
}

/// The same for a command line: the launcher says how many processes there are, the note is printed, and what it says
/// counts as given by the option that asked for it.
inline void map_given_sharding(training_options& config, given_flags& given) {
    if (!config.deepspeed && !config.fsdp && !config.fsdp_config) return;
    auto const note = map_sharding(config, given, read_launch().world_size);
    if (note.empty()) return;
    fmt::print("note       {}\n", note);
    given.insert_or_assign("sharding", given_value{.text = config.sharding,
                                                   .source = note.substr(0, note.find(": --sharding")),
                                                   .is_default = config.sharding == "none"});
}

}  // namespace proximal::run
