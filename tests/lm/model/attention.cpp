// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <proximal/lm/model/attention.hpp>

using namespace proximal::libtorch;
using namespace proximal::lm;

namespace {
constexpr std::int64_t heads = 3, size = 10;
double difference(at::Tensor const& a, at::Tensor const& b) {
    REQUIRE(a.sizes() == b.sizes());
    return (a - b).abs().max().item<double>();
}
kv_cache make_cache(std::int64_t rows, std::int64_t capacity) {
    auto const empty = at::full({rows, heads, capacity, size}, 99.0, at::kDouble);
    return {.keys = {empty.clone()}, .values = {empty.clone()}, .row_count = rows, .capacity = capacity};
}
/// softmax(q kᵀ / √D) v with loops over nothing but one row's tokens: attention as the paper writes it.
at::Tensor by_hand(at::Tensor const& qkv, rotary const& rotate, token_batch const& tokens) {
    auto const part = qkv.view({-1, heads, 3, size}).unbind(2);
    auto const q = rotate(part[0], tokens.positions), k = rotate(part[1], tokens.positions);
    std::vector<at::Tensor> out;
    for (std::int64_t n = 0; n < tokens.size(); ++n) {
        auto const p = tokens.positions[n].item<std::int64_t>();
        auto const weights = (k.narrow(0, n - p, p + 1) * q[n])
                                 .sum(-1)
                                 .div(std::sqrt(static_cast<double>(size)))
                                 .softmax(0);  // [p + 1, heads]
        out.push_back((weights.unsqueeze(-1) * part[2].narrow(0, n - p, p + 1)).sum(0).flatten());
    }
    return at::stack(out);
}
}  // namespace

TEST_CASE("attention: fused, composed and by hand agree in value and gradient") {
    auto const ids = GENERATE(std::vector<std::vector<std::int64_t>>{{1, 1, 1}, {1}, {1, 1, 1, 1, 1}},
                              std::vector<std::vector<std::int64_t>>{{1, 1}, {1, 1}});
    auto const dimensions = GENERATE(static_cast<std::int64_t>(0), static_cast<std::int64_t>(4), size);
    auto const tokens = pack_tokens(ids);
    rotary const rotate(dimensions, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const generator = at::detail::createCPUGenerator(2);
    auto const qkv = at::randn({tokens.size(), heads * 3 * size}, generator, at::kDouble).set_requires_grad(true);
    auto const weight = at::randn({tokens.size(), heads * size}, generator, at::kDouble);
    auto const run = [&](auto const& attention) {
        qkv.mutable_grad() = at::Tensor();
        at::Tensor const value = attention();
        (value * weight).sum().backward();
        return at::cat({value.detach(), qkv.grad()}, 1);
    };
    auto const expected = run([&] { return by_hand(qkv, rotate, tokens); });
    CHECK(difference(run([&] { return composed_attention(qkv, heads, rotate, tokens, nullptr, 0); }), expected) <
          1e-13);
    CHECK(difference(run([&] { return fused_attention(qkv, heads, rotate, tokens, nullptr, 0); }), expected) < 1e-13);
    CHECK(difference(run([&] { return self_attention(qkv, heads, rotate, tokens, nullptr, 0); }), expected) < 1e-13);
}

TEST_CASE("attention: a cache filled and extended gives the last token of the whole") {
    at::NoGradGuard const guard;
    auto const fused = GENERATE(true, false);
    auto const attention = fused ? fused_attention : composed_attention;
    rotary const rotate(4, 100.0, 8, at::kDouble, at::TensorOptions(at::kDouble));
    auto const whole = pack_tokens({{1, 1, 1}, {1, 1}, {1, 1, 1, 1, 1}});
    auto const qkv = at::randn({10, heads * 3 * size}, at::detail::createCPUGenerator(2), at::kDouble);
    auto const expected = by_hand(qkv, rotate, whole);
    auto cache = make_cache(3, 6);
    auto const before = at::tensor({0, 1, 3, 5, 6, 7, 8}, at::kLong), last = at::tensor({2, 4, 9}, at::kLong);
    CHECK(difference(attention(qkv.index_select(0, before), heads, rotate, pack_tokens({{1, 1}, {1}, {1, 1, 1, 1}}),
                               &cache, 0),
                     expected.index_select(0, before)) < 1e-13);
    cache.length = 4;
    token_batch step = pack_tokens({{1}, {1}, {1}});
    step.positions = at::tensor({2, 1, 4}, at::kLong);
    step.longest = 5;
    CHECK(difference(attention(qkv.index_select(0, last), heads, rotate, step, &cache, 0),
                     expected.index_select(0, last)) < 1e-13);
}

TEST_CASE("kv_cache: shrinking keeps the rows that move and those that stay") {
    auto cache = make_cache(4, 3);
    cache.length = 2;
    cache.keys[0].copy_(at::arange(4, at::kDouble).view({4, 1, 1, 1}).expand_as(cache.keys[0]));
    cache.shrink(at::tensor({3}, at::kLong), at::tensor({0}, at::kLong), 3);  // row 0 has ended
    CHECK(cache.row_count == 3);
    for (std::int64_t r : {0, 1, 2})
        CHECK(cache.keys[0][r].narrow(1, 0, 2).eq(static_cast<double>(r == 0 ? 3 : r)).all().item<bool>());
}
