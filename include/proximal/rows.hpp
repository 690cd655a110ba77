// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/rollout.hpp>
#include <type_traits>

namespace proximal {

/// Applies f to every array that is present: taking rows, moving to a device, changing the dtype. Absent ones stay so.
template <class Array, class F>
constexpr auto each_array(rollout<Array> const& x, F const& f) {
    using Result = std::remove_cvref_t<decltype(f(x.mask))>;
    auto const g = [&](Array const& array) { return absent(array) ? Result{} : f(array); };
    return rollout<Result>{.logprobs = g(x.logprobs),
                           .ref_logprobs = g(x.ref_logprobs),
                           .values = g(x.values),
                           .rewards = g(x.rewards),
                           .mask = g(x.mask),
                           .value_mask = g(x.value_mask),
                           .scores = g(x.scores),
                           .has_eos = g(x.has_eos),
                           .behaviour_logprobs = g(x.behaviour_logprobs),
                           .baseline_scores = g(x.baseline_scores)};
}
/// The same for an experience, its advantages, returns and weights included.
template <class Array, class F>
constexpr auto each_array(experience<Array> const& x, F const& f) {
    using Result = std::remove_cvref_t<decltype(f(x.mask))>;
    auto const g = [&](Array const& array) { return absent(array) ? Result{} : f(array); };
    rollout<Array> const& recorded = x;
    return experience<Result>{each_array(recorded, f), g(x.advantages), g(x.returns), g(x.weights), g(x.value_weights)};
}
/// The same for predictions.
template <class Array, class F>
constexpr auto each_array(prediction<Array> const& x, F const& f) {
    using Result = std::remove_cvref_t<decltype(f(x.logprobs))>;
    auto const g = [&](Array const& array) { return absent(array) ? Result{} : f(array); };
    return prediction<Result>{.logprobs = g(x.logprobs), .values = g(x.values), .entropies = g(x.entropies)};
}

/// The rows of a batch that `index` names, in its order: a mini-batch. The backend says how one array gives rows
/// (`take_rows(array, index)`): eigen takes any range of integers, torch a tensor of them or a range.
template <class Batch, class Index>
constexpr auto rows(Batch const& batch, Index const& index) {
    return each_array(batch, [&](auto const& array) { return take_rows(array, index); });
}

}  // namespace proximal
