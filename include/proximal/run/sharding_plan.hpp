// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <proximal/run/sharding_stage.hpp>
#include <string>
#include <vector>

namespace proximal::run {

/// A model as what --sharding cuts: its layers, and its root: embeddings, the final norm and the head. Where layers
/// differ, layer_parameters is the largest's, and what follows an upper bound.
struct sharded_model {
    std::int64_t layers = 0;
    std::int64_t layer_parameters = 0;
    std::int64_t root_parameters = 0;
    std::int64_t bytes = 4;   // of a parameter, and of its gradient
    bool learns = true;       // policy and critic do, reference and reward model do not
    bool cuts_layers = true;  // with zero3, as of all models but the reward model
    bool generates = false;   // the policy: its layers are gathered for that, once an update
    std::int64_t passes = 0;  // without gradient, in an update: chunks of rows that it scores
};

/// Some models on some processes.
struct sharding_inputs {
    std::vector<sharded_model> models;
    std::int64_t world_size = 1;  // at least 1
    std::string sharding = "none";
    std::int64_t optimizer_bytes = 8;  // of a parameter that learns: AdamW's two float32 moments
    std::int64_t steps = 1;            // of an update: num_ppo_epochs x num_mini_batches
    std::int64_t micro_batches = 1;    // of a step: gradient_accumulation_steps
    bool recomputes = false;           // --gradient_checkpointing
};

/// What a process holds, and what it sends, in bytes. Activations, buffers and what generation keeps are not in it,
/// nor what an episode's numbers take.
///
/// W processes; s(x) = ⌈x / W⌉ is a process's slice of x elements, so up to W - 1 are padding. A model of N elements
/// has L layers of n and a root of e; b and o are bytes of an element and of its optimizer's state. zero3 pads each
/// layer, so that S = L s(n) + s(e); all else lies in buckets (--ddp_bucket_cap_mb), which are padded each by itself
/// and are counted as one here: S = s(N).
///
///                    none     zero1    zero2        zero3
///     weights        b N      b N      b N          b (L s(n) + e)     the reward model: b N
///     gradients      b N      b N      b S          b S                those that learn, between backward passes
///     optimizer      o N      o S      o S          o S                those that learn
///     gathered       -        -        -            2 b W s(n)         the layer that runs and the next one
///     generating     -        -        -            L b W s(n)         the policy's layers
///     saving         -        -        -            L b W s(n)         of one model after the other
///     sent a step    2 r      2 r      (m + 1) r    3 m r(L) + (m + 1) r(e)      those that learn, of m micro-batches
///
/// r = b S (W - 1) is what one reduce-scatter, or one all-gather, has each process send: NCCL's by a ring, Gloo's
/// reduce-scatter as all to all, after which each process adds up its slice. r(L) and r(e) are those of zero3's layers
/// and root. none scatters gradients, and gathers them; zero1 scatters gradients, and gathers the new weights; zero2
/// scatters those of each micro-batch. zero3 does the same for the root; it gathers the layers for each micro-batch
/// forward and backward, and once more where it recomputes (4 m r(L)), scatters their gradients, and gathers nothing
/// after the step. In an update it also gathers the layers of what generates once, and of what scores once a chunk.
///
/// Checkpoints and evaluations gather the layers of one model after the other. Two buckets of gradients that are under
/// way come on top, a layer each with zero3, else --ddp_bucket_cap_mb or one larger matrix; on the CPU twice, since all
/// to all receives as much as it sends.
///
/// `least` is what a sum that reaches all cannot do without, what `none` sends a step.
/// Source: Rajbhandari et al., ZeRO, 2020, arXiv 1910.02054, sections 5 and 7; the bound: Patarasu and Yuan, Bandwidth
/// optimal all-reduce algorithms, 2009.
struct sharding_plan {
    std::int64_t weights = 0, gradients = 0, optimizer_state = 0;
    std::int64_t gathered = 0, generating = 0, saving = 0;
    std::int64_t sent_per_step = 0, sent_per_update = 0;
    std::int64_t least_per_step = 0, least_per_update = 0;

    /// The most at a time: learning, generating and saving take turns.
    std::int64_t held() const {
        return weights + optimizer_state + std::max({gradients + gathered, generating, saving});
    }
};

/// The plan of some models. Throws std::invalid_argument for a word that --sharding does not know.
inline sharding_plan plan_sharding(sharding_inputs const& given) {
    auto const stage = sharding_stage(given.sharding);
    auto const world = given.world_size, micro = given.micro_batches;
    auto const slice = [&](std::int64_t elements) { return (elements + world - 1) / world; };
    sharding_plan plan;
    std::int64_t sent_without_gradient = 0;
    for (auto const& model : given.models) {
        bool const cuts = stage >= 3 && world > 1 && model.cuts_layers;
        auto const whole = model.layers * model.layer_parameters + model.root_parameters;
        auto const layers = cuts ? model.layers * slice(model.layer_parameters) : 0;  // of this process
        auto const rest = slice(cuts ? model.root_parameters : whole);
        auto const ring = [&](std::int64_t elements) { return model.bytes * elements * (world - 1); };
        plan.weights += model.bytes * (cuts ? layers + model.root_parameters : whole);
        if (cuts) {
            auto const all = model.bytes * world * layers;
            auto const two =
                model.bytes * world * slice(model.layer_parameters) * std::min<std::int64_t>(2, model.layers);
            plan.gathered = std::max(plan.gathered, two);
            if (model.generates) plan.generating += all;
            plan.saving = std::max(plan.saving, all);
            sent_without_gradient += ring(layers) * (model.passes + (model.generates ? 1 : 0));
        }
        if (!model.learns) continue;
        plan.gradients += model.bytes * (stage >= 2 ? layers + rest : whole);
        plan.optimizer_state += given.optimizer_bytes * (stage >= 1 ? layers + rest : whole);
        plan.sent_per_step +=
            ring(rest) * (stage >= 2 ? micro + 1 : 2) + ring(layers) * micro * (given.recomputes ? 4 : 3);
        plan.least_per_step += 2 * ring(slice(whole));
    }
    plan.sent_per_update = given.steps * plan.sent_per_step + sent_without_gradient;
    plan.least_per_update = given.steps * plan.least_per_step;
    return plan;
}

}  // namespace proximal::run
