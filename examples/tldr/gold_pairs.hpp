// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <proximal/lm/generation/generate_in_chunks.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../quickstart/corpus.hpp"
#include "../quickstart/synopsis_rule.hpp"

namespace tldr {

/// A prompt and two answers of which the gold rule prefers the first.
struct labelled_pair {
    std::string prompt, chosen, rejected, kind;
};

/// Answers to prompts, as text, drawn at a temperature; the draws depend on the seed and the row alone.
inline std::vector<std::string> sampled_texts(proximal::lm::causal_lm const& model,
                                              proximal::text::tokenizer const& words,
                                              std::vector<std::string> const& prompts, double temperature,
                                              std::int64_t most_tokens, std::uint64_t seed,
                                              std::string const& shown = {}) {
    at::NoGradGuard const no_gradient;
    std::vector<std::string> texts;
    proximal::run::progress_bar bar(shown, std::ssize(prompts), !shown.empty());
    constexpr std::size_t chunk = 128;
    for (std::size_t at = 0; at < prompts.size(); at += chunk) {
        std::vector<std::vector<std::int64_t>> ids;
        for (std::size_t i = at; i < std::min(prompts.size(), at + chunk); ++i) ids.push_back(words.encode(prompts[i]));
        auto const drawn =
            proximal::lm::generate(model, ids,
                                   {.temperature = temperature,
                                    .max_new_tokens = most_tokens,
                                    .stop_token = words.eos_token_id(),
                                    .pad_token = *words.pad_token_id()},
                                   proximal::lm::multinomial_sampler{proximal::run::stream_seed(seed, "samples"), at});
        for (auto const& row : proximal::lm::responses_of(drawn)) texts.push_back(words.decode(row, true));
        if (!shown.empty()) bar.show(std::ssize(texts));
    }
    bar.finish();
    return texts;
}

/// Pairs as the gold rule labels them: two samples of a prompt, a sample against one for another prompt, the real
/// synopsis against a sample. Equal ones are left out: the rule prefers neither.
inline std::vector<labelled_pair> gold_pairs(std::vector<proximal::quickstart::example> const& examples,
                                             std::vector<std::string> const& first,
                                             std::vector<std::string> const& second,
                                             proximal::quickstart::synopsis_rule const& gold, std::uint64_t seed) {
    std::vector<labelled_pair> pairs;
    std::mt19937_64 draw(seed);
    for (std::size_t i = 0; i < examples.size(); ++i) {
        auto const& other = second[draw() % second.size()];
        using candidate = std::pair<char const*, std::string>;
        candidate const one{"sample", first[i]}, two{"sample", second[i]}, foreign{"other prompt's", other},
            real{"real", examples[i].completion};
        for (auto const& [x, y] : {std::pair{one, two}, {one, foreign}, {real, two}}) {
            double const a = gold(x.second), b = gold(y.second);
            if (a == b || x.second.empty() || y.second.empty()) continue;
            auto const& [chosen, rejected] = a > b ? std::pair(x, y) : std::pair(y, x);
            pairs.push_back(
                {examples[i].prompt, chosen.second, rejected.second, std::string(x.first) + " / " + y.first});
        }
    }
    return pairs;
}

}  // namespace tldr
