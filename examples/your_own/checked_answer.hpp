// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/run/text_scorer.hpp>
#include <string>

namespace mine {

/// A reward with named parts, and with no score where it cannot tell: whether a response holds the data's answer, and
/// how short it is. Records look like {"prompt": "2 + 2 =", "answer": "4"}; one without an answer is left out of
/// training.
inline proximal::run::text_score checked_answer(proximal::text::text_episode const& episode) {
    if (!episode.record.is_object() || !episode.record.contains("answer")) return {};
    auto const answer = episode.record["answer"].get<std::string>();
    double const correct = episode.response.find(answer) != std::string::npos ? 1.0 : 0.0;
    double const brevity = 1.0 / (1.0 + static_cast<double>(episode.response.size()));
    return {correct + 0.1 * brevity, {{"correct", correct}, {"brevity", brevity}}};
}

}  // namespace mine
