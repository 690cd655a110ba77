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
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), Catch::StartsWith("--batch_size 12 does not agree"));
    config.batch_size = 8;
    CHECK(divide_batches(config, 100, 1).batch_size == 8);
    config.num_mini_batches = 0;
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), "--num_mini_batches is 0: it must be at least 1");
    config = {};
    config.whiten_rewards = true;
    config.per_device_train_batch_size = 4;
    CHECK_THROWS_WITH(divide_batches(config, 100, 1), Catch::StartsWith("--whiten_rewards needs mini-batches of 8"));
    CHECK_NOTHROW(divide_batches(config, 100, 2));  // 4 of each of 2 processes are one mini-batch
    config.batch_scope = "process";
    CHECK_THROWS_WITH(divide_batches(config, 100, 2), Catch::Contains("these have 4"));
}

TEST_CASE("batch_arithmetic: max_steps counts updates, and sizes that TRL derives may be given where they agree") {
    PPOv2Config config;
    config.per_device_train_batch_size = 4;
    config.gradient_accumulation_steps = 2;
    config.num_mini_batches = 3;
    config.max_steps = 5;
    auto const sizes = divide_batches(config, 100, 2);
    CHECK((sizes.num_total_batches == 5 && sizes.total_episodes == 5 * 48));
    config.world_size = 2, config.micro_batch_size = 8, config.local_batch_size = 24, config.batch_size = 48;
    config.local_mini_batch_size = 8, config.mini_batch_size = 16, config.num_total_batches = 5;
    CHECK_NOTHROW(divide_batches(config, 100, 2));
    for (auto episode_options::*size :
         {&episode_options::world_size, &episode_options::micro_batch_size, &episode_options::local_batch_size,
          &episode_options::local_mini_batch_size, &episode_options::num_total_batches}) {
        auto wrong = config;
        wrong.*size = 7;
        CHECK_THROWS_WITH(divide_batches(wrong, 100, 2), Catch::Contains(" 7 does not agree"));
    }
    config.total_episodes = 1000;
    CHECK_THROWS_WITH(divide_batches(config, 100, 2), Catch::StartsWith("--max_steps 5 and --total_episodes 1000"));
    config.total_episodes = 5 * 48 - 1;  // still five updates
    CHECK(divide_batches(config, 100, 2).num_total_batches == 5);
}
