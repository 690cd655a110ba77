// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <proximal/knob.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// What takes a step, and how large it may be.
struct optimizer_options {
    std::string optim = "adamw_torch";
    double learning_rate = 5e-5;
    double weight_decay = 0.0;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.999;
    double adam_epsilon = 1e-8;
    std::optional<double> max_grad_norm;

    static constexpr std::string_view concern = "the optimizer";
    static constexpr auto knobs = reflect(
        knob<"optim">(&optimizer_options::optim, "what takes a step",
                      {"adamw_torch, adamw_torch_fused, sgd, adafactor, adagrad, rmsprop"},
                      "Both names of AdamW mean one optimizer, which is fused."),
        knob<"learning_rate">(&optimizer_options::learning_rate, "the step size at the start", at_least(0)),
        knob<"weight_decay">(&optimizer_options::weight_decay, "of weights; never of biases and norms", at_least(0)),
        knob<"adam_beta1">(&optimizer_options::adam_beta1, "AdamW's beta 1", {0, 1, false, true}),
        knob<"adam_beta2">(&optimizer_options::adam_beta2, "AdamW's beta 2", {0, 1, false, true}),
        knob<"adam_epsilon">(&optimizer_options::adam_epsilon, "AdamW's epsilon", above(0)),
        knob<"max_grad_norm">(&optimizer_options::max_grad_norm,
                              "gradients are scaled down to this norm; default: not at all", above(0),
                              "TRL's default is 1.0, and its PPO trainer ignores it: gradients are not clipped there. "
                              "Here a number that is given acts."));
};

}  // namespace proximal::run
