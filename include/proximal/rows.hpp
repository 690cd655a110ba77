// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/rollout.hpp>
#include <type_traits>

namespace proximal {

/// Applies f to every array that is present: taking rows, moving to a device, changing the dtype. Absent ones stay so.
/// The batch is a rollout, an experience or a prediction.
template <template <class> class Batch, class Array, class F>
constexpr auto each_array(Batch<Array> const& x, F const& f) {
    Batch<std::remove_cvref_t<std::invoke_result_t<F const&, Array const&>>> result;
    fields_of<Batch<Array>>.for_each([&](auto field) {
        if (!absent(field.of(x))) field.of(result) = f(field.of(x));
    });
    return result;
}

/// The rows of a batch that `index` names, in its order: a mini-batch. The backend says how one array gives rows
/// (`take_rows(array, index)`): eigen takes any range of integers, torch a tensor of them or a range.
template <class Batch, class Index>
constexpr auto rows(Batch const& batch, Index const& index) {
    return each_array(batch, [&](auto const& array) { return take_rows(array, index); });
}

}  // namespace proximal
