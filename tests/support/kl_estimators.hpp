// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends.hpp"

#include <catch2/catch.hpp>
#ifdef PROXIMAL_TEST_LIBTORCH
#include <torch/csrc/autograd/autograd.h>
#endif

namespace support {

/// An estimate of one token where π is as likely as π_ref, half as likely, and twice as likely.
template <class Array>
void check_kl_estimates(auto const& estimator, std::initializer_list<double> expected) {
    double const ln2 = std::log(2.0);
    auto const logprob = grid<Array>({{-1, -1, -1}}), ref = grid<Array>({{-1, -1 + ln2, -1 - ln2}});
    CHECK(difference(estimator(logprob, ref), grid<Array>({expected})) < tolerance);
}

/// The slope in log π equals finite differences and autograd, kinks included.
inline void check_kl_slopes(auto const& estimator) {
    auto const dual_at = [&](double d) {
        return estimator(proximal::number<double, 1>::variable(d, 0), proximal::number<double>(0.0));
    };
    for (double d : {-1.5, -0.1, 0.1, 1.5})
        CHECK(dual_at(d).partials[0] == Approx((dual_at(d + 1e-6).value - dual_at(d - 1e-6).value) / 2e-6));
#ifdef PROXIMAL_TEST_LIBTORCH
    std::vector<double> const points{-800.0, -1.5, -0.1, 0.0, 0.1, 1.5};
    auto const logprob = at::tensor(points, at::kDouble).requires_grad_();
    field const value = estimator(field(logprob), field(at::zeros_like(logprob)));
    auto const slope = torch::autograd::grad({value.tensor.sum()}, {logprob})[0];
    for (std::size_t i = 0; i < points.size(); ++i) {
        proximal::number<double, 1> const expected = dual_at(points[i]);
        CHECK(difference(field(value.tensor[i]), array(expected.value)) < tolerance);
        CHECK(difference(field(slope[i]), array(expected.partials[0])) < tolerance);
    }
#endif
}

/// A policy and a reference over three tokens, and KL(policy ‖ reference).
struct three_tokens {
    std::vector<double> p{0.5, 0.3, 0.2}, q{0.2, 0.2, 0.6};

    double kl() const {
        double sum = 0.0;
        for (std::size_t i = 0; i < p.size(); ++i) sum += p[i] * std::log(p[i] / q[i]);
        return sum;
    }
    /// E[estimate] under the policy.
    double mean(auto const& estimator) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < p.size(); ++i) {
            proximal::number<double> const logprob = std::log(p[i]), ref = std::log(q[i]);
            sum += p[i] * estimator(logprob, ref).value;
        }
        return sum;
    }
    /// E[∂estimate/∂z₀] under the policy softmax(z), the tokens held as they were sampled: ∂log pᵢ/∂z₀ = [i = 0] − p₀.
    double mean_slope(auto const& estimator) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < p.size(); ++i) {
            auto const logprob = proximal::number<double, 1>::variable(std::log(p[i]), 0);
            proximal::number<double> const ref = std::log(q[i]);
            sum += p[i] * estimator(logprob, ref).partials[0] * ((i == 0) - p[0]);
        }
        return sum;
    }
};

}  // namespace support
