// SPDX-License-Identifier: Apache-2.0
// expect: proximal::measured: two metrics have one name
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = algorithm{terminal_score{}, gae{}, total(clipped_surrogate{.cliprange = 0.5})};
#else
auto const ours = algorithm{terminal_score{}, gae{}, total(clipped_surrogate{}, clipped_surrogate{.cliprange = 0.5})};
#endif
