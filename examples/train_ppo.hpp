// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <proximal/lm/distributed/rendezvous.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <vector>

namespace examples {

/// Flags that a program chooses where the command line is silent.
using program_settings = std::function<std::vector<std::string>(proximal::run::PPOv2Config const&)>;

/// What ppo and ppo_tldr share, compiled once: parse, load, train, report, as one process or as one of several. With no
/// settings it is the quick start, which makes models and data of its own where none are named.
int train_ppo(std::string const& about, std::vector<std::string> const& arguments, proximal::lm::rendezvous& meeting,
              program_settings const& own = {});

}  // namespace examples
