// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/aggregation/token_mean.hpp>
#include <proximal/composer.hpp>

namespace proximal {

/// An aggregation whose denominators are the mini-batch's, so that how it is split into micro-batches changes nothing.
///
///     w[b, t] = w of the whole mini-batch
///
/// Source: verl's and OpenRLHF's global token counts. token_mean alone is TRL's: each micro-batch by its own count,
/// which makes the gradient depend on the split.
/// A trainer that splits a mini-batch calls weigh() on it first (compose/weigh.hpp); on a batch that is not split it is
/// its part, the member `part`, whose knobs it has.
template <Aggregation Part = token_mean>
struct over_mini_batch {
    static constexpr bool spans_mini_batch = true;
    Part part{};
    static constexpr auto composes = composed_of(&over_mini_batch::part);

    template <class Array>
    constexpr Array operator()(Array const& mask) const {
        return part(mask);
    }
};
static_assert(Aggregation<over_mini_batch<>>);

}  // namespace proximal
