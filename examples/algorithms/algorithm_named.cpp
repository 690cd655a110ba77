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

std::span<named_algorithm const> named_algorithms() {
    using proximal::lm::trainable;
    static constexpr named_algorithm all[] = {
        {"ppo", []() -> trainable { return proximal::run::stock_ppo({}); }},
        {"rloo", []() -> trainable { return rloo(); }},
        {"grpo", []() -> trainable { return grpo(); }},
        {"dapo", []() -> trainable { return dapo(); }},
        {"gspo", []() -> trainable { return gspo(); }},
        {"remax", []() -> trainable { return remax(); }},
        {"off_policy", []() -> trainable { return off_policy(); }},
        {"mine", []() -> trainable { return mine(); }},
    };
    return all;
}

std::string algorithm_names() {
    std::string names;
    auto const all = named_algorithms();
    for (auto const& one : all) {
        if (!names.empty()) names += &one == &all.back() ? " or " : ", ";
        names += one.name;
    }
    return names;
}

proximal::lm::trainable algorithm_named(std::string_view name) {
    for (auto const& one : named_algorithms())
        if (one.name == name) return one.make();
    throw std::invalid_argument("--algorithm " + std::string(name) + " is not known: choose " + algorithm_names());
}

proximal::lm::knob_readers knob_readers() {
    proximal::lm::knob_readers readers;
    for (auto const& [name, make] : named_algorithms()) {
        auto algorithm = make();
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
