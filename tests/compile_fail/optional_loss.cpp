// SPDX-License-Identifier: Apache-2.0
// expect: proximal::optionally: the part gives another thing than it takes, so it cannot be left out
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = total(clipped_surrogate{}, entropy_bonus{.entropy_coef = 0.0});
#else
auto const ours = total(clipped_surrogate{}, optionally(entropy_bonus{}, false));
#endif
