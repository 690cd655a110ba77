// SPDX-License-Identifier: Apache-2.0
// expect: a comparison is a number, not a branch: write select(a > b, x, y)
#include <algorithm>
#include <proximal/proximal.hpp>
using namespace proximal;

struct worse_of_two {
    constexpr auto operator()(Token auto const& token) const {
        auto const error = square(token.value - token.return_), before = square(token.old_value - token.return_);
#ifdef CORRECT
        return max(error, before);
#else
        return std::max(error, before);
#endif
    }
};
auto const ours = algorithm{terminal_score{}, gae{}, worse_of_two{}};
static_assert(needs_critic<decltype(ours)>);
