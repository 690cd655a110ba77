// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <proximal/libtorch/parallel_for.hpp>

#include <algorithm>
#include <cmath>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/row_kernels.hpp>
#include <proximal/libtorch/row_kernels.hpp>
#include <stdexcept>
#include <string>

namespace proximal::libtorch {

/// Of every row of logits [N, V], z = logits / temperature: [N] each.
struct softmax_rows {
    at::Tensor logprob;    // of the target: (z[target] − highest) − log_total
    at::Tensor entropy;    // −Σ p log p
    at::Tensor highest;    // max z
    at::Tensor log_total;  // log Σ e^(z − highest)
};

/// The float kernels' numbers in double, plainly.
inline statistics_of<double> statistics_of_row(double const* x, std::int64_t size, double scale) {
    double highest = -std::numeric_limits<double>::infinity(), total = 0.0, moment = 0.0;
    for (std::int64_t j = 0; j < size; ++j) highest = std::max(highest, x[j] * scale);
    for (std::int64_t j = 0; j < size; ++j) {
        double const z = x[j] * scale - highest, e = std::exp(z);
        total += e;
        moment += e == 0.0 ? 0.0 : e * z;  // an impossible token's 0 · −∞
    }
    return {highest, std::log(total), std::log(total) - moment / total};
}
inline statistics_of<float> statistics_of_row(float const* x, std::int64_t size, float scale) {
    return best_row_kernels().statistics(x, size, scale);
}
/// d[j] = p[j] (slope · log p[j] + offset), p the softmax that `row` describes; 0 for an impossible token.
inline void gradient_of_row(double const* x, double* d, std::int64_t size, double scale,
                            statistics_of<double> const& row, double slope, double offset) {
    for (std::int64_t j = 0; j < size; ++j) {
        double const log_p = (x[j] * scale - row.highest) - row.log_total, p = std::exp(log_p);
        d[j] = p == 0.0 ? 0.0 : p * (log_p * slope + offset);
    }
}
inline void gradient_of_row(float const* x, float* d, std::int64_t size, float scale, statistics_of<float> const& row,
                            float slope, float offset) {
    best_row_kernels().gradient(x, d, size, scale, row, slope, offset);
}

/// Whether the CPU's row kernels read these logits. CUDA has its own; all else takes ATen's operations.
inline bool has_row_kernel(at::Tensor const& x) {
    return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

/// Rows under which a second thread costs more to wake than it saves.
inline std::int64_t rows_worth_a_thread(std::int64_t size) {
    return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, size));
}

/// Throws std::invalid_argument where a target is no index into the vocabulary. On a GPU the gather itself asserts.
inline void check_targets(at::Tensor const& targets, std::int64_t rows, std::int64_t vocabulary) {
    if (targets.dim() != 1 || targets.size(0) != rows || targets.scalar_type() != at::kLong)
        throw std::invalid_argument("proximal: targets must be int64 [N], one for each of the " + std::to_string(rows) +
                                    " rows");
    if (!targets.is_cpu() || rows == 0) return;
    auto const [low, high] = at::aminmax(targets);
    if (low.item<std::int64_t>() < 0 || high.item<std::int64_t>() >= vocabulary)
        throw std::invalid_argument("proximal: a target lies outside the vocabulary of " + std::to_string(vocabulary) +
                                    " tokens");
}

/// logits [N, V] contiguous, targets int64 [N] within V. No gradient is recorded.
inline softmax_rows rows_of_softmax(at::Tensor const& logits, at::Tensor const& targets, double scale) {
    std::int64_t const rows = logits.size(0), size = logits.size(1);
    auto const numbers = [&] { return at::empty({rows}, logits.options()); };
    if (auto const* const launch = cuda::launcher_for(logits)) {
        softmax_rows result{numbers(), numbers(), numbers(), numbers()};
        auto const target = targets.contiguous();
        auto const run = [&]<class T>(T const* x) {
            (*launch)(cuda::row_kernels(cuda::scalar_name(logits.scalar_type())), "row_statistics", logits.device(),
                      rows, cuda::row_threads, x, target.const_data_ptr<std::int64_t>(),
                      result.logprob.mutable_data_ptr<T>(), result.entropy.mutable_data_ptr<T>(),
                      result.highest.mutable_data_ptr<T>(), result.log_total.mutable_data_ptr<T>(),
                      static_cast<int>(size), static_cast<T>(scale));
        };
        logits.scalar_type() == at::kFloat ? run(logits.const_data_ptr<float>()) : run(logits.const_data_ptr<double>());
        return result;
    }
    if (!has_row_kernel(logits)) {
        auto const z = logits * scale;
        auto const highest = z.amax(-1), centred = z - highest.unsqueeze(-1), log_total = centred.exp().sum(-1).log();
        auto const log_p = centred - log_total.unsqueeze(-1), p = log_p.exp();
        return {log_p.gather(1, targets.unsqueeze(-1)).squeeze(-1), (p * log_p).masked_fill(p.eq(0), 0).sum(-1).neg(),
                highest, log_total};
    }
    softmax_rows result{numbers(), numbers(), numbers(), numbers()};
    auto const run = [&]<class T>(T const* x) {
        auto const target = targets.contiguous();
        auto const* const at = target.const_data_ptr<std::int64_t>();
        T* const logprob = result.logprob.mutable_data_ptr<T>();
        T* const entropy = result.entropy.mutable_data_ptr<T>();
        T* const highest = result.highest.mutable_data_ptr<T>();
        T* const log_total = result.log_total.mutable_data_ptr<T>();
        parallel_for(0, rows, rows_worth_a_thread(size), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                auto const row = statistics_of_row(x + i * size, size, static_cast<T>(scale));
                logprob[i] = (x[i * size + at[i]] * static_cast<T>(scale) - row.highest) - row.log_total;
                entropy[i] = row.entropy, highest[i] = row.highest, log_total[i] = row.log_total;
            }
        });
    };
    logits.scalar_type() == at::kFloat ? run(logits.const_data_ptr<float>()) : run(logits.const_data_ptr<double>());
    return result;
}

