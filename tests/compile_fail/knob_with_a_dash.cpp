// SPDX-License-Identifier: Apache-2.0
// expect: proximal::knob: a knob's name is a flag's and a key's
#include <proximal/proximal.hpp>
using namespace proximal;

struct dashed {
    double weight = 0.1;
#ifdef CORRECT
    static constexpr auto knobs = reflect(knob<"my_weight">(&dashed::weight, "how much"));
#else
    static constexpr auto knobs = reflect(knob<"my-weight">(&dashed::weight, "how much"));
#endif
    constexpr auto operator()(Token auto const& token) const { return -weight * token.advantage * token.logprob; }
};
auto const ours = algorithm{terminal_score{}, gae{}, dashed{}};
