// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/model/attention_input.hpp>

using namespace proximal::lm;

TEST_CASE("attention_input: a fused projection is viewed in GPT-NeoX's order, and in GPT-2's, and never copied") {
    // Column c of a row holds c: its place.
    auto const columns = at::arange(24).view({1, 24}).expand({2, 24}).contiguous();
    auto const first = [](at::Tensor const& part) { return part.select(0, 1).select(1, 0); };  // of each head
    auto const interleaved = interleaved_qkv(columns, {2, 2, 4});
    CHECK(first(interleaved.query).equal(at::tensor({0, 12}, at::kLong)));
    CHECK(first(interleaved.key).equal(at::tensor({4, 16}, at::kLong)));
    CHECK(first(interleaved.value).equal(at::tensor({8, 20}, at::kLong)));
    auto const consecutive = consecutive_qkv(columns, {2, 2, 4});
    CHECK(first(consecutive.query).equal(at::tensor({0, 4}, at::kLong)));
    CHECK(first(consecutive.key).equal(at::tensor({8, 12}, at::kLong)));
    CHECK(first(consecutive.value).equal(at::tensor({16, 20}, at::kLong)));
    auto const grouped = consecutive_qkv(columns, {4, 1, 4});
    CHECK(first(grouped.query).equal(at::tensor({0, 4, 8, 12}, at::kLong)));
    CHECK(first(grouped.key).equal(at::tensor({16}, at::kLong)));
    CHECK(first(grouped.value).equal(at::tensor({20}, at::kLong)));
    for (auto const& x : {interleaved, consecutive, grouped})
        for (auto const& part : {x.query, x.key, x.value, x.fused}) CHECK(part.is_alias_of(columns));
    CHECK_THROWS_WITH(interleaved_qkv(columns, {4, 1, 4}), Catch::Contains("use consecutive_qkv"));
}

TEST_CASE("attention_shape: key heads divide query heads") {
    CHECK(attention_shape{6, 2, 4}.group() == 3);
    CHECK_NOTHROW(attention_shape{6, 2, 4}.check());
    for (auto const& wrong : {attention_shape{6, 4, 4}, {2, 4, 4}, {6, 0, 4}, {0, 1, 4}, {6, 2, 0}})
        CHECK_THROWS_WITH(wrong.check(), Catch::Contains("kv_heads must divide heads"));
}
