// SPDX-License-Identifier: Apache-2.0
// expect: proximal::chain: a second estimator judges the rollout anew
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(rloo{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, chain(gae{}, rloo{}), clipped_surrogate{}};
#endif
