// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 2nd part must estimate advantages
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(gae{}, whiten{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, whiten{}, clipped_surrogate{}};
#endif
