// SPDX-License-Identifier: Apache-2.0
// expect: compares the responses to one prompt, and nobody is told how many
#include <proximal/proximal.hpp>
using namespace proximal;

struct above_the_group {
    int group_size = 4;
    static constexpr auto knobs =
        reflect(knob<"group_size">(&above_the_group::group_size, "responses to each prompt", at_least(2)));
#ifdef CORRECT
    constexpr int responses_per_prompt() const { return group_size; }
#endif
    template <class A>
    constexpr experience<A> operator()(rollout<A> const& rollout) const {
        A const above = rollout.scores - group_mean(rollout.scores, group_size);
        return judged_by_response(rollout, above, rollout.scores);
    }
};

int const size = group_size_of(algorithm{unshaped{}, above_the_group{}, total(clipped_surrogate{})});
