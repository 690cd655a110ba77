// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace proximal::lm {

/// What a parameter is for. It decides how the parameter begins, whether it decays and what an adapter may attach to.
enum class parameter_kind {
    matrix,     // of a linear map, a head's too: begins as N(0, initializer_range)
    bias,       // what is added, a norm's too: begins as 0, does not decay
    norm,       // what a norm multiplies by: begins as 1, does not decay
    embedding,  // a row per token or position: begins as N(0, initializer_range)
};

/// A parameter under its Hugging Face name.
struct named_tensor {
    std::string name;
    parameter_kind kind;
    at::Tensor tensor;
};

/// Where a model's parameters come from, asked once per parameter in the model's order: a file, a random stream,
/// another model. Returns a tensor of that shape in the model's dtype, on its device.
using parameter_source =
    std::function<at::Tensor(std::string const& name, std::vector<std::int64_t> const& shape, parameter_kind)>;

}  // namespace proximal::lm
