// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace proximal::judge {

/// Two answers to one prompt. `id` names the pair: it decides the order in which a judge sees the answers, and no two
/// pairs of one judging share it. ROUGE compares with `target` where it is not empty, and else with the prompt.
struct answer_pair {
    std::string id, prompt, model, reference;
    std::string target{};
};

/// What a judge is shown: the answers as first and second. `model_first` says which is which; no judge may look at it
/// but to tell two orders apart.
struct question {
    std::string_view id, prompt, first, second;
    bool model_first = true;
};

enum class preference { first, second, tie };

/// Tokens that an endpoint says it has read and written.
struct token_usage {
    std::int64_t prompt_tokens = 0, completion_tokens = 0;

    token_usage& operator+=(token_usage const& other) {
        prompt_tokens += other.prompt_tokens, completion_tokens += other.completion_tokens;
        return *this;
    }
    bool operator==(token_usage const&) const = default;
};

/// What a judge says to a question: which answer it prefers, or none and why there is no verdict.
struct opinion {
    std::optional<preference> preferred;
    std::string why{};
    token_usage usage{};
};

enum class verdict { win, loss, tie, failure };

/// The word for a verdict, as records write it.
constexpr std::string_view verdict_word(verdict result) {
    switch (result) {
        case verdict::win:
            return "win";
        case verdict::loss:
            return "loss";
        case verdict::tie:
            return "tie";
        case verdict::failure:
            break;
    }
    return "failure";
}

/// What came of a pair, from the model's side. A failure is a pair that no verdict was had on: it is neither a win nor
/// a loss.
struct outcome {
    std::string id;
    verdict result = verdict::failure;
    std::string why{};                                    // of a failure
    bool model_first = true;                              // the order shown, or shown first
    bool both_orders = false;                             // asked twice
    bool inconsistent = false;                            // asked twice, and the two verdicts were not the same: a tie
    std::int64_t model_length = 0, reference_length = 0;  // characters
    token_usage usage{};
};

/// Characters (code points) of a UTF-8 text: the length that length control goes by.
constexpr std::int64_t answer_length(std::string_view text) {
    std::int64_t length = 0;
    for (char const c : text) length += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    return length;
}

/// What a pair counts: a win 1, a tie 1/2, a loss 0; a failure nothing.
constexpr std::optional<double> points(verdict result) {
    switch (result) {
        case verdict::win:
            return 1.0;
        case verdict::loss:
            return 0.0;
        case verdict::tie:
            return 0.5;
        case verdict::failure:
            break;
    }
    return std::nullopt;
}

}  // namespace proximal::judge
