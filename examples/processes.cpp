// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include <proximal/lm/distributed/c10d_rendezvous.hpp>

std::unique_ptr<proximal::lm::rendezvous> examples::meet(proximal::run::launch const& launch) {
    return proximal::lm::make_rendezvous(launch);
}
