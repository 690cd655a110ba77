// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/train/adafactor.hpp>
#include <proximal/lm/train/adagrad.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/distributed_optimizer.hpp>
#include <proximal/lm/train/hosted_optimizer.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/lm/train/rmsprop.hpp>
#include <proximal/lm/train/set_precision.hpp>
#include <proximal/lm/train/sgd.hpp>
#include <proximal/run/config/distributed_options.hpp>
#include <proximal/run/config/optimizer_options.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>
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

/// That of a training run: on the host where --offload_optimizer says so; it averages the gradients of the processes of
/// a world, and is shared out among them as --sharding says. Throws std::invalid_argument where the parameters are on
/// the host anyway.
inline std::shared_ptr<optimizer> configured_optimizer(run::training_options const& config,
                                                       std::vector<named_tensor> parameters,
                                                       std::shared_ptr<communicator> const& world,
                                                       parameter_units units = {}) {
    if (config.offload_optimizer && !parameters.empty())
        refuse_offload_from_cpu("offload_optimizer", parameters.front().tensor.device());
    hosted_optimizer::maker const plain = [config](std::vector<named_tensor> part) {
        return configured_optimizer(static_cast<run::optimizer_options const&>(config), std::move(part));
    };
    auto const make =
        [plain, is_hosted = config.offload_optimizer](std::vector<named_tensor> part) -> std::shared_ptr<optimizer> {
        if (is_hosted) return std::make_shared<hosted_optimizer>(part, plain);
        return plain(std::move(part));
    };
    if (world->world_size() == 1) return make(std::move(parameters));
    auto const megabytes = config.ddp_bucket_cap_mb.value_or(25);
    return std::make_shared<distributed_optimizer>(parameters, world, sharding_named(config.sharding),
                                                   megabytes * 1024 * 1024, make, std::move(units));
}

/// Throws std::invalid_argument where one process would run out of memory and begin anew, and others wait for it.
inline void refuse_new_batch_size(run::training_options const& config, communicator const& world) {
    if (config.auto_find_batch_size && world.world_size() > 1)
        throw std::invalid_argument(
            "--auto_find_batch_size is for one process: of several, one that runs out of memory "
            "would leave the others waiting; choose --per_device_train_batch_size yourself");
}

/// Of an optimizer that was given: throws std::invalid_argument where it moves none of the parameters that learn, or
/// where --sharding would have to split it, or --offload_optimizer to move it.
inline void check_own_optimizer(optimizer const& given, std::vector<named_tensor> const& learning,
                                run::training_options const& config) {
    auto const moves = [&](named_tensor const& one) {
        return std::ranges::any_of(given.parameters(),
                                   [&](auto const& other) { return other.tensor.is_same(one.tensor); });
    };
    if (std::ranges::none_of(learning, moves))
        throw std::invalid_argument(
            "the optimizer that was given holds " + std::to_string(given.parameters().size()) +
            " tensors, and none of the " + std::to_string(learning.size()) +
            " parameters that learn: make it of the models' parameters(); trainable_parameters() is empty before a "
            "trainer is made");
    if (config.offload_optimizer)
        throw std::invalid_argument(
            "--offload_optimizer moves the optimizer that --optim names, and one was given: make it a "
            "hosted_optimizer, or leave --offload_optimizer out");
    if (config.sharding != "none")
        throw std::invalid_argument("--sharding " + config.sharding +
                                    " splits the optimizer that --optim names, and one was given: make it a "
                                    "distributed_optimizer, or leave --sharding out");
}

}  // namespace proximal::lm
