// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <proximal/compose/run_part.hpp>
#include <proximal/composer.hpp>
#include <type_traits>

namespace proximal {

/// A part that can be switched off when the program runs, so that one compiled algorithm serves both settings.
///
///     optionally(f, true)(x) = f(x),   optionally(f, false)(x) = x
///
/// Source: TRL's `missing_eos_penalty: None` and `whiten_rewards: False`. The switch is called as its part
/// (visit_switches); the part's knobs keep their flags.
/// needs_critic and its kind, which ask by type alone, answer as if it were on; needs(algorithm) is exact.
template <class Part>
struct optionally {
    Part part{};
    bool enabled = true;

    static constexpr auto composes = composed_of(&optionally::part);
    static constexpr auto switched_by = &optionally::enabled;
    /// Hands an input through the part, run by run(part, input), or past it.
    static constexpr auto pass(auto& whole, auto const& input, auto const& run) {
        return whole.enabled ? run(whole.part, input) : input;
    }

    constexpr optionally() = default;
    constexpr explicit optionally(Part part, bool enabled = true) : part(part), enabled(enabled) {}

    template <class Input>
        requires std::invocable<Part const&, Input const&>
    constexpr auto operator()(Input const& input) const {  // auto: whoever asks for the type reads the sentence
        constexpr bool same = std::same_as<std::invoke_result_t<Part const&, Input const&>, Input>;
        static_assert(same,
                      "proximal::optionally: the part gives another thing than it takes, so it cannot be left out. "
                      "Shapers and refinements (whiten_rewards, missing_eos_penalty, whiten) can.");
        if constexpr (same) return pass(*this, input, run_part{});
        else return input;
    }
};

}  // namespace proximal
