// SPDX-License-Identifier: Apache-2.0
// expect: proximal::chain: a shaper stands before the estimator
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{chain(terminal_score{}, whiten_rewards{}), chain(gae{}, whiten{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, chain(gae{}, whiten{}, whiten_rewards{}), clipped_surrogate{}};
#endif
