// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 4th part must aggregate
#include <proximal/proximal.hpp>
using namespace proximal;

struct by_advantage {
#ifdef CORRECT
    constexpr auto operator()(auto const& mask) const { return mask / sum(mask); }
#else
    constexpr auto operator()(Token auto const& token) const { return token.weight * token.advantage; }
#endif
};
auto const ours = algorithm{terminal_score{}, gae{}, clipped_surrogate{}, by_advantage{}};
