// SPDX-License-Identifier: Apache-2.0
// expect: proximal::total: every term must be a token loss
#include <proximal/proximal.hpp>
using namespace proximal;

#ifdef CORRECT
auto const ours = total(clipped_surrogate{}, kl_loss<>{});
#else
auto const ours = total(clipped_surrogate{}, kl_penalty<>{});
#endif
