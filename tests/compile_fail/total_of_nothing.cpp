// SPDX-License-Identifier: Apache-2.0
// expect: proximal::total: a total of no terms has nothing to minimise
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{chain(), gae{}, total(reinforce{})};
#else
auto const ours = algorithm{chain(), gae{}, total()};
#endif
