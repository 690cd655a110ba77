// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/batch_arithmetic.hpp>

using namespace proximal;
using namespace proximal::run;

TEST_CASE("batch_arithmetic: the benchmark of TRL's page, 16 x 4 x 1 x 8 processes") {
    PPOv2Config config;
    config.per_device_train_batch_size = 16;
    config.gradient_accumulation_steps = 4;
    config.total_episodes = 1000000;
    auto const sizes = divide_batches(config, 116722, 8);
    CHECK(sizes.batch_size == 512);
    CHECK(sizes.num_total_batches == 1954);
    CHECK(sizes.local_batch_size == 64);
    CHECK(sizes.sample_generations_freq == 195);
}

TEST_CASE("batch_arithmetic: mini-batches multiply the batch, episodes default to epochs of the data") {
    PPOv2Config config;
    config.num_mini_batches = 2;
    config.gradient_accumulation_steps = 3;
    auto const sizes = divide_batches(config, 100, 1);
    CHECK(sizes.local_batch_size == 48);
    CHECK(sizes.local_mini_batch_size == 24);
    CHECK(sizes.mini_batch_size == 24);
    CHECK(sizes.total_episodes == 300);
    CHECK(sizes.num_total_batches == 7);
    CHECK(sizes.sample_generations_freq == 1);
}

TEST_CASE("batch_arithmetic: contradictions are named") {
    PPOv2Config config;
    CHECK_THROWS_WITH(exact_division(10, 4, "batch_size", "num_mini_batches"),
                      Catch::StartsWith("batch_size = 10 does not divide by num_mini_batches = 4"));
    CHECK_THROWS_WITH(divide_batches(config, 7, 1),
                      Catch::StartsWith("the training data hold 7 prompts, fewer than one batch of 8"));
    config.batch_size = 12;
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), Catch::StartsWith("--batch_size 12 does not divide"));
    config.batch_size = 8;
    CHECK(divide_batches(config, 100, 1).batch_size == 8);
    config.num_mini_batches = 0;
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), "--num_mini_batches is 0: it must be at least 1");
    config = {};
    config.whiten_rewards = true;
    config.per_device_train_batch_size = 4;
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), Catch::StartsWith("--whiten_rewards needs mini-batches of 8"));
}
