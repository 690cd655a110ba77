// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 1st part must shape rewards
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, clipped_surrogate{}};
#else
auto const ours = algorithm{gae{}, terminal_score{}, clipped_surrogate{}};
#endif
