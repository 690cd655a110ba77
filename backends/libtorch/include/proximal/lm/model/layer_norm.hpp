// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/model/parameter.hpp>
#include <string>

namespace proximal::lm {

/// y = (x − mean) / √(variance + ε) · g + b over the last dimension. Ba et al. (2016), arXiv 1607.06450.
struct layer_norm {
    at::Tensor weight, bias;  // [H]
    double epsilon;

    layer_norm(parameter_source const& source, std::string const& name, std::int64_t size, double epsilon)
        : weight(source(name + ".weight", {size}, parameter_kind::norm)),
          bias(source(name + ".bias", {size}, parameter_kind::bias)),
          epsilon(epsilon) {}
    at::Tensor operator()(at::Tensor const& x) const {
        return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
    }
};

}  // namespace proximal::lm
