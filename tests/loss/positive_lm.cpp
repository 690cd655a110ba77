// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("positive_lm: hand numbers, slopes, backends; the score is read only where it is asked for") {
    positive_lm const loss{.coef = 0.5, .threshold = 1.0};
    auto const good = judge(loss, {.logprob = -2.0, .score = 1.5});
    CHECK((good.loss == 1.0 && good.d_logprob == -0.5 && good.metrics == std::vector<double>{2.0, 1.0}));
    auto const bad = judge(loss, {.logprob = -2.0, .score = 1.0});
    CHECK((bad.loss == 0.0 && bad.d_logprob == 0.0 && bad.metrics == std::vector<double>{0.0, 0.0}));
    check_finite_differences(positive_lm{}), check_backends(positive_lm{});
    STATIC_REQUIRE(reads_score<decltype(total(clip_higher{}, positive_lm{}))>);
    STATIC_REQUIRE_FALSE(reads_score<decltype(total(clip_higher{}, clipped_value{}))>);
}
