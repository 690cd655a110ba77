// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

/// What --sharding accepts, by the stage that ZeRO's paper and DeepSpeed number it with.
inline constexpr std::array<std::string_view, 4> sharding_stages{"none", "zero1", "zero2", "zero3"};

/// The stage of a word of --sharding: from 1 on the optimizer's state is split, from 2 on gradients, from 3 on weights.
/// Throws std::invalid_argument for another word.
constexpr std::int64_t sharding_stage(std::string_view sharding) {
    for (std::int64_t stage = 0; auto const word : sharding_stages) {
        if (word == sharding) return stage;
        ++stage;
    }
    throw std::invalid_argument("--sharding " + std::string(sharding) +
                                " is not known: choose none, zero1, zero2 or zero3");
}

}  // namespace proximal::run
