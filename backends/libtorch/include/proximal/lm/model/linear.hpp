// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/model/parameter.hpp>
#include <string>

namespace proximal::lm {

/// y = x Wᵀ + b. Asks its source for `name`.weight [out, in] and, with bias, `name`.bias [out].
struct linear {
    at::Tensor weight, bias;

    linear(parameter_source const& source, std::string const& name, std::int64_t in, std::int64_t out, bool with_bias)
        : weight(source(name + ".weight", {out, in}, parameter_kind::matrix)) {
        if (with_bias) bias = source(name + ".bias", {out}, parameter_kind::bias);
    }
    /// x [N, in] to y [N, out].
    at::Tensor operator()(at::Tensor const& x) const {
        return at::linear(x, weight, bias);  // autocast keeps a cast of the weight itself, and of no view of it
    }
};

}  // namespace proximal::lm
