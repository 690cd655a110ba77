// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <proximal/run/prompt_cursor.hpp>

using namespace proximal;
using namespace proximal::run;

TEST_CASE("random_permutation: holds every index once, and is pinned for a seed") {
    std::mt19937_64 engine(1);
    auto order = random_permutation(1000, engine);
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < 1000; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
    std::mt19937_64 a(7), b(7);
    CHECK(random_permutation(50, a) == random_permutation(50, b));
    CHECK(random_permutation(1, a) == std::vector<std::int64_t>{0});
}

TEST_CASE("prompt_cursor: no row comes twice in a pass, a short rest is left out, passes differ") {
    prompt_cursor cursor(10, 4, 3);
    std::vector<std::int64_t> first = cursor.next(), second = cursor.next(), third = cursor.next();
    std::vector<std::int64_t> pass = first;
    pass.insert(pass.end(), second.begin(), second.end());
    std::sort(pass.begin(), pass.end());
    CHECK(std::adjacent_find(pass.begin(), pass.end()) == pass.end());
    CHECK(cursor.epochs() == Approx(1.2));
    prompt_cursor again(10, 4, 3), other(10, 4, 4);
    CHECK(again.next() == first);
    CHECK(other.next() != first);
    CHECK_THROWS_WITH(prompt_cursor(3, 4, 1), Catch::Contains("fewer than one batch of 4"));
}
