// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/libtorch/parallel_for.hpp>

#include <algorithm>
#include <array>
#include <boost/hana/for_each.hpp>
#include <cstdint>
#include <proximal/compose/total.hpp>
#include <proximal/numeric/pack.hpp>
#include <type_traits>
#include <vector>

namespace proximal::libtorch {

/// The arrays of a token grid by number: the three predictions, what was recorded, the weights, the masks.
enum token_array : int {
    logprob_at,
    value_at,
    entropy_at,
    old_logprob_at,
    ref_logprob_at,
    old_value_at,
    advantage_at,
    return_at,
    score_at,
    sequence_mean_at,
    weight_at,
    value_weight_at,
    mask_at,
    value_mask_at
};
/// How many arrays a token grid has.
inline constexpr int token_arrays = 14;

/// Where a token grid lies in memory. An absent array is null and reads as 0; a gradient nobody asked for is null.
template <class T>
struct token_grid {
    int64_t tokens = 0;
    std::array<T const*, token_arrays> arrays{};
    std::array<T*, 3> gradients{};
    T responses = 1;  // weight = arrays[weight_at] / responses
    T values = 1;     // value_weight = arrays[value_weight_at] / values
};

/// Tokens that one partial sum covers: fixed, so that no result depends on the number of threads.
inline constexpr int64_t tokens_per_block = 1024;

/// Several tokens, read as tokens() reads them: 0 outside the mask.
template <class T>
auto tokens_of(std::array<pack<T>, token_arrays> const& x, token_grid<T> const& grid) {
    using P = pack<T>;
    auto const inside = x[mask_at] != P(0.0), valued = x[value_mask_at] != P(0.0);
    using now = number<P, 3>;
    auto const within = [&](auto where, token_array which) { return blend(where, x[which], P(0.0)); };
    auto const logprob = now::template variable<0>(within(inside, logprob_at));
    auto const value = now::template variable<1>(within(valued, value_at));
    auto const entropy = now::template variable<2>(within(inside, entropy_at));
    auto const then = [&](auto where, token_array which) { return number<P>::constant(within(where, which)); };
    return differentiated_token<P>{.logprob = logprob,
                                   .value = value,
                                   .entropy = entropy,
                                   .old_logprob = then(inside, old_logprob_at),
                                   .ref_logprob = then(inside, ref_logprob_at),
                                   .old_value = then(valued, old_value_at),
                                   .advantage = then(inside, advantage_at),
                                   .return_ = then(valued, return_at),
                                   .score = then(inside, score_at),
                                   .sequence_mean = then(inside, sequence_mean_at),
                                   .weight = number<P>::constant(x[weight_at] / P(grid.responses)),
                                   .value_weight = number<P>::constant(x[value_weight_at] / P(grid.values))};
}

/// `count` tokens of a grid, at most tokens_per_block; absent arrays read as 0.
template <class T>
token_grid<T> stretch(token_grid<T> const& grid, int64_t from, int64_t count) {
    static constexpr std::array<T, tokens_per_block> zeros{};
    token_grid<T> here = grid;
    here.tokens = count;
    for (int k = 0; k < token_arrays; ++k) here.arrays[k] = grid.arrays[k] ? grid.arrays[k] + from : zeros.data();
    for (int p = 0; p < 3; ++p) here.gradients[p] = grid.gradients[p] ? grid.gradients[p] + from : nullptr;
    return here;
}

/// One block: writes the gradient, returns the sums of the loss and of each metric. Flattened, so that a user's formula
/// is inlined into the loop whatever its author wrote, and what it does not read is never loaded.
template <int Sums, class T, class Formula>
[[gnu::flatten]] std::array<double, Sums> fuse_block(Formula const& formula, token_grid<T> const& grid) {
    using P = pack<T>;
    std::array<P, Sums> totals{};
    // The count is a constant for whole packs: a length known late costs a call per load.
    auto const step = [&](int64_t i, auto count) {
        std::array<P, token_arrays> x;
        for (int k = 0; k < token_arrays; ++k) x[k] = P::load(grid.arrays[k] + i, count);
        auto const inside = x[mask_at] != P(0.0), valued = x[value_mask_at] != P(0.0);
        auto const add = [&](int k, P const& term) { totals[k] = totals[k] + blend(P::first(count), term, P(0.0)); };
        auto const one = contribution(formula, tokens_of<T>(x, grid));
        number<P, 3> const loss = one.loss;
        add(0, loss.value);
        int k = 1;
        boost::hana::for_each(one.metrics, [&](auto const& metric) { add(k++, metric.value.value); });
        for (int p = 0; p < 3; ++p)
            if (grid.gradients[p] != nullptr)
                blend(p == value_at ? valued : inside, loss.partials[p], P(0.0)).store(grid.gradients[p] + i, count);
    };
    int64_t const whole = grid.tokens / P::width * P::width;
    for (int64_t i = 0; i < whole; i += P::width) step(i, std::integral_constant<int, P::width>{});
    if (whole < grid.tokens) step(whole, static_cast<int>(grid.tokens - whole));
    std::array<double, Sums> sums;
    for (int k = 0; k < Sums; ++k) sums[k] = totals[k].sum();
    return sums;
}

/// The whole grid, blocks in parallel; sums are added in the order of the blocks.
template <int Sums, class T, class Formula>
std::array<double, Sums> fuse(Formula const& formula, token_grid<T> const& grid) {
    int64_t const blocks = (grid.tokens + tokens_per_block - 1) / tokens_per_block;
    std::vector<std::array<double, Sums>> partial(blocks);
    parallel_for(0, blocks, 16, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
            int64_t const from = block * tokens_per_block;
            partial[block] =
                fuse_block<Sums>(formula, stretch(grid, from, std::min(tokens_per_block, grid.tokens - from)));
        }
    });
    std::array<double, Sums> sums{};
    for (auto const& block : partial)
        for (int k = 0; k < Sums; ++k) sums[k] += block[k];
    return sums;
}

}  // namespace proximal::libtorch
