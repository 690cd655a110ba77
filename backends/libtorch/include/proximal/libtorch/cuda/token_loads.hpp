// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/fields.hpp>
#include <proximal/numeric/source_text.hpp>
#include <string>
#include <string_view>

namespace proximal::libtorch::cuda {

/// Where a member of token counts, by its name in the text: "old_value", and "value" for the gradient d_value.
inline extent extent_of(std::string_view name) {
    if (name.starts_with("d_")) name.remove_prefix(2);
    extent counts = extent::everywhere;
    token_fields.for_each([&](auto field) {
        if (field.name == name) counts = field.counts;
    });
    return counts;
}

/// The mask it counts over, by its name in the text.
inline std::string mask_of(std::string_view name) { return over_values(extent_of(name)) ? "value_mask" : "mask"; }

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
        loads += "        const T " + name + " = " +
                 (is_weight(extent_of(name)) ? name + "_at[i];\n"
                                             : mask_of(name) + "[i] != T(0) ? " + name + "_at[i] : T(0);\n");
    }
    return loads;
}

}  // namespace proximal::libtorch::cuda
