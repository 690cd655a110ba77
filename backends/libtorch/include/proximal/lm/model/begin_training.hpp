// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <proximal/lm/model/parameter.hpp>
#include <vector>

namespace proximal::lm {

/// Of parameters those whose requires_grad is on.
inline std::vector<named_tensor> requiring_grad(std::vector<named_tensor> parameters) {
    std::erase_if(parameters, [](named_tensor const& parameter) { return !parameter.tensor.requires_grad(); });
    return parameters;
}

/// Switches gradients of every parameter on or off; a model is made and loaded with them off.
void set_requires_grad(auto const& model, bool on) {
    for (auto const& parameter : model.parameters()) parameter.tensor.set_requires_grad(on);
}

/// The parameters that a trainer trains: those that require a gradient, or all where none does, for then nobody chose.
///
/// A user freezes the rest of a model by switching gradients of some parameters on before training.
std::vector<named_tensor> chosen_for_training(auto const& model) {
    auto const chosen = model.trainable_parameters();
    return chosen.empty() ? model.parameters() : chosen;
}

/// Switches gradients on of what a trainer trains (see chosen_for_training); whether they had been off.
bool begin_training(auto const& model) {
    if (!model.trainable_parameters().empty()) return false;
    set_requires_grad(model, true);
    return true;
}

}  // namespace proximal::lm
