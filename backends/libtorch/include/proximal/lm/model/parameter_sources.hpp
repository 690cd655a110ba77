// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <map>
#include <proximal/lm/model/parameter.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// New parameters as Hugging Face initialises them: matrices and embeddings from N(0, deviation), biases 0, norms 1.
///
/// Drawn on the CPU in float32, in the order asked, from one stream of `seed`: the same on every device, in every
/// dtype.
inline parameter_source drawn(double deviation, std::uint64_t seed, at::TensorOptions options) {
    return [deviation, options, generator = at::detail::createCPUGenerator(seed)](
               std::string const&, std::vector<std::int64_t> const& shape, parameter_kind kind) {
        at::Tensor x = at::empty(shape, at::kFloat);
        if (kind == parameter_kind::matrix || kind == parameter_kind::embedding) x.normal_(0.0, deviation, generator);
        else x.fill_(kind == parameter_kind::norm ? 1.0 : 0.0);
        return x.to(options);
    };
}

/// Copies of another model's parameters, by name.
inline parameter_source copied(std::vector<named_tensor> const& parameters) {
    std::map<std::string, at::Tensor> from;
    for (auto const& parameter : parameters) from.emplace(parameter.name, parameter.tensor);
    return [from](std::string const& name, std::vector<std::int64_t> const&, parameter_kind) {
        return from.at(name).detach().clone();
    };
}

}  // namespace proximal::lm
