// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/text/rouge.hpp>
#include <string>
#include <string_view>

#include "../quickstart/synopsis_rule.hpp"

namespace tldr {

/// What the description of a package says, of a prompt "PACKAGE: ...\nDESCRIPTION: ...\nTL;DR:".
inline std::string_view description_of(std::string_view prompt) {
    auto const from = prompt.find("DESCRIPTION: ");
    if (from == std::string_view::npos) return prompt;
    prompt.remove_prefix(from + 13);
    return prompt.substr(0, prompt.rfind("\nTL;DR:"));
}

/// How much of an answer's words stand in the description: ROUGE-1's precision. It knows nothing of the gold rule and
/// nothing of the reference: an answer that says what the text does not say falls by it.
inline double grounded(std::string_view prompt, std::string_view answer) {
    return proximal::text::rouge_n(answer, description_of(prompt), 1).precision;
}

}  // namespace tldr
