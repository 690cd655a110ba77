// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/train/refuse_idle.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <span>
#include <string>
#include <string_view>

namespace examples {

/// What --algorithm calls an algorithm, and how it is made.
struct named_algorithm {
    std::string_view name;
    proximal::lm::trainable (*make)();
};

/// All that the programs know, TRL's first. Compiled once, in algorithm_named.cpp: each is a type of its own, until
/// here.
std::span<named_algorithm const> named_algorithms();

/// "ppo, rloo, ... or mine"
std::string algorithm_names();

/// The algorithm of that name. Throws std::invalid_argument where there is none.
proximal::lm::trainable algorithm_named(std::string_view name);

/// Which of them have a knob of a name.
proximal::lm::knob_readers knob_readers();

}  // namespace examples
