// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/text/chat_template.hpp>
#include <proximal/text/text_episode.hpp>
#include <proximal/text/tokenizer.hpp>
#include <vector>

namespace proximal::lm {

/// A prompt with its response, as a reward sees it: tokens for a model, text for a rule, a program or a judge.
struct finished_episode {
    std::vector<std::int64_t> query, response;  // the response ends with its stop token, and holds no padding
    text::text_episode text{};                  // the same as text: see with_text
};

/// Adds the text of every episode, made once for all who score: special tokens left out. `records` are the data's lines
/// that the prompts come from, one for each episode, or none.
inline void with_text(std::vector<finished_episode>& episodes, text::tokenizer const& tokenizer,
                      std::vector<nlohmann::json> const& records) {
    for (std::size_t i = 0; i < episodes.size(); ++i) {
        auto& episode = episodes[i];
        episode.text.prompt = tokenizer.decode(episode.query, true);
        episode.text.response = tokenizer.decode(episode.response, true);
        if (i >= records.size()) continue;
        episode.text.record = records[i];
        for (auto const* const key :
             {"prompt", "messages"})  // as prompt_ids reads them: an answer at the end is not asked
            if (records[i].is_object() && records[i].contains(key) && records[i][key].is_array()) {
                episode.text.messages = text::without_answer(records[i][key]);
                break;
            }
    }
}

}  // namespace proximal::lm
