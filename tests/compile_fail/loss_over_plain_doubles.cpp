// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 3rd part must be a loss
#include <proximal/proximal.hpp>
using namespace proximal;

struct plain {
#ifdef CORRECT
    constexpr auto operator()(Token auto const& token) const { return -token.advantage * token.logprob; }
#else
    constexpr double operator()(double logprob, double advantage) const { return -advantage * logprob; }
#endif
};
auto const ours = algorithm{terminal_score{}, gae{}, plain{}};
