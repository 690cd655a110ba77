// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("huber_value: hand numbers, slopes, backends") {
    huber_value const loss{.vf_coef = 0.5, .huber_delta = 2.0};
    CHECK(judge(loss, {.value = 1.0, .return_ = 0.0}).loss == 0.25);
    CHECK(judge(loss, {.value = 1.0, .return_ = 0.0}).metrics[0] == 0.5);
    CHECK(judge(loss, {.value = 5.0, .return_ = 0.0}).loss == 0.5 * 2.0 * (5.0 - 1.0));
    CHECK(judge(loss, {.value = 5.0, .return_ = 0.0}).d_value == 0.5 * 2.0);
    CHECK(judge(loss, {.value = -5.0, .return_ = 0.0}).d_value == -0.5 * 2.0);
    CHECK(judge(loss, {.value = 2.0, .return_ = 0.0}).d_value == 0.5 * 2.0);  // the two pieces meet, slopes too
    CHECK(judge(loss, {.value = 3.0, .return_ = 3.0}).d_value == 0.0);
    check_finite_differences(loss), check_backends(loss);
}

TEST_CASE("huber_value: averaged over value_mask, and a critic is needed") {
    STATIC_REQUIRE(domain_of<huber_value> == domain::values);
    STATIC_REQUIRE(needs_critic<decltype(algorithm{terminal_score{}, gae{}, huber_value{}})>);
}
