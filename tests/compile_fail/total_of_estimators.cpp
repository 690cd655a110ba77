// SPDX-License-Identifier: Apache-2.0
// expect: Shapers and estimators are not added but chained: chain(gae{}, whiten{})
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(gae{}, whiten{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, total(gae{}, whiten{}), clipped_surrogate{}};
#endif
