// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../support/tiny_run.hpp"

using namespace proximal::lm;

TEST_CASE("predict: --logits_memory_mb says how many rows of logits are there at a time, at least one") {
    auto const head = at::zeros({50304, 4}, at::kFloat);
    CHECK(logits_rows({}, head) == proximal::libtorch::default_chunk);
    CHECK(logits_rows(1, head) == 4);  // 201,216 bytes a row
    CHECK(logits_rows(100, head) == 496);
    CHECK(logits_rows(1, at::zeros({1000000, 1}, at::kFloat)) == 1);
}

TEST_CASE("predict: the rows of logits that are there at a time change no number beyond rounding") {
    auto const model = support::tiny_model();
    auto const batch = assemble(left_padded({{1, 2, 3}, {4, 5}}, 0),
                                {.tokens = at::tensor({3, 4, 5, 6, 7, 8}, at::kLong).view({2, 3}),
                                 .logprobs = at::zeros({2, 3}),
                                 .lengths = at::tensor({3, 2}, at::kLong)},
                                {.pad = 0, .eos = 1, .stop = {}});
    auto const whole = predict_tokens(model, batch, batch.mask, 0, 0.7);
    for (std::int64_t rows : {1, 2, 3, 100}) {
        auto const parts = predict_tokens(model, batch, batch.mask, 0, 0.7, rows);
        CHECK(at::allclose(parts.logprobs, whole.logprobs, 1e-12, 1e-12));
        CHECK(at::allclose(parts.entropies, whole.entropies, 1e-12, 1e-12));
        CHECK(at::allclose(predict_logprobs(model, batch, batch.mask, 0, 0.7, rows), whole.logprobs, 1e-12, 1e-12));
    }
}
