// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// How responses are drawn, and where they end.
struct sampling_options {
    double temperature = 0.7;
    std::int64_t response_length = 53;
    std::optional<std::string> stop_token;
    std::optional<std::int64_t> stop_token_id;
    std::int64_t local_rollout_forward_batch_size = 64;
    bool cuda_graphs = false;

    static constexpr std::string_view concern = "sampling";
    static constexpr auto knobs = reflect(
        knob<"temperature">(&sampling_options::temperature, "sampling temperature; also divides the training logits",
                            above(0), "TRL adds 1e-7 to it, and so does this program."),
        knob<"response_length">(&sampling_options::response_length, "new tokens per episode, at most", at_least(1)),
        knob<"stop_token">(&sampling_options::stop_token, "\"eos\": a response ends at the tokenizer's EOS", {"eos"},
                           "It excludes stop_token_id."),
        knob<"stop_token_id">(&sampling_options::stop_token_id, "a response ends at this token", at_least(0),
                              "It excludes stop_token."),
        knob<"cuda_graphs">(&sampling_options::cuda_graphs,
                            "record a token's step on a GPU once and repeat it, instead of launching it anew", {},
                            "It helps where a step is shorter than the host's way through it. Not of TRL."),
        knob<"local_rollout_forward_batch_size">(&sampling_options::local_rollout_forward_batch_size,
                                                 "rows per forward pass without gradient", at_least(1),
                                                 "A smaller number needs less memory and gives the same numbers."));
};

}  // namespace proximal::run
