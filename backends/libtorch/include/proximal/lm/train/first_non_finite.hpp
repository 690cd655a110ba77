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

namespace proximal::lm {

/// The step would have spoiled the models: a number was NaN or infinite. The models are as before the step.
struct non_finite_error : std::runtime_error {
    using runtime_error::runtime_error;
};

/// A model that learns says numbers that are not finite: its weights have diverged, and are nothing to keep.
struct diverged_error : non_finite_error {
    using non_finite_error::non_finite_error;
};

/// "the rewards of row 7 are nan" for the first row of x [B] or [B, T] with a number that is not finite where the mask
/// counts; empty where all are. Waits for the device.
inline std::string row_not_finite(std::string_view name, libtorch::field const& x, libtorch::field const& mask = {}) {
    if (absent(x)) return {};
    at::Tensor bad = at::isfinite(x.tensor).logical_not();
    if (bad.dim() == 2 && !absent(mask)) bad = bad.logical_and(mask.tensor.ne(0));
    if (!bad.any().item<bool>()) return {};
    at::Tensor const where = bad.nonzero()[0];
    auto const row = where.numel() > 0 ? where[0].item<std::int64_t>() : 0;
    double const value = x.tensor.masked_select(bad)[0].item<double>();
    return "the " + std::string(name) + " of row " + std::to_string(row + 1) + " are " +
           (value != value ? "nan" : std::to_string(value));
}

/// The first of a rollout's, or a judged rollout's, arrays that holds a number that is not finite where it counts.
template <class Batch>
std::string array_not_finite(Batch const& batch) {
    std::string found;
    auto const look = [&](std::string_view name, libtorch::field const& x, libtorch::field const& mask) {
        if (found.empty()) found = row_not_finite(name, x, mask);
    };
    look("log-probs of the policy", batch.logprobs, batch.mask);
    look("log-probs of the reference", batch.ref_logprobs, batch.mask);
    look("values of the critic", batch.values, batch.value_mask);
    look("scores", batch.scores, {});
    look("rewards", batch.rewards, batch.value_mask);
    if constexpr (is_experience<Batch>) {
        look("advantages", batch.advantages, batch.mask);
        look("returns", batch.returns, batch.value_mask);
    }
    return found;
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
