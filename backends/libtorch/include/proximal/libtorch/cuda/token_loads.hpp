// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/numeric/source_text.hpp>
#include <string>

namespace proximal::libtorch::cuda {

/// Which mask a member of token is counted over: what speaks of values is read over value_mask.
inline std::string mask_of(std::string const& name) {
    return name.find("value") != std::string::npos || name == "return_" ? "value_mask" : "mask";
}

/// A kernel's arguments for what a recorded formula reads: ", T const* logprob_at, ...".
inline std::string token_arguments(source_text const& source) {
    std::string arguments;
    for (auto const& name : source.inputs) arguments += ", T const* " + name + "_at";
    return arguments;
}

/// A kernel's lines that read token i: 0 outside its mask, weights as they are.
inline std::string token_loads(source_text const& source) {
    std::string loads;
    for (auto const& name : source.inputs) {
        bool const is_weight = name == "weight" || name == "value_weight";
        loads += "        const T " + name + " = " +
                 (is_weight ? name + "_at[i];\n" : mask_of(name) + "[i] != T(0) ? " + name + "_at[i] : T(0);\n");
    }
    return loads;
}

}  // namespace proximal::libtorch::cuda
