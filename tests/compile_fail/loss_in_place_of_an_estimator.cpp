// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 2nd part must estimate advantages
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, clipped_value{}, clipped_surrogate{}};
#endif
