// SPDX-License-Identifier: Apache-2.0
#include "algorithm_named.hpp"

#include <proximal/run/stock_ppo.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "dapo.hpp"
#include "grpo.hpp"
#include "gspo.hpp"
#include "mine.hpp"
#include "off_policy.hpp"
#include "remax.hpp"
#include "rloo.hpp"

namespace examples {

proximal::lm::trainable algorithm_named(std::string_view name) {
    if (name == "ppo") return proximal::run::stock_ppo({});
    if (name == "rloo") return rloo();
    if (name == "grpo") return grpo();
    if (name == "dapo") return dapo();
    if (name == "gspo") return gspo();
    if (name == "remax") return remax();
    if (name == "off_policy") return off_policy();
    if (name == "mine") return mine();
    throw std::invalid_argument("--algorithm " + std::string(name) + " is not known: choose " +
                                std::string(algorithm_names));
}

proximal::lm::knob_readers knob_readers() {
    proximal::lm::knob_readers readers;
    for (auto const* const name : {"ppo", "rloo", "grpo", "dapo", "gspo", "remax", "off_policy", "mine"}) {
        auto algorithm = algorithm_named(name);
        std::set<std::string> own;
        for (auto const& knob : algorithm.knobs()) own.insert(knob.name);
        for (auto const& knob : own) {
            auto& text = readers[knob];
            text += (text.empty() ? "" : ", ") + std::string(name);
        }
    }
    return readers;
}

}  // namespace examples
