// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>
#ifdef PROXIMAL_TEST_LIBTORCH
#include <torch/csrc/autograd/autograd.h>
#endif

using namespace proximal;
using support::difference, support::grid, support::tolerance;

TEMPLATE_TEST_CASE("kl: hand numbers", "", BACKENDS) {
    double const ln2 = std::log(2.0);
    auto const logprob = grid<TestType>({{-1, -1, -1}}), ref = grid<TestType>({{-1, -1 + ln2, -1 - ln2}});
    CHECK(difference(k1{}(logprob, ref), grid<TestType>({{0, -ln2, ln2}})) < tolerance);
    CHECK(difference(k2{}(logprob, ref), grid<TestType>({{0, 0.5 * ln2 * ln2, 0.5 * ln2 * ln2}})) < tolerance);
    CHECK(difference(absolute{}(logprob, ref), grid<TestType>({{0, ln2, ln2}})) < tolerance);
    CHECK(difference(k3{}(logprob, ref), grid<TestType>({{0, 1 - ln2, ln2 - 0.5}})) < tolerance);
    CHECK(difference(straight_through<k3>{}(logprob, ref), k3{}(logprob, ref)) == 0.0);
}

TEST_CASE("k3: digits survive where the models are close") {
    double const d = 1e-9;
    CHECK(k3{}(number<double>(-1.0), number<double>(-1.0 + d)).value == Approx(0.5 * d * d).epsilon(1e-6));
}

TEST_CASE("k1, k3: unbiased, k3 never negative, and their slopes") {
    std::vector<double> const p{0.5, 0.3, 0.2}, q{0.2, 0.2, 0.6};
    double exact = 0.0, first = 0.0, third = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        number<double> const logprob = std::log(p[i]), ref = std::log(q[i]);
        exact += p[i] * std::log(p[i] / q[i]);
        first += p[i] * k1{}(logprob, ref).value;
        third += p[i] * k3{}(logprob, ref).value;
        CHECK(k3{}(logprob, ref).value >= 0.0);
        auto const slope = k3{}(number<double, 1>::variable(std::log(p[i]), 0), ref).partials[0];
        CHECK(slope == Approx(1.0 - q[i] / p[i]));
    }
    CHECK(first == Approx(exact));
    CHECK(third == Approx(exact));
}

#ifdef PROXIMAL_TEST_LIBTORCH
TEST_CASE("kl: partials equal finite differences and autograd, kinks included") {
    using libtorch::field;
    auto const check = [](auto const& estimator) {
        auto const dual_at = [&](double d) {
            return estimator(number<double, 1>::variable(d, 0), number<double>(0.0));
        };
        std::vector<double> const points{-800.0, -1.5, -0.1, 0.0, 0.1, 1.5};
        auto const logprob = at::tensor(points, at::kDouble).requires_grad_();
        field const value = estimator(field(logprob), field(at::zeros_like(logprob)));
        auto const slope = torch::autograd::grad({value.tensor.sum()}, {logprob})[0];
        for (std::size_t i = 0; i < points.size(); ++i) {
            number<double, 1> const expected = dual_at(points[i]);
            CHECK(difference(field(value.tensor[i]), support::array(expected.value)) < tolerance);
            CHECK(difference(field(slope[i]), support::array(expected.partials[0])) < tolerance);
        }
        for (double d : {-1.5, -0.1, 0.1, 1.5})
            CHECK(dual_at(d).partials[0] == Approx((dual_at(d + 1e-6).value - dual_at(d - 1e-6).value) / 2e-6));
    };
    check(k1{}), check(k2{}), check(k3{}), check(absolute{});
}
#endif

TEST_CASE("straight_through: the value of the one, the slope of the other") {
    for (double d : {-2.0, 0.0, 0.7}) {
        auto const logprob = number<double, 1>::variable(d, 0);
        number<double> const ref = 0.0;
        CHECK(straight_through<k3>{}(logprob, ref).value == k3{}(logprob, ref).value);
        CHECK(straight_through<k3>{}(logprob, ref).partials[0] == d);
        CHECK(straight_through<k1, k3>{}(logprob, ref).partials[0] == k3{}(logprob, ref).partials[0]);
    }
#ifdef PROXIMAL_TEST_LIBTORCH
    auto const logprob = at::tensor({-2.0, 0.7}, at::kDouble).requires_grad_();
    auto const value = straight_through<k3>{}(libtorch::field(logprob), libtorch::field(at::zeros_like(logprob)));
    CHECK(torch::autograd::grad({value.tensor.sum()}, {logprob})[0].equal(logprob.detach()));
#endif
}

TEST_CASE("k2: on sampled tokens its gradient is the KL's, and k1's is none") {
    // KL(softmax(z) ‖ q): ∂KL/∂z = Σ p ∂k2/∂logp ∂logp/∂z; by z₀, ∂logpᵢ/∂z₀ = [i = 0] − p₀
    std::vector<double> const p{0.5, 0.3, 0.2}, q{0.2, 0.2, 0.6};
    double kl = 0.0, first = 0.0, second = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) kl += p[i] * std::log(p[i] / q[i]);
    for (std::size_t i = 0; i < p.size(); ++i) {
        auto const logprob = number<double, 1>::variable(std::log(p[i]), 0);
        number<double> const ref = std::log(q[i]);
        double const score = (i == 0) - p[0];
        first += p[i] * k1{}(logprob, ref).partials[0] * score;
        second += p[i] * k2{}(logprob, ref).partials[0] * score;
    }
    CHECK(first == Approx(0.0).margin(1e-15));
    CHECK(second == Approx(p[0] * (std::log(p[0] / q[0]) - kl)));
}
