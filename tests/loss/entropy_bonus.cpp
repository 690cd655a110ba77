// SPDX-License-Identifier: Apache-2.0
#include "../support/token_losses.hpp"

using namespace proximal;
using support::check_backends, support::check_finite_differences, support::judge;

TEST_CASE("entropy_bonus: hand numbers, slopes, backends") {
    auto const judged = judge(entropy_bonus{.entropy_coef = 0.25}, {.entropy = 2.0});
    CHECK((judged.loss == -0.5 && judged.d_entropy == -0.25 && judged.metrics[0] == 2.0));
    check_finite_differences(entropy_bonus{}), check_backends(entropy_bonus{});
}

TEST_CASE("entropy_bonus: the entropy is needed") {
    STATIC_REQUIRE(needs_entropy<decltype(algorithm{terminal_score{}, gae{}, total(sapo{}, entropy_bonus{})})>);
}
