// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <catch2/catch.hpp>

namespace support {

/// max |a - b| of two tensors of one shape.
inline double largest_difference(at::Tensor const& a, at::Tensor const& b) {
    REQUIRE(a.sizes() == b.sizes());
    return (a - b).abs().max().item<double>();
}

}  // namespace support
