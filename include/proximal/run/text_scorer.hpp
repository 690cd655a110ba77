// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <proximal/text/text_episode.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// A verdict on one episode: a finite score, or none ("no score": the episode is left out of training and counted), and
/// what the score is made of, by name.
struct text_score {
    std::optional<double> score;
    std::map<std::string, double> parts{};
};

/// What scores text: a rule, a program, a judge behind a network. One verdict for each episode, in their order.
using text_scorer = std::function<std::vector<text_score>(std::vector<text::text_episode> const&)>;

}  // namespace proximal::run
