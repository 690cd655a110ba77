// SPDX-License-Identifier: Apache-2.0
// expect: whiten{} refines an experience and stands after gae{}
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, chain(gae{}, whiten{}), clipped_surrogate{}};
#else
auto const ours = algorithm{terminal_score{}, chain(whiten{}, gae{}), clipped_surrogate{}};
#endif
