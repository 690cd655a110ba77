// SPDX-License-Identifier: Apache-2.0
// expect: proximal::chain: a shaper stands before the estimator
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(kl_penalty<>{}, gae{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, chain(gae{}, kl_penalty<>{}), clipped_surrogate{}};
#endif
