// SPDX-License-Identifier: Apache-2.0
// expect: A total(...) weighs its terms one by one
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = total(weighted(0.5, clipped_surrogate{}), weighted(0.5, clipped_value{}));
#else
auto const ours = weighted(0.5, total(clipped_surrogate{}, clipped_value{}));
#endif
