// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <proximal/lm/train/adafactor.hpp>
#include <proximal/lm/train/adagrad.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/rmsprop.hpp>
#include <proximal/lm/train/sgd.hpp>
#include <proximal/run/config/optimizer_options.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

namespace proximal::lm {

/// The optimizer that --optim names, over some parameters. Throws std::invalid_argument for another name.
inline std::shared_ptr<optimizer> configured_optimizer(run::optimizer_options const& config,
                                                       std::vector<named_tensor> parameters) {
    auto const& name = config.optim;
    if (name == "sgd") return std::make_shared<sgd>(std::move(parameters), config.weight_decay);
    if (name == "adafactor") return std::make_shared<adafactor>(std::move(parameters), config.weight_decay);
    if (name == "adagrad") return std::make_shared<adagrad>(std::move(parameters), config.weight_decay);
    if (name == "rmsprop") return std::make_shared<rmsprop>(std::move(parameters), config.weight_decay);
    if (!name.starts_with("adamw_torch"))
        throw std::invalid_argument("--optim " + name +
                                    " is not known: choose adamw_torch, sgd, adafactor, adagrad or rmsprop");
    return std::make_shared<adamw>(std::move(parameters), adamw_options{config.adam_beta1, config.adam_beta2,
                                                                        config.adam_epsilon, config.weight_decay});
}

}  // namespace proximal::lm
