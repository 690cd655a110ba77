// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdint>
#include <proximal/lm/model/kv_cache.hpp>

using namespace proximal::lm;

TEST_CASE("kv_cache: holds as many heads as there are keys") {
    auto const cache = empty_cache(2, {6, 2, 5}, 4, 7, at::TensorOptions(at::kDouble));
    REQUIRE(cache.keys.size() == 2);
    REQUIRE(cache.values.size() == 2);
    CHECK((cache.values[1].sizes() == at::IntArrayRef{4, 2, 7, 5}));
    CHECK(cache.length == 0);
    CHECK(cache.capacity == 7);
}

TEST_CASE("kv_cache: shrinking keeps the rows that move and those that stay") {
    auto cache = empty_cache(1, {3, 3, 10}, 4, 3, at::TensorOptions(at::kDouble));
    cache.length = 2;
    cache.keys[0].copy_(at::arange(4, at::kDouble).view({4, 1, 1, 1}).expand_as(cache.keys[0]));
    cache.shrink(at::tensor({3}, at::kLong), at::tensor({0}, at::kLong), 3);  // row 0 has ended
    CHECK(cache.row_count == 3);
    for (std::int64_t r : {0, 1, 2})
        CHECK(cache.keys[0][r].narrow(1, 0, 2).eq(static_cast<double>(r == 0 ? 3 : r)).all().item<bool>());
}
