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
    CHECK(spread(eigen::array(7.0), like)(1, 2) == 7.0);  // a scalar meets any shape
}

TEST_CASE("array: bools and whole numbers are the numbers that they mean") {
    Eigen::Array<bool, Eigen::Dynamic, Eigen::Dynamic> truths(1, 2);
    truths << true, false;
    eigen::array const mask = truths, ended = Eigen::VectorXi(Eigen::VectorXi::Ones(2)), whole = truths.cast<int>();
    CHECK((mask(0, 0) == 1.0 && mask(0, 1) == 0.0 && whole(0, 0) == 1.0));
    CHECK((ended.cells.rows() == 2 && ended.cells.cols() == 1));
    CHECK(eigen::array(mask.cells > 0.5)(0, 0) == 1.0);
    CHECK(neither_0_nor_1(mask) == std::nullopt);
    CHECK(neither_0_nor_1(255.0 * mask) == 255.0);
}

TEST_CASE("evaluate: scores of [B, T] are refused") {
    rollout<eigen::array> recorded;
    eigen::array const ones(eigen::array(Eigen::ArrayXXd::Ones(2, 3)));
    recorded.rewards = recorded.mask = recorded.value_mask = recorded.values = recorded.scores = ones;
    auto const ours = algorithm{terminal_score{}, gae{}, clipped_surrogate{}};
    CHECK_THROWS_WITH(ours.evaluate(recorded),
                      "proximal: terminal_score reads the rollout's scores of shape [2, 3]: "
                      "[2] is expected, a number a row");
}
