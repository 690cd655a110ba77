// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/predict.hpp>

#include "../../support/tiny_model.hpp"

using namespace proximal::libtorch;
using namespace proximal::lm;

namespace {
constexpr std::int64_t pad_id = 2;

episodes sampled_batch() {
    at::Tensor const tokens =
        at::tensor(std::vector<std::int64_t>{5, 6, 7, 0, 8, 0, 9, 9, 5, pad_id, 6, 7, pad_id, 9, 9, 9}, at::kLong)
            .view({4, 4});
    at::Tensor const lengths = at::tensor({4, 2, 4, 1}, at::kLong);  // row 1 stopped, row 3 drew a pad and ended
    return assemble(left_padded({{3, 4, 5}, {6}, {7, 8}, {9, 3}}, pad_id), {tokens, at::zeros({4, 4}), lengths},
                    {pad_id, 0, 0});
}
}  // namespace

TEST_CASE("response_plan: every wanted cell is judged by the state of the token before it") {
    auto const model = support::tiny_model();
    auto const batch = sampled_batch();
    auto const said = predict_tokens(model, batch, batch.mask, pad_id, 0.7);
    for (std::int64_t b = 0; b < 4; ++b) {
        std::vector<std::int64_t> row;
        for (std::int64_t c = 0; c < batch.query_responses.size(1); ++c)
            if (auto const id = batch.query_responses[b][c].item<std::int64_t>(); id != pad_id || !row.empty())
                row.push_back(id);
        std::int64_t const context = static_cast<std::int64_t>(row.size()) - 4;
        auto const logprobs = (model.logits(model.body->forward(pack_tokens({row}))) / 0.7).log_softmax(1);
        for (std::int64_t t = 0; t < 4; ++t) {
            bool const counts = batch.mask[b][t].item<bool>();
            auto const expected =
                counts ? logprobs[context - 1 + t] : at::zeros({model.body->vocabulary_size()}, at::kDouble);
            double const logprob = counts ? expected[row[static_cast<std::size_t>(context + t)]].item<double>() : 0.0;
            double const entropy = counts ? -(expected.exp() * expected).sum().item<double>() : 0.0;
            INFO("row " << b << ", step " << t);
            CHECK(said.logprobs[b][t].item<double>() == Approx(logprob).margin(1e-12));
            CHECK(said.entropies[b][t].item<double>() == Approx(entropy).margin(1e-12));
        }
    }
}

TEST_CASE("response_plan: a pad sampled within a response is asked about and changes nothing else") {
    auto const model = support::tiny_model();
    auto const batch = sampled_batch();
    auto const asked = predict_tokens(model, batch, batch.sampled, pad_id, 0.7),
               counted = predict_tokens(model, batch, batch.mask, pad_id, 0.7);
    CHECK(at::allclose(asked.logprobs.masked_fill(batch.mask.logical_not(), 0.0), counted.logprobs, 1e-12, 1e-12));
    CHECK(asked.entropies[2].gt(0.0).all().item<bool>());  // all four steps of the row with the pad
    CHECK(asked.entropies[1][2].item<double>() == 0.0);    // not sampled
    CHECK(at::isfinite(asked.logprobs).all().item<bool>());
}

TEST_CASE("predict: values, one step longer than the response; chunks change nothing") {
    auto const body = support::tiny_model();
    auto const critic = make_sequence_classifier(*body.body, body.config, 4);
    auto const batch = sampled_batch();
    auto const judge = [&](episodes const& some) { return predict_values(critic, some, some.value_mask, pad_id); };
    auto const all = judge(batch);
    CHECK(at::allclose(in_chunks(batch, 3, judge), all, 1e-12, 1e-12));
    CHECK(at::equal(all.ne(0), batch.value_mask));
    auto const state = critic.body->forward(pack_tokens({{6, 8, 0}}));
    CHECK(at::allclose(all[1].slice(0, 0, 3), critic.values(state), 1e-12, 1e-12));
}

TEST_CASE("predict: an empty response to a prompt of one token asks nothing of a model") {
    auto const model = support::tiny_model();
    auto const batch =
        assemble(left_padded({{5}}, pad_id),
                 {at::full({1, 2}, pad_id, at::kLong), at::zeros({1, 2}), at::ones({1}, at::kLong)}, {pad_id, 0, 0});
    REQUIRE_FALSE(batch.mask.any().item<bool>());
    CHECK(plan_responses(batch, batch.mask, pad_id).tokens.size() == 0);
    CHECK(predict_logprobs(model, batch, batch.mask, pad_id, 0.7).equal(at::zeros({1, 2}, at::kDouble)));
    set_requires_grad(model, true);
    auto const said = predict_tokens(model, batch, batch.mask, pad_id, 0.7);
    CHECK(said.logprobs.equal(at::zeros({1, 2}, at::kDouble)));
    (said.logprobs.sum() + said.entropies.sum()).backward();
    for (auto const& parameter : model.parameters())
        if (parameter.tensor.grad().defined()) CHECK(parameter.tensor.grad().eq(0.0).all().item<bool>());
    auto const critic = make_sequence_classifier(*model.body, model.config, 4);
    CHECK(predict_values(critic, batch, batch.mask, pad_id).equal(at::zeros({1, 2}, at::kDouble)));
}
