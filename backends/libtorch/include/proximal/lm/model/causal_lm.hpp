// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/lm/model/architecture.hpp>
#include <proximal/lm/model/backbone.hpp>
#include <proximal/lm/model/begin_training.hpp>
#include <vector>

namespace proximal::lm {

/// A language model: a backbone, and the head that turns hidden states into next-token logits.
///
/// A copy shares its tensors; clone() does not.
struct causal_lm {
    std::shared_ptr<backbone> body;
    at::Tensor lm_head;     // [V, H]; the token embedding itself where the config ties them
    nlohmann::json config;  // config.json, kept whole

    /// Whether the head is the token embedding itself.
    bool tied() const { return lm_head.is_same(body->token_embedding()); }

    /// The backbone's, then the head's unless it is tied: Hugging Face's names and order.
    std::vector<named_tensor> parameters() const {
        auto all = body->parameters();
        if (!tied()) all.push_back({architecture_of(config).lm_head, parameter_kind::matrix, lm_head});
        return all;
    }
    /// Those of them that require a gradient: what an optimizer is given.
    std::vector<named_tensor> trainable_parameters() const { return requiring_grad(parameters()); }

    /// [N, V] of hidden states [N, H].
    at::Tensor logits(at::Tensor const& hidden) const { return hidden.mm(lm_head.t()); }
};

}  // namespace proximal::lm
