// SPDX-License-Identifier: Apache-2.0
#include "support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::as, support::column, support::difference, support::grid;

TEMPLATE_TEST_CASE("rows: a mini-batch of an experience, in the index's order; absent arrays stay absent", "",
                   BACKENDS) {
    experience<TestType> whole;
    whole.mask = grid<TestType>({{1, 2}, {3, 4}, {5, 6}});
    whole.scores = column<TestType>({7, 8, 9});
    whole.rewards = TestType(0.0);
    whole.advantages = 10.0 * whole.mask;
    auto const some = rows(whole, std::vector<int>{2, 0});
    CHECK(difference(some.mask, grid<TestType>({{5, 6}, {1, 2}})) == 0.0);
    CHECK(difference(some.scores, column<TestType>({9, 7})) == 0.0);
    CHECK(difference(some.rewards, TestType(0.0)) == 0.0);
    CHECK(difference(some.advantages, grid<TestType>({{50, 60}, {10, 20}})) == 0.0);
    CHECK(absent(some.values));
    CHECK_THROWS(rows(whole, std::vector<int>{3}));
}

TEST_CASE("rows: the loss of micro-batches of equal token counts averages to that of the mini-batch") {
    auto const stock = algorithm{terminal_score{}, gae{}, total(clipped_surrogate{}, clipped_value{})};
    auto batch = support::random_batch(8, 5, 3);
    for (auto* x : {&batch.rollout.mask, &batch.rollout.value_mask}) *x = 0.0 * *x + 1.0;
    auto const fill = [](support::array const& x) { return select(x > -1e300, x, 0.1); };
    auto const then = stock.evaluate(each_array(batch.rollout, fill));
    auto const now = each_array(batch.now, fill);
    std::vector<int> const even{0, 2, 4, 6}, odd{1, 3, 5, 7};
    auto const mean =
        0.5 * (stock.loss(rows(then, even), rows(now, even)) + stock.loss(rows(then, odd), rows(now, odd)));
    CHECK(difference(mean, stock.loss(then, now)) < support::tolerance);
#ifdef PROXIMAL_TEST_LIBTORCH
    auto const index = at::tensor({1, 3, 5, 7}, at::kLong);
    CHECK(difference(rows(as<libtorch::field>(batch.rollout), index).scores, rows(batch.rollout, odd).scores) == 0.0);
#endif
}
