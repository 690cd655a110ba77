// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// How completions are drawn.
struct sampling {
    double temperature = 1.0;          // logits are divided by exactly this; TRL's is its `temperature` + 1e-7
    std::int64_t top_k = 0;            // 0: every token may come
    double top_p = 1.0;                // 1: every token may come
    std::int64_t max_new_tokens = 16;  // T
    std::optional<std::int64_t> stop_token = std::nullopt;  // a row ends with it; none: every row runs to T
    std::int64_t pad_token = 0;                             // what stands after a row's end
    bool graphs = false;  // record a step's operations once and repeat them: not on the CPU, see libtorch::step_graph

    /// Throws std::invalid_argument, naming the field, for a value out of range.
    void check() const {
        auto const require = [](bool holds, char const* what) {
            if (!holds) throw std::invalid_argument("proximal: sampling." + std::string(what));
        };
        require(temperature > 0.0, "temperature must be positive; for the most likely token use greedy_sampler");
        require(top_k >= 0, "top_k must be 0 (off) or positive");
        require(top_p > 0.0 && top_p <= 1.0, "top_p must lie in (0, 1]");
        require(max_new_tokens > 0, "max_new_tokens must be positive");
    }
};

}  // namespace proximal::lm
