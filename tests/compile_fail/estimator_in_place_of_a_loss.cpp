// SPDX-License-Identifier: Apache-2.0
// expect: proximal::algorithm: the 3rd part must be a loss
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, reinforce{}};
#else
auto const ours = algorithm{terminal_score{}, gae{}, rloo{}};
#endif
