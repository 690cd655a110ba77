// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/run/stock_ppo.hpp>
#include <stdexcept>
#include <string_view>

#include "dapo.hpp"
#include "grpo.hpp"
#include "gspo.hpp"
#include "mine.hpp"
#include "off_policy.hpp"
#include "remax.hpp"
#include "rloo.hpp"

namespace examples {

inline constexpr std::string_view algorithm_names = "ppo, rloo, grpo, dapo, gspo, remax, off_policy or mine";

/// Calls run(algorithm) with the algorithm of that name: each is a type of its own, so whatever run does is compiled
/// for each. Throws std::invalid_argument where there is none.
template <class Run>
auto with_algorithm(std::string_view name, Run const& run) {
    if (name == "ppo") return run(proximal::run::stock_ppo({}));
    if (name == "rloo") return run(rloo());
    if (name == "grpo") return run(grpo());
    if (name == "dapo") return run(dapo());
    if (name == "gspo") return run(gspo());
    if (name == "remax") return run(remax());
    if (name == "off_policy") return run(off_policy());
    if (name == "mine") return run(mine());
    throw std::invalid_argument("--algorithm " + std::string(name) + " is not known: choose " +
                                std::string(algorithm_names));
}

}  // namespace examples
