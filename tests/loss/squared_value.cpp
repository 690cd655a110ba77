// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("squared_value: hand numbers, slopes, backends") {
    auto const judged = judge(squared_value{.vf_coef = 0.5}, {.value = 1.0, .old_value = -9.0, .return_ = 3.0});
    CHECK((judged.loss == 1.0 && judged.d_value == -1.0 && judged.metrics[0] == 2.0));
    check_finite_differences(squared_value{}), check_backends(squared_value{});
}

TEST_CASE("squared_value: clipped_value inside its clip") {
    support::plain_token const inside{.value = 1.125, .old_value = 1.0, .return_ = 3.0};
    CHECK(judge(squared_value{}, inside).loss == judge(clipped_value{}, inside).loss);
    CHECK(judge(squared_value{}, inside).d_value == judge(clipped_value{}, inside).d_value);
}

TEST_CASE("squared_value: averaged over value_mask, and a critic is needed") {
    STATIC_REQUIRE(domain_of<squared_value> == domain::values);
    STATIC_REQUIRE(needs_critic<decltype(algorithm{terminal_score{}, gae{}, squared_value{}})>);
}