/// Writes ∂(Σ d_logprob · logprob + d_entropy · entropy) / ∂logits into `out` [N, V], which may be logits itself.
///
///     ∂ log p[y] / ∂x[j] = scale · (1[j = y] − p[j]),   ∂H / ∂x[j] = −scale · p[j] (log p[j] + H)
inline void gradient_of_softmax(at::Tensor const& logits, at::Tensor const& targets, double scale,
                                softmax_rows const& known, at::Tensor const& d_logprob, at::Tensor const& d_entropy,
                                at::Tensor out) {
    std::int64_t const rows = logits.size(0), size = logits.size(1);
    if (auto const* const launch = cuda::launcher_for(logits)) {
        auto const target = targets.contiguous(), of_logprob = d_logprob.contiguous(),
                   of_entropy = d_entropy.contiguous();
        auto const run = [&]<class T>(T const* x) {
            (*launch)(cuda::row_kernels(cuda::scalar_name(logits.scalar_type())), "row_gradient", logits.device(), rows,
                      cuda::row_threads, x, target.const_data_ptr<std::int64_t>(), known.entropy.const_data_ptr<T>(),
                      known.highest.const_data_ptr<T>(), known.log_total.const_data_ptr<T>(),
                      of_logprob.const_data_ptr<T>(), of_entropy.const_data_ptr<T>(), out.mutable_data_ptr<T>(),
                      static_cast<int>(size), static_cast<T>(scale));
        };
        logits.scalar_type() == at::kFloat ? run(logits.const_data_ptr<float>()) : run(logits.const_data_ptr<double>());
        return;
    }
    auto const slope = (d_entropy * -scale).contiguous();
    auto const pull = (d_logprob * scale).contiguous();
    auto const offset = (slope * known.entropy - pull).contiguous();
    if (!has_row_kernel(logits)) {
        auto const log_p = logits * scale - known.highest.unsqueeze(-1) - known.log_total.unsqueeze(-1),
                   p = log_p.exp();
        auto const all = (p * (log_p * slope.unsqueeze(-1) + offset.unsqueeze(-1))).masked_fill(p.eq(0), 0);
        out.copy_(all.scatter_add(1, targets.unsqueeze(-1), pull.unsqueeze(-1)));
        return;
    }
    auto const run = [&]<class T>(T const* x) {
        auto const target = targets.contiguous();
        auto const* const at = target.const_data_ptr<std::int64_t>();
        T const *const slopes = slope.const_data_ptr<T>(), *const offsets = offset.const_data_ptr<T>();
        T const *const pulls = pull.const_data_ptr<T>(), *const entropy = known.entropy.const_data_ptr<T>();
        T const *const highest = known.highest.const_data_ptr<T>(), *const log_total =
                                                                        known.log_total.const_data_ptr<T>();
        T* const d = out.mutable_data_ptr<T>();
        parallel_for(0, rows, rows_worth_a_thread(size), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                gradient_of_row(x + i * size, d + i * size, size, static_cast<T>(scale),
                                {highest[i], log_total[i], entropy[i]}, slopes[i], offsets[i]);
                d[i * size + at[i]] += pulls[i];
            }
        });
    };
    logits.scalar_type() == at::kFloat ? run(logits.const_data_ptr<float>()) : run(logits.const_data_ptr<double>());
}

}  // namespace proximal::libtorch
