// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/json_file.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::text {

/// What stands beside tokenizer.json in a Hugging Face folder: tokenizer_config.json, special_tokens_map.json and,
/// where there is one, chat_template.jinja. Keys that nothing here reads are kept.
class tokenizer_config {
   public:
    static constexpr std::array<char const*, 7> roles = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                         "pad_token", "cls_token", "mask_token"};

    /// Reads what is there of tokenizer_config.json, special_tokens_map.json and chat_template.jinja.
    static tokenizer_config load(std::filesystem::path const& folder) {
        auto const read = [&](char const* name) {
            return std::filesystem::exists(folder / name) ? io::read_json(folder / name) : nlohmann::json::object();
        };
        tokenizer_config config;
        config.settings = read("tokenizer_config.json");
        config.map_ = read("special_tokens_map.json");
        if (auto const jinja = folder / "chat_template.jinja"; std::filesystem::exists(jinja)) {
            std::ifstream in(jinja, std::ios::binary);
            config.jinja_ = std::string(std::istreambuf_iterator<char>(in), {});
        }
        return config;
    }

    /// Writes the same files.
    void save(std::filesystem::path const& folder) const {
        auto named = settings;
        if (!named.contains("tokenizer_class")) named["tokenizer_class"] = "PreTrainedTokenizerFast";
        io::write_file(folder / "tokenizer_config.json", named.dump(2) + "\n");
        io::write_file(folder / "special_tokens_map.json", map_.dump(2) + "\n");
        if (jinja_) io::write_file(folder / "chat_template.jinja", *jinja_);
    }

    /// The text of a special token: `tokenizer_config.json` first, then `special_tokens_map.json`, then what the
    /// tokenizer_class takes by default.
    std::optional<std::string> special_token(std::string_view role) const {
        for (auto const* const file : {&settings, &map_}) {
            auto const entry = file->find(role);
            if (entry == file->end()) continue;
            if (entry->is_null()) return std::nullopt;
            return entry->is_object() ? entry->at("content").get<std::string>() : entry->get<std::string>();
        }
        bool const defaults =
            (is_gpt2() || is_gpt_neox()) && (role == "bos_token" || role == "eos_token" || role == "unk_token");
        return defaults ? std::optional<std::string>("<|endoftext|>") : std::nullopt;
    }
    /// Gives a role to a token of this text, in both files.
    void set_special_token(std::string const& role, std::string_view content) { settings[role] = map_[role] = content; }

    /// The tokens that have a role, then `additional_special_tokens`.
    std::vector<std::string> special_tokens() const {
        std::vector<std::string> all;
        for (auto const* const role : roles)
            if (auto token = special_token(role)) all.push_back(*token);
        for (auto const& more : io::value_or(settings, "additional_special_tokens", nlohmann::json::array()))
            all.push_back(more.is_object() ? more.at("content").get<std::string>() : more.get<std::string>());
        return all;
    }

    /// The Jinja text by which messages become a prompt; nothing where there is none.
    std::optional<std::string> chat_template() const {
        if (jinja_) return jinja_;
        auto const entry = settings.find("chat_template");
        if (entry == settings.end() || entry->is_null()) return std::nullopt;
        return entry->is_string() ? entry->get<std::string>() : entry->dump();
    }

    /// Whether the tokenizer_class is GPT-2's, slow or fast.
    bool is_gpt2() const { return class_name().starts_with("GPT2Tokenizer"); }
    /// Whether the tokenizer_class is GPT-NeoX's.
    bool is_gpt_neox() const { return class_name().starts_with("GPTNeoXTokenizer"); }

    /// The pre_tokenizer of tokenizer.json as the tokenizer_class changes it.
    nlohmann::json overrule(nlohmann::json pre_tokenizer) const {
        if ((is_gpt2() || is_gpt_neox()) && pre_tokenizer.contains("add_prefix_space"))
            pre_tokenizer["add_prefix_space"] = io::value_or(settings, "add_prefix_space", false);
        return pre_tokenizer;
    }

    nlohmann::json settings = nlohmann::json::object();  // tokenizer_config.json

   private:
    std::string class_name() const { return io::value_or(settings, "tokenizer_class", std::string()); }

    nlohmann::json map_ = nlohmann::json::object();
    std::optional<std::string> jinja_;
};

}  // namespace proximal::text
