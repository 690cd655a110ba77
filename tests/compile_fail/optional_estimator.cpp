// SPDX-License-Identifier: Apache-2.0
// expect: proximal::optionally: the part gives another thing than it takes, so it cannot be left out
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(gae{}, optionally(whiten{}, false)), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, optionally(gae{}, false), clipped_surrogate{}};
#endif
