// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/train/episodes.hpp>

using namespace proximal::lm;

namespace {
constexpr std::int64_t eos = 0, pad = 2;

/// One prompt per row; the whole row was sampled.
episodes of(std::vector<std::vector<std::int64_t>> const& responses, std::optional<std::int64_t> stop) {
    auto const B = static_cast<std::int64_t>(responses.size()), T = static_cast<std::int64_t>(responses[0].size());
    at::Tensor const tokens = at::empty({B, T}, at::kLong);
    for (std::int64_t b = 0; b < B; ++b) tokens[b].copy_(at::tensor(responses[static_cast<std::size_t>(b)], at::kLong));
    return assemble({at::full({B, 1}, 7, at::kLong), at::ones({B, 1}, at::kBool)},
                    {tokens, at::zeros({B, T}), at::full({B}, T, at::kLong)}, {pad, eos, stop});
}
at::Tensor last(episodes const& e) { return e.mask.sum(1) - 1; }
}  // namespace

TEST_CASE("episodes: where a response ends, row by row as TRL decides it") {
    auto const e = of({{5, 6, 7, 8},       // no EOS
                       {eos, 5, 6, 7},     // EOS first
                       {5, 6, 7, eos},     // EOS last
                       {5, 6, eos, 7},     // EOS before last
                       {pad, 5, 6, 7},     // a pad sampled first: an empty response
                       {pad, 5, eos, 7},   // and an EOS later, which still counts as one
                       {5, pad, 6, eos},   // a pad within
                       {5, eos, 6, eos}},  // twice
                      eos);
    CHECK(at::equal(last(e), at::tensor({3, 0, 3, 2, -1, -1, 0, 1}, at::kLong)));
    CHECK(at::equal(e.value_mask.sum(1), at::tensor({4, 2, 4, 4, 1, 1, 2, 3}, at::kLong)));
    CHECK(at::equal(e.has_eos, at::tensor({0, 1, 1, 1, 0, 1, 1, 1}, at::kLong).to(at::kBool)));
    CHECK(at::equal(e.postprocessed[1], at::tensor({eos, pad, pad, pad}, at::kLong)));
    CHECK(at::equal(e.responses()[1], at::tensor({eos, std::int64_t(5), std::int64_t(6), std::int64_t(7)}, at::kLong)));
}

TEST_CASE("episodes: without a stop token nothing is truncated") {
    auto const e = of({{5, eos, 6, 7}}, {});
    CHECK(at::equal(e.postprocessed, e.responses()));
    CHECK(last(e).item<std::int64_t>() == 3);
    CHECK(e.has_eos.item<bool>());
}

TEST_CASE("left_padded: prompts end together") {
    auto const grid = left_padded({{5}, {6, 7, 8}}, pad);
    CHECK(at::equal(
        grid.ids, at::tensor({pad, pad, std::int64_t(5), std::int64_t(6), std::int64_t(7), std::int64_t(8)}, at::kLong)
                      .view({2, 3})));
    // a pad among a prompt's own tokens is one of them
    CHECK(at::equal(left_padded({{pad, 5}, {6, pad, 8}}, pad).real,
                    at::tensor({0, 1, 1, 1, 1, 1}, at::kLong).view({2, 3}).to(at::kBool)));
    CHECK_THROWS_WITH(left_padded({{5}, {}}, pad), Catch::Contains("holds no token"));
}
