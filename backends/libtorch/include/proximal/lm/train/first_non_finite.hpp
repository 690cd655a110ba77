// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <concepts>
#include <cstdint>
#include <proximal/compose/chain.hpp>
#include <proximal/compose/reflect.hpp>
#include <proximal/libtorch/field.hpp>
#include <proximal/rollout.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// The step would have spoiled the models: a number was NaN or infinite. The models are as before the step.
struct non_finite_error : std::runtime_error {
    using runtime_error::runtime_error;
};

/// A model that learns says numbers that are not finite: its weights have diverged, and are nothing to keep.
struct diverged_error : non_finite_error {
    using non_finite_error::non_finite_error;
};

/// An array that must be finite where its mask counts, and what messages call it.
struct checked_array {
    std::string_view name;
    libtorch::field x;       // [B] or [B, T]; absent: nothing is asked of it
    libtorch::field mask{};  // [B, T]; absent: all of it counts

    at::Tensor bad() const {
        at::Tensor const unusual = at::isfinite(x.tensor).logical_not();
        return unusual.dim() == 2 && !absent(mask) ? unusual.logical_and(mask.tensor.ne(0)) : unusual;
    }
};

/// "the rewards of row 7 are nan" for the first of some arrays with a number that is not finite where it counts, and
/// its first row; empty where all are. Waits for the device once where all are.
inline std::string first_row_not_finite(std::vector<checked_array> const& arrays) {
    std::vector<checked_array const*> present;
    std::vector<at::Tensor> any;
    for (auto const& array : arrays)
        if (!absent(array.x)) present.push_back(&array), any.push_back(array.bad().any());
    if (any.empty()) return {};
    at::Tensor const found = at::stack(any).cpu();
    for (std::size_t i = 0; i < present.size(); ++i) {
        if (!found.const_data_ptr<bool>()[i]) continue;
        at::Tensor const bad = present[i]->bad(), where = bad.nonzero()[0];
        auto const row = where.numel() > 0 ? where[0].item<std::int64_t>() : 0;
        double const value = present[i]->x.tensor.masked_select(bad)[0].item<double>();
        return "the " + std::string(present[i]->name) + " of row " + std::to_string(row + 1) + " are " +
               (value != value ? "nan" : std::to_string(value));
    }
    return {};
}

/// The same of one array.
inline std::string row_not_finite(std::string_view name, libtorch::field const& x, libtorch::field const& mask = {}) {
    return first_row_not_finite({{name, x, mask}});
}

/// The first of a rollout's, or a judged rollout's, arrays that holds a number that is not finite where it counts.
template <class Batch>
std::string array_not_finite(Batch const& batch) {
    std::vector<checked_array> arrays{{"log-probs of the policy", batch.logprobs, batch.mask},
                                      {"log-probs of the reference", batch.ref_logprobs, batch.mask},
                                      {"values of the critic", batch.values, batch.value_mask},
                                      {"scores", batch.scores},
                                      {"rewards", batch.rewards, batch.value_mask}};
    if constexpr (is_experience<Batch>) {
        arrays.push_back({"advantages", batch.advantages, batch.mask});
        arrays.push_back({"returns", batch.returns, batch.value_mask});
    }
    return first_row_not_finite(arrays);
}

/// An observer of run_and_adapt that keeps the first part which gave a number that is not finite, and the row.
struct non_finite_tracer {
    std::string& found;

    void operator()(auto const& part, auto const&, auto const& output) const {
        if constexpr (requires { output.rewards; }) {
            if (!found.empty()) return;
            if (auto const what = array_not_finite(output); !what.empty())
                found = what + ": the part " + std::string(part_name<std::remove_cvref_t<decltype(part)>>()) +
                        " made them so, of numbers that were finite";
        }
    }
};

}  // namespace proximal::lm
