// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/lm/model/architecture.hpp>
#include <proximal/lm/model/begin_training.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/parameter_sources.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <utility>

namespace proximal::lm {

/// An untrained language model of a config.json's shape, initialised as Hugging Face does (see drawn()).
/// Throws std::invalid_argument, naming the field, for a config that does not fit.
inline causal_lm make_causal_lm(nlohmann::json config, std::uint64_t seed, at::ScalarType dtype = at::kFloat,
                                at::Device device = at::kCPU, std::optional<at::ScalarType> rotary_precision = {}) {
    auto const& kind = architecture_of(config);
    auto const source =
        drawn(io::value_or(config, "initializer_range", 0.02), seed, at::TensorOptions(device).dtype(dtype));
    auto const body = kind.build(config, source, rotary_precision);
    auto const head =
        io::value_or(config, "tie_word_embeddings", false)
            ? body->token_embedding()
            : source(kind.lm_head, {body->vocabulary_size(), body->hidden_size()}, parameter_kind::matrix);
    return {body, head, std::move(config)};
}

/// A backbone of its own with equal parameters.
inline std::shared_ptr<backbone> clone(backbone const& body) { return body.rebuild(copied(body.parameters())); }

/// A model of its own with equal parameters; requires_grad is off.
inline causal_lm clone(causal_lm const& model) {
    auto const body = clone(*model.body);
    return {body, model.tied() ? body->token_embedding() : model.lm_head.detach().clone(), model.config};
}
/// A classifier of its own with equal parameters; requires_grad is off.
inline sequence_classifier clone(sequence_classifier const& model) {
    return {clone(*model.body), model.score.detach().clone(), model.config};
}

/// A critic or reward model that begins as a copy of a backbone, its head drawn by `seed` from N(0, deviation), by
/// default the config's initializer_range, as Hugging Face does.
inline sequence_classifier make_sequence_classifier(backbone const& body, nlohmann::json config, std::uint64_t seed,
                                                    std::optional<double> deviation = {}) {
    auto const score = drawn(deviation.value_or(io::value_or(config, "initializer_range", 0.02)), seed, body.options())(
        "score", {1, body.hidden_size()}, parameter_kind::matrix);
    return {clone(body), score, std::move(config)};
}

/// The deviation of a reward model's new head in the N+ paper: 1/sqrt(H + 1), so that rewards begin at about 1.
/// Source: Stiennon et al. 2020, Huang et al. 2024 (arXiv 2403.17031), "initialise the head from N(0, 1/(d + 1))".
inline double reward_head_deviation(backbone const& body) {
    return 1.0 / std::sqrt(static_cast<double>(body.hidden_size()) + 1.0);
}

}  // namespace proximal::lm
