// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/run_inputs.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;

namespace {
memory_plan plan_of(run::PPOv2Config const& config, std::int64_t processes = 1) {
    auto const given = support::arguments(config);
    run_inputs inputs{.tokenizer = given.tokenizer, .policy = given.policy};
    inputs.reference = given.ref_policy;
    inputs.critic = given.value_model;
    inputs.reward = given.reward_model;
    inputs.train = given.train_dataset;
    return plan_memory(config, inputs, processes);
}
}  // namespace

TEST_CASE("memory_plan: weights, gradients and moments are counted to the byte; each remedy makes it less") {
    auto config = support::small_config();
    auto const given = support::arguments(config);
    double policy = 0.0, critic = 0.0;
    for (auto const& parameter : given.policy.parameters()) policy += double(parameter.tensor.nbytes());
    for (auto const& parameter : given.value_model->parameters()) critic += double(parameter.tensor.nbytes());
    auto const plan = plan_of(config);
    CHECK(plan.weights == 2 * policy + critic);  // a rule gives the reward
    CHECK(plan.gradients == policy + critic);
    CHECK(plan.optimizer == 2 * (policy + critic));
    CHECK(plan.text().find("MB at the most") != std::string::npos);
    auto const less = [&](auto const& change) {
        auto other = config;
        change(other);
        auto const with = plan_of(other);
        return with.activations < plan.activations || with.logits < plan.logits || with.optimizer < plan.optimizer ||
               with.generation < plan.generation;
    };
    CHECK(less([](auto& c) { c.per_device_train_batch_size = 2; }));
    CHECK(less([](auto& c) { c.gradient_checkpointing = true; }));
    CHECK(less([](auto& c) { c.local_rollout_forward_batch_size = 1; }));
    CHECK(less([](auto& c) { c.optim = "adagrad"; }));
    CHECK(less([](auto& c) { c.response_length = 2; }));
}

TEST_CASE("memory_plan: --sharding leaves each process its part, and --bf16 keeps narrow numbers") {
    auto config = support::small_config();
    auto const alone = plan_of(config);
    CHECK(plan_of(config, 4).peak() == alone.peak());
    std::vector<memory_plan> plans;
    for (char const* sharding : {"none", "zero1", "zero2", "zero3"}) {
        config.sharding = sharding;
        plans.push_back(plan_of(config, 4));
        if (plans.size() > 1) CHECK(plans.back().peak() < plans[plans.size() - 2].peak());
    }
    CHECK(plans[1].optimizer == Approx(alone.optimizer / 4).epsilon(1e-3));
    CHECK(plans[1].gradients == alone.gradients);
    CHECK(plans[2].gradients == Approx(alone.gradients / 4).epsilon(1e-3));
    CHECK(plans[3].weights < alone.weights);
    CHECK(plans[3].generating > 0.0);
    CHECK_THAT(plans[3].text(), Catch::Contains(", gathered "));
    config.sharding = "none";
    config.bf16 = true;
    auto const narrow = plan_of(config);
    CHECK(narrow.weights == alone.weights);
    CHECK(narrow.generation < alone.generation);
    config.gradient_checkpointing = true;
    CHECK(plan_of(config).activations < narrow.activations);
}

TEST_CASE("memory_plan: what is offloaded is not held while models learn") {
    auto config = support::small_config();
    auto const alone = plan_of(config);
    config.offload_reference = config.offload_optimizer = true;
    auto const offloaded = plan_of(config);
    CHECK(offloaded.optimizer == 0.0);
    CHECK(offloaded.weights < alone.weights);
    CHECK(offloaded.generating == alone.weights - offloaded.weights);
    CHECK(offloaded.peak() < alone.peak());
}
