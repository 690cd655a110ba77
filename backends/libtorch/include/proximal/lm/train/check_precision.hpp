// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <proximal/lm/model/parameter.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::lm {

/// Refuses to train parameters of 16 bits: an optimizer's small steps are lost to rounding, and log-probs are too
/// coarse for ratios.
/// Throws std::invalid_argument, naming the model and the remedy. To sample from such a model is no trouble.
inline void check_precision(std::vector<named_tensor> const& parameters, std::string const& whose) {
    for (auto const& parameter : parameters)
        if (auto const type = parameter.tensor.scalar_type(); type != at::kFloat && type != at::kDouble)
            throw std::invalid_argument("the " + whose + "'s " + parameter.name + " is of " + c10::toString(type) +
                                        ": load a model that is to learn as at::kFloat or at::kDouble; --bf16 "
                                        "true computes in bfloat16 from float32 weights");
}

}  // namespace proximal::lm
