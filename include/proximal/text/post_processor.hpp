// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::text {

/// The special tokens around a text. ByteLevel, which only moves offsets, adds none.
struct post_processor {
    std::vector<std::int64_t> before, after;
};

/// The `post_processor` of a tokenizer.json. Throws std::invalid_argument, by name, for a kind that is not one of
/// ByteLevel, TemplateProcessing (its `single`), Sequence of these.
inline post_processor make_post_processor(nlohmann::json const& settings) {
    post_processor result;
    if (settings.is_null()) return result;
    auto const type = settings.at("type").get<std::string>();
    if (type == "ByteLevel") return result;
    if (type == "Sequence") {
        for (auto const& step : settings.at("processors")) {
            auto const more = make_post_processor(step);
            result.before.insert(result.before.begin(), more.before.begin(), more.before.end());
            result.after.insert(result.after.end(), more.after.begin(), more.after.end());
        }
        return result;
    }
    if (type != "TemplateProcessing")
        throw std::invalid_argument(fmt::format(
            "the post-processor '{}' is not supported (ByteLevel, TemplateProcessing and Sequence are)", type));
    int texts = 0;
    for (auto const& part : settings.at("single")) {
        if (part.contains("Sequence")) {
            if (part.at("Sequence").at("id") != "A") texts = 2;
            ++texts;
            continue;
        }
        auto const name = part.at("SpecialToken").at("id").get<std::string>();
        for (auto const& id : settings.at("special_tokens").at(name).at("ids"))
            (texts == 0 ? result.before : result.after).push_back(id.get<std::int64_t>());
    }
    if (texts != 1)
        throw std::invalid_argument("the post-processor's template for one text must hold the text $A once");
    return result;
}

/// The special tokens that transformers' GPTNeoXTokenizer puts around a text, whatever the post_processor says: by
/// `add_bos_token` and `add_eos_token` of tokenizer_config.json.
inline post_processor gpt_neox_post_processor(nlohmann::json const& settings, std::optional<std::int64_t> bos,
                                              std::optional<std::int64_t> eos) {
    post_processor around;
    if (bos && io::value_or(settings, "add_bos_token", false)) around.before.push_back(*bos);
    if (eos && io::value_or(settings, "add_eos_token", false)) around.after.push_back(*eos);
    return around;
}

}  // namespace proximal::text
