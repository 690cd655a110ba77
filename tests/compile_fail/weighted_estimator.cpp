// SPDX-License-Identifier: Apache-2.0
// expect: A shaper or an estimator has no weight
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, weighted(0.5, clipped_surrogate{})};
#else
auto const ours = algorithm{terminal_score{}, weighted(0.5, gae{}), clipped_surrogate{}};
#endif
