// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>
#include <proximal/composer.hpp>
#include <proximal/concepts.hpp>

namespace proximal {

/// Several guards of an optimizer step: the severest verdict holds.
///
///     guards(a, b)(step) = max(a(step), b(step)),   take < skip < stop
template <class... Parts>
struct guards {
    static_assert((StepGuard<Parts> && ...),
                  "proximal::guards: every part must guard a step: a step_summary in, a verdict out "
                  "(target_kl, ratio_guard).");
    boost::hana::tuple<Parts...> parts;
    static constexpr auto composes = composed_of(&guards::parts);

    constexpr guards() = default;
    constexpr explicit guards(Parts... parts) requires(sizeof...(Parts) > 0) : parts(parts...) {}

    constexpr verdict operator()(step_summary const& step) const {
        return boost::hana::unpack(parts, [&](auto const&... part) {
            return std::max({verdict::take, part(step)...});
        });
    }
};

}  // namespace proximal
