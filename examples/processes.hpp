// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/rendezvous.hpp>
#include <proximal/run/launch.hpp>
#include <string>

namespace examples {

/// lm::make_rendezvous, compiled once for all programs: c10d's headers cost half a minute.
std::unique_ptr<proximal::lm::rendezvous> meet(proximal::run::launch const& launch);

/// What a program's first line says of its processes; nothing where it is one.
inline std::string processes_of(proximal::lm::communicator const& world) {
    return world.world_size() == 1 ? "" : ", " + std::to_string(world.world_size()) + " processes";
}

}  // namespace examples
