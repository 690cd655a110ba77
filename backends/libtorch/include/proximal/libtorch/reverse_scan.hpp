// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Dispatch.h>
#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <proximal/affine.hpp>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/reverse_scan.hpp>
#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/parallel_for.hpp>
#include <proximal/numeric/functions.hpp>
#include <stdexcept>
#include <utility>

namespace proximal::libtorch {

/// One row, last step first. Flattened, so that a user's formula is inlined into the loop whatever its author wrote.
/// (Several rows abreast were no faster: the processor overlaps them already.)
template <class T, class Formula, std::size_t... K>
[[gnu::flatten]] void scan_row(Formula const& formula, std::int64_t steps, T* out,
                               std::array<T const*, sizeof...(K)> in, std::index_sequence<K...>) {
    number<T> later = 0.0;
    for (std::int64_t t = steps - 1; t >= 0; --t) {
        auto const step = formula(number<T>(in[K][t])...);
        later = step.delta + step.decay * later;
        out[t] = later.value;
    }
}

/// Whether one pass may read these: of one shape, dtype and device, float or double, and no gradient to record.
template <std::same_as<field>... Fields>
bool scannable_by_rows(field const& first, Fields const&... rest) {
    auto const& model = first.tensor;
    auto const plain = [&](at::Tensor const& x) {
        return x.defined() && x.device() == model.device() && !x.requires_grad() && x.dim() == 2 &&
               x.sizes().equals(model.sizes()) && x.dtype() == model.dtype() &&
               (x.dtype() == at::kFloat || x.dtype() == at::kDouble);
    };
    return plain(model) && (plain(rest.tensor) && ...);
}

/// One fused loop per row, rows in parallel: the formula runs on numbers, delta and decay are never stored.
template <class Formula, std::same_as<field>... Fields>
field scan_rows(Formula const& formula, Fields const&... x) {
    if (!scannable_by_rows(x...) || !(x.tensor.is_cpu() && ...))
        throw std::invalid_argument("proximal: scan_rows takes CPU arrays of one shape and dtype");
    std::array const inputs{x.tensor.contiguous()...};
    at::Tensor result = at::empty_like(inputs[0]);
    std::int64_t const rows = result.size(0), steps = result.size(1);
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "proximal::reverse_scan", [&] {
        std::int64_t const rows_worth_a_thread = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, steps));
        parallel_for(0, rows, rows_worth_a_thread, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t b = begin; b < end; ++b) {
                std::array<scalar_t const*, sizeof...(Fields)> in;
                for (std::size_t k = 0; k < in.size(); ++k)
                    in[k] = inputs[k].template const_data_ptr<scalar_t>() + b * steps;
                scan_row<scalar_t>(formula, steps, result.mutable_data_ptr<scalar_t>() + b * steps, in,
                                   std::index_sequence_for<Fields...>{});
            }
        });
    });
    return result;
}

/// ⌈log₂ T⌉ rounds of whole-array operations, on any device and differentiable: Hillis and Steele (1986).
template <class Decay>
field scan_rounds(affine<field, Decay> const& step) {
    at::Tensor delta = step.delta.tensor;
    at::Tensor decay = at::zeros_like(delta) + field(step.decay).tensor;
    auto const shifted = [](at::Tensor const& x, std::int64_t by, double identity) {
        return at::constant_pad_nd(x.slice(1, by), {0, by}, identity);
    };
    for (std::int64_t by = 1; by < delta.size(1); by *= 2) {
        affine<field> const later{shifted(delta, by, 0.0), shifted(decay, by, 1.0)};
        affine<field> const round = affine<field>{delta, decay}.after(later);
        delta = round.delta.tensor;
        decay = round.decay.tensor;
    }
    return delta;
}

/// One kernel on a GPU, generated from the formula: a warp per row.
template <class Formula, std::same_as<field>... Fields>
field scan_on_gpu(cuda::launcher const& launch, Formula const& formula, Fields const&... x) {
    std::array const inputs{x.tensor.contiguous()...};
    at::Tensor result = at::empty_like(inputs[0]);
    std::int64_t const rows = result.size(0);
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "proximal::reverse_scan", [&] {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            launch(cuda::reverse_scan_kernel<sizeof...(K)>(formula, cuda::scalar_name(result.scalar_type())),
                   "reverse_scan", result.device(), rows, 32, static_cast<long long>(rows),
                   static_cast<int>(result.size(1)), inputs[K].template const_data_ptr<scalar_t>()...,
                   result.mutable_data_ptr<scalar_t>());
        }
        (std::index_sequence_for<Fields...>{});
    });
    return result;
}

/// The fastest form for where the arrays live.
template <class Formula, std::same_as<field>... Fields>
field reverse_scan(Formula const& formula, field const& first, Fields const&... rest) {
    if (!scannable_by_rows(first, rest...)) return scan_rounds(formula(first, rest...));
    if (first.tensor.is_cpu()) return scan_rows(formula, first, rest...);
    auto const* const launch = cuda::launcher_for(first.tensor);
    return launch ? scan_on_gpu(*launch, formula, first, rest...) : scan_rounds(formula(first, rest...));
}

}  // namespace proximal::libtorch
