// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <proximal/knob.hpp>
#include <string_view>

namespace proximal::run {

/// What makes a run repeat.
struct run_options {
    std::uint64_t seed = 42;
    bool full_determinism = false;

    static constexpr std::string_view concern = "the run";
    static constexpr auto knobs =
        reflect(knob<"seed">(&run_options::seed, "of data order, sampling and permutations"),
                knob<"full_determinism">(&run_options::full_determinism,
                                         "only algorithms that repeat bit for bit, also on a GPU"));
};

}  // namespace proximal::run
