// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/eigen.hpp>
#include <proximal/proximal.hpp>

using namespace proximal;

TEST_CASE("spread: takes a number a row; another shape and an absent array are refused, not read at column 0") {
    eigen::array const like(2, 3);
    CHECK_THROWS_WITH(spread(eigen::array(2, 3), like), Catch::Contains("takes a number a row, [B], and got 2 x 3"));
    CHECK_THROWS_WITH(spread(eigen::array(), like), Catch::Contains("absent"));
    CHECK(spread(eigen::array(2, 1), like).cells.cols() == 3);
}

TEST_CASE("evaluate: scores of [B, T] are refused") {
    rollout<eigen::array> recorded;
    eigen::array const ones(eigen::array(Eigen::ArrayXXd::Ones(2, 3)));
    recorded.rewards = recorded.mask = recorded.value_mask = recorded.values = recorded.scores = ones;
    auto const ours = algorithm{terminal_score{}, gae{}, clipped_surrogate{}};
    CHECK_THROWS_WITH(ours.evaluate(recorded), Catch::Contains("[B]"));
}
