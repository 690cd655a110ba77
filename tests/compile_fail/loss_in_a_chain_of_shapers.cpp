// SPDX-License-Identifier: Apache-2.0
// expect: proximal::chain: a loss takes a token, not a rollout
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{chain(terminal_score{}), gae{}, clipped_surrogate{}};
#else
auto const ours = algorithm{chain(terminal_score{}, clipped_surrogate{}), gae{}, clipped_value{}};
#endif
