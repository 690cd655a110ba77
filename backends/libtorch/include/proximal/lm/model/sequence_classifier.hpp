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

/// A reward model or a critic: a backbone, and a head that gives every token one number.
///
/// A copy shares its tensors; clone() does not.
struct sequence_classifier {
    std::shared_ptr<backbone> body;
    at::Tensor score;       // [1, H]
    nlohmann::json config;  // config.json, kept whole

    /// The backbone's, then the head's: Hugging Face's names and order.
    std::vector<named_tensor> parameters() const {
        auto all = body->parameters();
        all.push_back({architecture_of(config).score, parameter_kind::matrix, score});
        return all;
    }
    /// Those of them that require a gradient: what an optimizer is given.
    std::vector<named_tensor> trainable_parameters() const { return requiring_grad(parameters()); }

    /// [N] of hidden states [N, H].
    at::Tensor values(at::Tensor const& hidden) const { return hidden.mv(score.squeeze(0)); }
};

}  // namespace proximal::lm
