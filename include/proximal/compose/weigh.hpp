// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/concepts.hpp>

namespace proximal {

/// Fixes the weight of every token of a mini-batch before it is split into micro-batches, where the aggregation says so
/// (over_mini_batch); else gives the mini-batch back as it is.
///
///     mean over the micro-batches of L(micro-batch) = L(mini-batch),   however it is split into `micro_batches`
///
/// The weights travel with the rows: rows(weigh(algorithm, mini_batch, n), index) is a micro-batch. Metrics that are
/// weighted as losses obey the same law.
template <class Algorithm, Array A>
constexpr experience<A> weigh(Algorithm const& algorithm, experience<A> mini_batch, double micro_batches) {
    if constexpr (requires { algorithm.mean.spans_mini_batch; }) {
        mini_batch.weights = micro_batches * algorithm.mean(mini_batch.mask);
        mini_batch.value_weights = micro_batches * algorithm.mean(mini_batch.value_mask);
    }
    return mini_batch;
}

}  // namespace proximal
