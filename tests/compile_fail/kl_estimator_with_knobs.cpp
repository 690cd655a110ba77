// SPDX-License-Identifier: Apache-2.0
// expect: proximal::kl_penalty: a KL estimator has no knobs
#include <proximal/proximal.hpp>
using namespace proximal;

struct scaled {
    double scale = 1.0;
#ifndef CORRECT
    static constexpr auto knobs = reflect(knob<"scale">(&scaled::scale, "of the estimate", above(0)));
#endif
    constexpr auto operator()(auto const& logprob, auto const& ref_logprob) const { return logprob - ref_logprob; }
};
auto const ours = algorithm{chain(kl_penalty<scaled>{}, terminal_score{}), gae{}, clipped_surrogate{}};
