// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iterator>
#include <proximal/array.hpp>
#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/reverse_scan.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::libtorch {

// The array vocabulary (proximal/array.hpp), as ATen operations. No call but item() waits for the device.

inline field sum(field const& x) { return x.tensor.sum(); }

inline field row_sum(field const& x) { return x.tensor.sum(-1); }

inline field spread(field const& row, field const& like) { return row.tensor.unsqueeze(-1).expand_as(like.tensor); }

inline field next_step(field const& x) { return at::constant_pad_nd(x.tensor.slice(1, 1), {0, 1}); }

/// [B] as [groups, size]. Throws where B does not divide so, or a group is smaller than `least`.
inline at::Tensor in_groups(field const& row, std::int64_t size, std::int64_t least) {
    if (absent(row)) throw std::invalid_argument("proximal: an absent array was read");
    std::int64_t const rows = row.tensor.numel();
    if (size < least || rows % size != 0)
        throw std::invalid_argument("proximal: " + std::to_string(rows) + " rows do not divide into groups of " +
                                    std::to_string(size));
    return row.tensor.view({-1, size});
}

/// Taken from the group's first number, so that equal numbers have exactly themselves as their mean.
inline field group_mean(field const& row, std::int64_t size) {
    at::Tensor const groups = in_groups(row, size, 1), first = groups.narrow(1, 0, 1);
    return (first + (groups - first).mean(-1, true)).expand({-1, size}).reshape({-1});
}

/// The largest of the other rows of each row's group. [B]
inline field max_of_others(field const& row, std::int64_t size) {
    at::Tensor const groups = in_groups(row, size, 2);
    auto const best = std::get<0>(groups.topk(2, 1));  // [groups, 2]; NaN is the largest, as in max
    auto const first = best.narrow(1, 0, 1), second = best.narrow(1, 1, 1);
    // The one that is the largest looks at the second; where two are, first and second are one.
    return at::where(groups.eq(first).logical_or(groups.isnan()), second, first).reshape({-1});
}

inline array_shape shape_of(field const& x) {
    if (x.tensor.dim() == 0) return {1, 1};
    auto const rows = x.tensor.size(0);
    return {rows, rows == 0 ? 0 : x.tensor.numel() / rows};
}

/// Waits for the device.
inline double item(field const& x) { return x.tensor.item<double>(); }

/// Rows in the order of `index`, a tensor of integers on the array's device; a scalar has none to choose.
inline field take_rows(field const& x, at::Tensor const& index) {
    return x.tensor.dim() == 0 ? x : field(x.tensor.index_select(0, index));
}
template <class Index>
field take_rows(field const& x, Index const& index) {
    auto const wanted = std::vector<std::int64_t>(std::begin(index), std::end(index));
    return take_rows(x, at::tensor(wanted, at::kLong).to(x.tensor.device(), at::kLong, /*non_blocking=*/true));
}

static_assert(proximal::Array<field> && TellsShape<field>);

}  // namespace proximal::libtorch
