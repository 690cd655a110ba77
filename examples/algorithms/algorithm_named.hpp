// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/lm/train/refuse_idle.hpp>
#include <proximal/lm/train/trainable.hpp>
#include <string_view>

namespace examples {

inline constexpr std::string_view algorithm_names = "ppo, rloo, grpo, dapo, gspo, remax, off_policy or mine";

/// The algorithm of that name. Compiled once, in algorithm_named.cpp: each is a type of its own, until here.
/// Throws std::invalid_argument where there is none.
proximal::lm::trainable algorithm_named(std::string_view name);

/// Which of them have a knob of a name.
proximal::lm::knob_readers knob_readers();

}  // namespace examples
