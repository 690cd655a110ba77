// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <proximal/run/sharding_stage.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// A model as what --sharding zero3 gathers of it at a time: a layer, or the root (embedding, final norm and head).
/// Where layers differ, layer_parameters is the largest's, and what follows an upper bound.
struct sharded_model {
    std::int64_t layers = 0;
    std::int64_t layer_parameters = 0;
    std::int64_t root_parameters = 0;
    std::int64_t bytes = 4;       // of a parameter, and of its gradient
    bool learns = true;           // policy and critic do, reference and reward model do not
    std::int64_t passes = 0;      // without gradient, in an update: chunks that are scored, tokens that are generated
    bool gathered_whole = false;  // once an update, in place of the passes: --gather_for_generation
};

/// Some models on some processes.
struct sharding_inputs {
    std::vector<sharded_model> models;
    std::int64_t world_size = 1;  // at least 1
    std::string sharding = "none";
    std::int64_t optimizer_bytes = 8;  // of a parameter that learns: AdamW's two float32 moments
    std::int64_t steps = 1;            // of an update: num_ppo_epochs x num_mini_batches
    std::int64_t micro_batches = 1;    // of a step: gradient_accumulation_steps
};

/// What a process holds, and what it sends, in bytes. Activations, buffers and what generation keeps are not in it.
///
/// W processes; n elements of a layer or a root are cut into W slices of s(n) = ⌈n / W⌉, so up to W - 1 are padding.
/// N is a model's elements, S the sum of its slices; b and o are bytes of an element and of its optimizer's state.
///
///                    none    zero1           zero2             zero3
///     weights        b N     b N             b N               b S            all models
///     gradients      b N     b N             b S               b S            those that learn
///     optimizer      o N     o S             o S               o S            those that learn
///     gathered       -       -               -                 b W s(n)       of the largest piece at a time
///     sent a step    2 r     r + r           m r + r           m (2 r + r)    those that learn, of m micro-batches
///
/// r = b S (W - 1) is what one reduce-scatter, or one all-gather, has each process send, by a ring or all to all. none:
/// gradients are reduced to all, which is both. zero1: gradients are scattered, new weights gathered. zero2: the same,
/// but each micro-batch's gradients are scattered at once, as no process has room for their sum. zero3: forward and
/// backward gather weights, each, and gradients are scattered, in each micro-batch.
/// In zero3 a pass without gradient gathers a model once more, r.
///
/// `least` is what a sum that reaches all cannot do without, 2 r a step: what `none` sends.
/// Source: Rajbhandari et al., ZeRO, 2020, arXiv 1910.02054, sections 5 and 7; the bound: Patarasu and Yuan, Bandwidth
/// optimal all-reduce algorithms, 2009.
struct sharding_plan {
    std::int64_t weights = 0, gradients = 0, optimizer_state = 0, gathered = 0;
    std::int64_t sent_per_step = 0, sent_per_update = 0;
    std::int64_t least_per_step = 0, least_per_update = 0;

    /// All of it at once.
    std::int64_t held() const { return weights + gradients + optimizer_state + gathered; }
};

/// The plan of some models. Throws std::invalid_argument for a word that --sharding does not know.
inline sharding_plan plan_sharding(sharding_inputs const& given) {
    auto const stage = sharding_stage(given.sharding);
    auto const world = given.world_size;
    auto const slice = [&](std::int64_t elements) { return (elements + world - 1) / world; };
    sharding_plan plan;
    std::int64_t sent_without_gradient = 0;
    for (auto const& model : given.models) {
        auto const whole = model.layers * model.layer_parameters + model.root_parameters;
        auto const sliced = model.layers * slice(model.layer_parameters) + slice(model.root_parameters);
        auto const ring = model.bytes * sliced * (world - 1);
        plan.weights += model.bytes * (stage >= 3 ? sliced : whole);
        if (stage >= 3 && world > 1) {
            auto const piece = std::max(slice(model.layer_parameters), slice(model.root_parameters));
            plan.gathered = std::max(plan.gathered, model.bytes * world * (model.gathered_whole ? sliced : piece));
            sent_without_gradient += ring * (model.gathered_whole ? 1 : model.passes);
        }
        if (!model.learns) continue;
        plan.gradients += model.bytes * (stage >= 2 ? sliced : whole);
        plan.optimizer_state += given.optimizer_bytes * (stage >= 1 ? sliced : whole);
        auto const micro = given.micro_batches;
        plan.sent_per_step += ring * (stage == 3 ? 3 * micro : stage == 2 ? micro + 1 : 2);
        plan.least_per_step += 2 * ring;
    }
    plan.sent_per_update = given.steps * plan.sent_per_step + sent_without_gradient;
    plan.least_per_update = given.steps * plan.least_per_step;
    return plan;
}

}  // namespace proximal::run
