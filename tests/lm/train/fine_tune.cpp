// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/fine_tune.hpp>

#include "../../support/tiny_model.hpp"

using namespace proximal::libtorch;
using namespace proximal::lm;

TEST_CASE("demonstration_loss: the weighted mean of each token's negative log-likelihood") {
    auto const model = support::tiny_model();
    std::vector<demonstration> const batch{{{3, 4}, {5, 0}}, {{6, 7, 8}, {0}}};
    auto const loss = demonstration_loss(model, batch, 0.25);
    double expected = 0.0, weight = 0.0;
    for (auto const& [prompt, completion] : batch) {
        auto row = prompt;
        row.insert(row.end(), completion.begin(), completion.end());
        auto const logprobs = model.logits(model.body->forward(pack_tokens({row}))).log_softmax(1);
        for (std::size_t i = 1; i < row.size(); ++i) {
            double const w = i >= prompt.size() ? 1.0 : 0.25;
            expected -= w * logprobs[std::int64_t(i) - 1][row[i]].item<double>();
            weight += w;
        }
    }
    CHECK(loss.total.item<double>() == Approx(expected).epsilon(1e-6));
    CHECK(loss.weight == Approx(weight));
}

TEST_CASE("fine_tune: learns a mapping it could not know") {
    auto const model = make_causal_lm(support::tiny_config(), 1);
    std::vector<demonstration> data;
    for (std::int64_t a = 3; a < 20; ++a) data.push_back({{a}, {22 - a, 0}});
    double first = 0.0;
    double const last =
        fine_tune(model, data, {.steps = 300, .batch_size = 8, .learning_rate = 1e-2, .warmup_steps = 10},
                  [&](std::int64_t step, double loss) {
                      if (step == 1) first = loss;
                  });
    CHECK(first > 2.0);
    CHECK(last < 0.2);
    CHECK_FALSE(model.lm_head.requires_grad());
}
