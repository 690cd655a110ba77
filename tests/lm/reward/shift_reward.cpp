// SPDX-License-Identifier: Apache-2.0
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <proximal/lm/reward/check_padding.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/shift_reward.hpp>

#include "../../support/tiny_run.hpp"

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal::lm;

namespace {
sequence_classifier some_classifier() {
    auto const lm = support::tiny_model(support::config_for_words());
    return make_sequence_classifier(*lm.body, lm.config, 4, 0.4);
}
}  // namespace

TEST_CASE("shift_reward: every reward moves by the same, whatever the text") {
    auto const model = some_classifier();
    std::vector<finished_episode> const episodes{{{3, 4}, {5}}, {{9, 1, 2}, {7, 7}}, {{8}, {}}};
    auto const before = model_reward(model)(episodes).scores;
    shift_reward(model, -1.75);
    CHECK((model_reward(model)(episodes).scores - before + 1.75).abs().max().item<double>() < 1e-12);
    model.score.zero_();
    CHECK_THROWS_WITH(shift_reward(model, 1.0), Catch::Contains("score head is 0"));
}

TEST_CASE("check_padding: a reward alone is that of a padded batch, and a model that reads its padding is refused") {
    std::vector<std::vector<std::int64_t>> const rows{{3, 4}, {5, 6, 7, 8, 9}, {1}};
    auto const model = some_classifier();
    CHECK_NOTHROW(check_padding(model, rows, 0, 1e-12));
    CHECK_NOTHROW(
        check_padding(model, {{3}, {4}}, std::optional<std::int64_t>()));  // of one length: nothing to compare

    struct reads_padding final : forwarding_backbone {  // what comes out depends on the padding before a token
        using forwarding_backbone::forwarding_backbone;
        at::Tensor forward(token_batch const& t, kv_cache* c) const override {
            auto const padding = (t.slots - t.positions).to(at::kDouble).unsqueeze(1);
            return of_->forward(t, c) * (1.0 + padding);
        }
    };
    auto wrong = model;
    wrong.body = std::make_shared<reads_padding>(model.body);
    CHECK_THROWS_WITH(check_padding(wrong, rows, 0), Catch::Contains("its rewards would depend on the batch"));
}
