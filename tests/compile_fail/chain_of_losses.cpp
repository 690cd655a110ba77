// SPDX-License-Identifier: Apache-2.0
// expect: proximal::chain: losses are added with total(...)
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, total(clipped_surrogate{}, clipped_value{})};
#else
auto const ours = algorithm{terminal_score{}, gae{}, chain(clipped_surrogate{}, clipped_value{})};
#endif
