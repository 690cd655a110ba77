// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <proximal/libtorch/token_grid.hpp>
#include <proximal/sequence.hpp>
#include <type_traits>

namespace proximal::libtorch {

/// What the tokens of one stretch of a row add to its mean: Σ averaged(token), and how many count. Flattened, as
/// fuse_block.
template <class T, class Formula>
[[gnu::flatten]] std::array<T, 2> averaged_sum(Formula const& formula, token_grid<T> const& grid) {
    using P = pack<T>;
    P total{}, counted{};
    auto const step = [&](std::int64_t i, auto count) {
        auto const here = tokens_at<T>(grid, i, count);
        differentiated<P> const one = formula.averaged(here.token);
        auto const inside = here.inside & P::first(count);
        total = total + blend(inside, one.value, P(0.0));
        counted = counted + P(inside);
    };
    std::int64_t const whole = grid.tokens / P::width * P::width;
    for (std::int64_t i = 0; i < whole; i += P::width) step(i, std::integral_constant<int, P::width>{});
    if (whole < grid.tokens) step(whole, static_cast<int>(grid.tokens - whole));
    return {total.sum(), counted.sum()};
}

/// sequence_means() in one pass: a row of `steps` tokens at a time, rows in parallel, written to `means` [B, T].
template <class T, class Formula>
void fuse_sequence_means(Formula const& formula, token_grid<T> const& grid, std::int64_t steps, T* means) {
    std::int64_t const rows_worth_a_thread =
        std::max<std::int64_t>(1, 16 * tokens_per_block / std::max<std::int64_t>(1, steps));
    parallel_for(0, steps > 0 ? grid.tokens / steps : 0, rows_worth_a_thread,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t row = begin; row < end; ++row) {
                         std::array<T, 2> sums{};
                         for (std::int64_t from = row * steps; from < (row + 1) * steps; from += tokens_per_block) {
                             auto const part = averaged_sum(
                                 formula, stretch(grid, from, std::min(tokens_per_block, (row + 1) * steps - from)));
                             sums = {sums[0] + part[0], sums[1] + part[1]};
                         }
                         std::fill_n(means + row * steps, steps, sums[0] / std::max(sums[1], T(1)));
                     }
                 });
}

}  // namespace proximal::libtorch
