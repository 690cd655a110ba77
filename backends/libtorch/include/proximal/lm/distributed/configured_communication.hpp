// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <proximal/lm/distributed/rendezvous.hpp>
#include <proximal/run/config/distributed_options.hpp>
#include <string>

namespace proximal::lm {

/// How a configuration's processes talk. Collectives are checked against each other where PyTorch would check its own:
/// TORCH_DISTRIBUTED_DEBUG=DETAIL.
inline communication_options configured_communication(run::distributed_options const& config) {
    auto const* const debug = std::getenv("TORCH_DISTRIBUTED_DEBUG");
    return {.timeout = std::chrono::seconds(config.ddp_timeout),
            .heartbeat = std::chrono::milliseconds(std::llround(config.heartbeat_timeout * 1000.0)),
            .backend = config.ddp_backend.value_or(""),
            .checks_collectives = debug != nullptr && std::string(debug) == "DETAIL"};
}

}  // namespace proximal::lm
