// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>
#include <proximal/compose/reflect.hpp>
#include <proximal/knob.hpp>
#include <proximal/range.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace proximal {

/// A part that compares the responses to one prompt, and says how many: `constexpr int responses_per_prompt() const`.
/// The trainer then answers each prompt so often, in rows in succession. Models: rloo, grpo, of_group,
/// drop_flat_groups.
template <class Part>
concept ComparesResponses = requires(Part const& part) {
    { part.responses_per_prompt() } -> std::convertible_to<int>;
};

/// How many responses to each prompt an algorithm compares: 1 where none of its parts does.
/// Throws std::invalid_argument where two parts disagree, or a size is below 1.
template <class Part>
int group_size_of(Part const& whole) {
    std::optional<int> size;
    auto const ask = [&size](auto const& self, auto const& part) -> void {
        using Asked = std::remove_cvref_t<decltype(part)>;
        if constexpr (ComparesResponses<Asked>) {
            int const here = part.responses_per_prompt();
            std::string const name(part_name<Asked>());
            if (here < 1)
                throw std::invalid_argument("--group_size is " + std::to_string(here) + " in " + name +
                                            ": it must be at least 1");
            if (size && *size != here)
                throw std::invalid_argument("--group_size is " + std::to_string(*size) + " in one part and " +
                                            std::to_string(here) + " in " + name + ": give all parts the same");
            size = here;
        }
        static_assert(ComparesResponses<Asked> || !has_knob<Asked>("group_size"),
                      "proximal: a part with a knob \"group_size\" compares the responses to one prompt, and nobody is "
                      "told how many: give it constexpr int responses_per_prompt() const, or the knob another name");
        visit_parts(part, [&](auto const& inner) { self(self, inner); });
    };
    ask(ask, whole);
    return size.value_or(1);
}

}  // namespace proximal
