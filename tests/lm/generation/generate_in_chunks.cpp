// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;

namespace {
struct token_counter final : run::trainer_callback {
    int draws = 0;
    void on_prediction_step(run::trainer_state&) override { ++draws; }
};
}  // namespace

TEST_CASE("generate_in_chunks: local_rollout_forward_batch_size rows at a time, to the same answers") {
    auto const sampled = [](std::int64_t rows) {
        auto config = support::small_config();
        config.local_rollout_forward_batch_size = rows;
        config.stop_token.reset();  // five draws a chunk
        auto given = support::arguments(config);
        auto const counter = std::make_shared<token_counter>();
        given.callbacks = {counter};
        ppo_trainer trainer(run::stock_ppo(config), given);
        auto const drawn = trainer.generate(trainer.next().prompts);
        return std::pair(drawn.tokens, counter->draws);
    };
    auto const [whole, once] = sampled(16);
    CHECK(once == 5);
    for (std::int64_t rows : {1, 5, 8}) {
        auto const [parts, draws] = sampled(rows);
        CHECK(parts.equal(whole));
        CHECK(draws == 5 * ((16 + rows - 1) / rows));
    }
}
