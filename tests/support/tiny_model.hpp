// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <proximal/lm/model/make_model.hpp>

namespace support {

inline nlohmann::json tiny_config() {
    return {{"model_type", "gpt_neox"},      {"vocab_size", 23},         {"hidden_size", 12},
            {"num_hidden_layers", 2},        {"num_attention_heads", 3}, {"intermediate_size", 20},
            {"max_position_embeddings", 20}, {"rotary_pct", 0.5},        {"initializer_range", 0.4}};
}

/// A language model, float64 unless another is asked for, whose every parameter is random, norms and biases too.
inline proximal::lm::causal_lm tiny_model(nlohmann::json const& config = tiny_config(),
                                          at::ScalarType dtype = at::kDouble) {
    auto const model = proximal::lm::make_causal_lm(config, 3, dtype);
    auto const generator = at::detail::createCPUGenerator(5);
    for (auto const& [name, kind, x] : model.parameters())
        if (x.dim() == 1) x.add_(at::empty_like(x).normal_(0.0, 0.2, generator));
    return model;
}

}  // namespace support
