// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/distributed/communicator.hpp>

namespace proximal::lm {

/// What `make` gives, on every process: on process 0 first, then on the others, who so find in a cache what it put
/// there.
template <class Make>
auto main_first(communicator& world, Make const& make) {
    if (!world.is_main()) world.barrier();
    auto made = make();
    if (world.is_main()) world.barrier();
    return made;
}

}  // namespace proximal::lm
