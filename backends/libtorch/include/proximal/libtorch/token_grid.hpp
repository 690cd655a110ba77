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

/// Where a token grid lies in memory: an array for each field of fields.hpp, by its index, of which tokens and masks
/// are read. An absent array is null and reads as 0; a gradient nobody asked for is null.
template <class T>
struct token_grid {
    std::int64_t tokens = 0;
    std::array<T const*, all_fields.size> arrays{};
    std::array<T*, predictions> gradients{};
    T responses = 1;  // what the array of weight is divided by
    T values = 1;     // what the array of value_weight is divided by
};

/// Tokens that one partial sum covers: fixed, so that no result depends on the number of threads.
inline constexpr std::int64_t tokens_per_block = 1024;

/// Several tokens of a grid from the i-th on, and which of them count, over mask and over value_mask.
template <class T>
struct token_pack {
    typename pack<T>::mask inside, valued;
    differentiated_token<pack<T>> token;

    /// Which of them count for a field.
    auto where(extent counts) const { return over_values(counts) ? valued : inside; }
};

/// Several tokens, read as tokens() reads them: 0 outside the mask. What a formula leaves alone costs no load once this
/// is inlined.
template <class T>
token_pack<T> tokens_at(token_grid<T> const& grid, std::int64_t i, auto count) {
    using P = pack<T>;
    auto const load = [&](source which) { return P::load(grid.arrays[static_cast<std::size_t>(which)] + i, count); };
    auto const inside = load(source::mask) != P(0.0), valued = load(source::value_mask) != P(0.0);
    return {inside, valued, token_of<differentiated_token<P>>([&](auto field) {
                constexpr bool of_values = over_values(field.counts);
                auto const x = load(field.id);
                if constexpr (is_weight(field.counts))
                    return number<P>::constant(x / P(of_values ? grid.values : grid.responses));
                auto const counted = blend(of_values ? valued : inside, x, P(0.0));
                if constexpr (field.held_by == holder::prediction)
                    return differentiated<P>::template variable<field.index>(counted);
                else return number<P>::constant(counted);
            })};
}

/// `count` tokens of a grid, at most tokens_per_block; absent arrays read as 0.
template <class T>
token_grid<T> stretch(token_grid<T> const& grid, std::int64_t from, std::int64_t count) {
    static constexpr std::array<T, tokens_per_block> zeros{};
    token_grid<T> here = grid;
    here.tokens = count;
    for (std::size_t k = 0; k < all_fields.size; ++k)
        here.arrays[k] = grid.arrays[k] ? grid.arrays[k] + from : zeros.data();
    for (int p = 0; p < predictions; ++p) here.gradients[p] = grid.gradients[p] ? grid.gradients[p] + from : nullptr;
    return here;
}

/// One block: writes the gradient, returns the sums of the loss and of each metric. Flattened, so that a user's formula
/// is inlined into the loop whatever its author wrote, and what it does not read is never loaded.
template <int Sums, class T, class Formula>
[[gnu::flatten]] std::array<double, Sums> fuse_block(Formula const& formula, token_grid<T> const& grid) {
    using P = pack<T>;
    std::array<P, Sums> totals{};
    // The count is a constant for whole packs: a length known late costs a call per load.
    auto const step = [&](std::int64_t i, auto count) {
        auto const here = tokens_at<T>(grid, i, count);
        auto const add = [&](int k, P const& term) { totals[k] = totals[k] + blend(P::first(count), term, P(0.0)); };
        auto const one = contribution(formula, here.token);
        differentiated<P> const loss = one.loss;
        add(0, loss.value);
        int k = 1;
        boost::hana::for_each(one.metrics, [&](auto const& metric) { add(k++, metric.value.value); });
        predicted_fields.for_each([&](auto field) {
            if (T* const gradient = grid.gradients[field.index]; gradient != nullptr)
                blend(here.where(field.counts), loss.template partial<field.index>(), P(0.0))
                    .store(gradient + i, count);
        });
    };
    std::int64_t const whole = grid.tokens / P::width * P::width;
    for (std::int64_t i = 0; i < whole; i += P::width) step(i, std::integral_constant<int, P::width>{});
    if (whole < grid.tokens) step(whole, static_cast<int>(grid.tokens - whole));
    std::array<double, Sums> sums;
    for (int k = 0; k < Sums; ++k) sums[k] = totals[k].sum();
    return sums;
}

/// The whole grid, blocks in parallel; sums are added in the order of the blocks.
template <int Sums, class T, class Formula>
std::array<double, Sums> fuse(Formula const& formula, token_grid<T> const& grid) {
    std::int64_t const blocks = (grid.tokens + tokens_per_block - 1) / tokens_per_block;
    std::vector<std::array<double, Sums>> partial(blocks);
    parallel_for(0, blocks, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t block = begin; block < end; ++block) {
            std::int64_t const from = block * tokens_per_block;
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
